// Package stream shares one camera connection between any number of viewers.
//
// A Source opens the camera when the first viewer comes, keeps it a moment after the last one left,
// tries again with growing pauses when the line breaks, and remembers the pictures since the newest
// key frame so that a new viewer sees something at once. Units of sound come between the pictures.
// Every viewer has its own bounded ring: a viewer that is too slow loses its sound and then pictures up
// to a key frame, and never delays the camera or another viewer. A paused Source (privacy) holds no connection and no picture.
package stream

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/ingle-home/ingle/accessories/media"
)

// Why a source gives no picture.
var (
	ErrPaused   = errors.New("the camera is paused")                          // privacy is on
	ErrClosed   = errors.New("the picture source or its viewer is closed")    // for ever
	ErrNoFFmpeg = errors.New("snapshots need ffmpeg, which is not installed") // install it
)

// Options tune a Source. The zero value is good.
type Options struct {
	Linger   time.Duration                   // how long the camera stays connected without viewers; 0 = 10 s
	Ring     int                             // units that a viewer may lag behind; 0 = 256
	GOPBytes int                             // most bytes kept since the newest key frame; 0 = 16 MiB
	FFmpeg   string                          // the program that makes snapshots; "" = ffmpeg from the PATH
	GiveUp   func(error) bool                // errors after which another try would do harm (a wrong password); nil = none
	Refresh  func(ctx context.Context) error // asks the connected camera for a key picture; nil = it cannot be asked
	Log      *slog.Logger                    // nil = silent
}

// Stats are counters since the source was made.
type Stats struct {
	Connected   bool   // the camera delivers at this moment
	Viewers     int    // open viewers
	Connections uint64 // times that the camera was called
	Units       uint64 // units received
	Dropped     uint64 // units that slow viewers lost, all viewers together
	Err         error  // why the last connection ended; nil while connected
}

// Source is one camera connection for many viewers. It is safe for concurrent use.
type Source struct {
	watch func(ctx context.Context, out func(*media.Unit)) error
	opts  Options

	mu      sync.Mutex
	closed  bool
	paused  bool
	failed  error // an error that GiveUp took for final
	viewers map[*Viewer]struct{}
	guests  int         // callers that need the camera without a ring (KeyFrame)
	linger  *time.Timer // runs while the camera is kept without viewers
	feed    *feed       // the running connection, nil when there is none
	last    *feed       // the newest feed, to wait for its end
	changed chan struct{}
	stats   Stats
	film    film
	asking  bool           // for a key picture
	asks    sync.WaitGroup // those who ask

	snapshots snapshots
}

// New makes a source from a function that streams a camera's units until ctx ends. Nothing is
// connected before the first viewer.
func New(watch func(ctx context.Context, out func(*media.Unit)) error, o Options) *Source {
	if o.Linger == 0 {
		o.Linger = 10 * time.Second
	}
	if o.Ring == 0 {
		o.Ring = 256
	}
	if o.GOPBytes == 0 {
		o.GOPBytes = 16 << 20
	}
	if o.FFmpeg == "" {
		o.FFmpeg = "ffmpeg"
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Source{
		watch: watch, opts: o,
		viewers:   make(map[*Viewer]struct{}),
		changed:   make(chan struct{}),
		snapshots: newSnapshots(),
	}
}

// Track is what the camera's pictures are, nil before the first and while the source is paused.
func (s *Source) Track() *media.Track {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.film.track
}

// Size is the picture's size in pixels, 0 × 0 as long as it is not known.
func (s *Source) Size() (width, height int) {
	if t := s.Track(); t != nil {
		return t.Width, t.Height
	}
	return 0, 0
}

// Stats gives the counters.
func (s *Source) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.stats
	st.Viewers = len(s.viewers)
	return st
}

// KeyFrame gives the newest key unit, and calls the camera for one if need be. When ctx ends first
// the error also says why the camera did not answer.
func (s *Source) KeyFrame(ctx context.Context) (*media.Unit, error) {
	s.mu.Lock()
	s.guests++
	s.wanted()
	s.mu.Unlock()
	defer s.leave()
	for {
		s.mu.Lock()
		key, err, changed := s.film.key, s.barred(), s.changed
		s.mu.Unlock()
		if err != nil {
			return nil, err
		}
		if key != nil {
			return key, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), s.Stats().Err)
		}
	}
}

// Pause(true) is privacy: it closes the camera connection, forgets every picture, also those that
// viewers have not fetched, and answers ErrPaused until Pause(false). It waits up to a second for the
// connection to be gone. Viewers stay and go on after Pause(false).
func (s *Source) Pause(on bool) {
	s.mu.Lock()
	s.paused = on
	gone := s.last
	if on {
		s.hangUp()
		s.film = film{}
		for v := range s.viewers {
			v.empty()
		}
		s.snapshots.wipe()
	} else {
		s.wanted()
	}
	s.tell()
	s.mu.Unlock()
	if on && gone != nil {
		wait := time.NewTimer(time.Second)
		defer wait.Stop()
		select {
		case <-gone.done:
		case <-wait.C:
			s.opts.Log.Warn("stream: the camera connection ignores its end")
		}
	}
}

// Paused says whether Pause is on.
func (s *Source) Paused() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.paused
}

// Barred says why nobody gets a picture now: ErrPaused, ErrClosed, or the error on which the source
// gave up. Nil means that pictures may come.
func (s *Source) Barred() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.barred()
}

// Changed is closed at the next change of what Barred says, and at some other moments. Ask for it
// before Barred, so that no change is missed.
func (s *Source) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

// Retry has a source that gave up try again: the camera has let somebody in since.
func (s *Source) Retry() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed != nil {
		s.failed = nil
		s.wanted()
		s.tell()
	}
}

// Reconnect ends the camera connection, if there is one, for another that asks for other things. Viewers
// stay, without the sound that they have not fetched.
func (s *Source) Reconnect() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for v := range s.viewers {
		v.hush()
	}
	if s.feed != nil {
		s.hangUp()
		s.film.reconnect()
		s.wanted()
	}
}

// Close ends the connection and every viewer and waits for the camera's driver.
func (s *Source) Close() error {
	s.mu.Lock()
	s.closed = true
	s.hangUp()
	s.film = film{}
	for v := range s.viewers {
		v.empty()
	}
	s.snapshots.wipe()
	if s.linger != nil {
		s.linger.Stop()
	}
	gone := s.last
	s.tell()
	s.mu.Unlock()
	s.asks.Wait()
	if gone != nil {
		<-gone.done
	}
	return nil
}

// idle says that nobody wants the source, and that nothing of it runs.
func (s *Source) idle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.feed != nil || len(s.viewers)+s.guests > 0 {
		return false
	}
	if s.last == nil {
		return true
	}
	select {
	case <-s.last.done:
		return true
	default:
		return false
	}
}

// barred says why nobody gets a picture now; nil when pictures may come. Callers hold mu.
func (s *Source) barred() error {
	switch {
	case s.closed:
		return ErrClosed
	case s.paused:
		return ErrPaused
	}
	return s.failed
}

// tell wakes everyone who waits for a change. Callers hold mu.
func (s *Source) tell() {
	close(s.changed)
	s.changed = make(chan struct{})
	for v := range s.viewers {
		v.poke()
	}
}
