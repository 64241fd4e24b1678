package stream

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/ingle-home/ingle/accessories/media"
)

const (
	firstPause  = time.Second
	nearPause   = 3 * time.Second // at most, while a camera is missed that was here nearTime ago
	nearTime    = 2 * time.Minute
	maxPause    = 30 * time.Second
	refreshTime = 2 * time.Second // to ask for a key picture
)

// feed is one stretch of time in which the source wants the camera.
type feed struct {
	ctx     context.Context
	cancel  context.CancelFunc
	done    chan struct{}
	asked   bool // for a key picture on this line, since none had come
	refused bool // it cannot be asked for one
}

// wanted starts the camera when somebody needs it. Callers hold mu.
func (s *Source) wanted() {
	if s.barred() != nil || len(s.viewers)+s.guests == 0 {
		return
	}
	if s.linger != nil {
		s.linger.Stop()
		s.linger = nil
	}
	if s.feed != nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	f := &feed{ctx: ctx, cancel: cancel, done: make(chan struct{})}
	previous := s.last
	s.feed, s.last = f, f
	go func() {
		defer close(f.done)
		if previous != nil {
			<-previous.done // never two connections to one camera
		}
		s.pump(ctx, f)
	}()
}

// leave is the end of a guest's visit.
func (s *Source) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.guests--
	s.unwanted()
}

// unwanted starts the linger time when the last viewer has left. Callers hold mu.
func (s *Source) unwanted() {
	if s.feed == nil || len(s.viewers)+s.guests > 0 {
		return
	}
	var t *time.Timer
	t = time.AfterFunc(s.opts.Linger, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.linger == t && len(s.viewers)+s.guests == 0 {
			s.linger = nil
			s.hangUp()
			s.film.reconnect()
		}
	})
	if s.linger != nil {
		s.linger.Stop()
	}
	s.linger = t
}

// hangUp ends the connection and does not wait for it. Callers hold mu.
func (s *Source) hangUp() {
	if s.feed != nil {
		s.feed.cancel()
		s.feed = nil
	}
	s.stats.Connected = false
}

// pump keeps the camera connected until ctx ends, with pauses from 1 s to 30 s between tries. A camera
// that has just gone will be back soon: it is called more often at first.
func (s *Source) pump(ctx context.Context, f *feed) {
	pause := firstPause
	var seen time.Time
	for ctx.Err() == nil {
		var delivered atomic.Bool // out runs in the driver's goroutine
		s.began(f)
		err := s.watch(ctx, func(u *media.Unit) {
			delivered.Store(true)
			s.deliver(f, u)
		})
		if s.ended(f, err) {
			return
		}
		if delivered.Load() {
			pause, seen = firstPause, time.Now()
		}
		s.opts.Log.Info("stream: camera line ended", "err", err, "again_in", pause)
		jitter := time.Duration((0.8 + 0.4*rand.Float64()) * float64(pause))
		wait := time.NewTimer(jitter)
		select {
		case <-ctx.Done():
		case <-wait.C:
		}
		wait.Stop()
		pause = min(2*pause, maxPause)
		if time.Since(seen) < nearTime {
			pause = min(pause, nearPause)
		}
	}
}

func (s *Source) began(f *feed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.feed == f {
		s.stats.Connections++
		s.film.reconnect()
		f.asked = false
	}
}

// refresh asks the camera for a key picture and says whether one may come. Callers hold mu.
func (s *Source) refresh() bool {
	f := s.feed
	if s.opts.Refresh == nil || f == nil || f.refused {
		return false
	}
	if s.asking {
		return true
	}
	s.asking = true
	s.asks.Go(func() {
		ctx, cancel := context.WithTimeout(f.ctx, refreshTime)
		defer cancel()
		err := s.opts.Refresh(ctx)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.asking = false
		if err != nil && f.ctx.Err() == nil {
			f.refused = true
			for v := range s.viewers {
				v.unhold() // nothing comes that is worth waiting for
			}
			s.opts.Log.Debug("stream: the camera makes no key picture when it is asked", "err", err)
		}
	})
	return true
}

// ended notes why the line ended and says whether that was the last try.
func (s *Source) ended(f *feed, err error) (final bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.feed != f {
		return true
	}
	if err == nil {
		err = errors.New("stream: the camera ended the stream")
	}
	s.stats.Connected, s.stats.Err = false, err
	s.film.reconnect()
	if s.opts.GiveUp != nil && s.opts.GiveUp(err) {
		s.failed = err
		f.cancel()
		s.feed = nil
		s.tell()
		return true
	}
	return false
}

// deliver hands a unit to every viewer. It never waits: rings that are full drop.
func (s *Source) deliver(f *feed, u *media.Unit) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.feed != f {
		return // paused, closed or hung up in the meantime
	}
	s.stats.Units++
	waiting := s.film.key == nil
	if waiting && !u.Key && u.Sound == nil && !f.asked {
		f.asked = true // the next one could be seconds away
		s.refresh()
	}
	if u = s.film.add(u, s.opts.GOPBytes); u == nil {
		return
	}
	s.stats.Connected, s.stats.Err = true, nil
	for v := range s.viewers {
		s.stats.Dropped += v.push(u)
	}
	if waiting {
		s.tell()
	}
}
