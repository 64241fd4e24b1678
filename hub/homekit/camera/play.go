package camera

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/ingle-home/ingle/accessories/media"
	"github.com/ingle-home/ingle/hub/stream"
)

// A burst of datagrams is lost where it meets a small buffer: old pictures that are caught up, or one
// that is very large. The usual ones are not held up.
const (
	speed = 20_000_000            // bits a second at most
	slack = 16 * time.Millisecond // that may be sent ahead
	bunch = 24                    // packets that are sent together
)

// forward sends pictures until the stream ends, but not while it is suspended.
func (w *viewer) forward(ctx context.Context, p *packetizer) error {
	for {
		select {
		case <-w.opened():
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := w.play(ctx, p); err != nil {
			return err
		}
	}
}

// opened is closed while the stream may run.
func (w *viewer) opened() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.gate
}

func (w *viewer) suspended() bool {
	select {
	case <-w.opened():
		return false
	default:
		return true
	}
}

// play sends the cached pictures, paced, and then what comes, until the stream is suspended. It begins
// at a key unit, and after a suspension at one that was not sent before it.
func (w *viewer) play(ctx context.Context, p *packetizer) error {
	r := w.reel(ctx)
	defer r.close()
	var line pacer
	for waiting := true; ; {
		u, err := r.next()
		if err != nil {
			return err
		}
		if w.suspended() {
			return nil
		}
		if u.Sound != nil || waiting && !(u.Key && w.news(u)) {
			continue
		}
		waiting = false
		p.limit = w.wishes().payload(w.setup.address.Is6())
		w.sent(u)
		for some := range slices.Chunk(p.packets(u), bunch) {
			if err = line.pace(ctx, len(some)*p.limit); err != nil {
				return err
			}
			if err := w.video.send(some...); err != nil {
				return err
			}
		}
	}
}

// reel is the pictures of the view that suits a viewer. When another suits it better, that one takes over
// at its next key unit; until then the old one goes on.
type reel struct {
	viewer *viewer
	ctx    context.Context
	stop   context.CancelFunc
	source *stream.Source
	view   *stream.Viewer

	coming   *stream.Source  // nil while nothing is to change
	takeover chan takeover   // gets the one that comes
	over     context.Context // ends when it is there
	tasks    sync.WaitGroup
}

// takeover is another view at its first key unit.
type takeover struct {
	view  *stream.Viewer
	first *media.Unit
	err   error
}

func (w *viewer) reel(ctx context.Context) *reel {
	r := &reel{viewer: w, source: w.wanted()}
	r.ctx, r.stop = context.WithCancel(ctx)
	r.view, r.over = r.source.View(ctx), r.ctx
	return r
}

// close ends the reel and what was to come.
func (r *reel) close() {
	r.stop()
	r.view.Close()
	r.tasks.Wait()
	if r.coming != nil {
		if t := <-r.takeover; t.view != nil {
			t.view.Close()
		}
	}
}

// next gives the next unit, by the viewer's clock.
func (r *reel) next() (*media.Unit, error) {
	if want := r.viewer.wanted(); r.coming == nil && want != r.source {
		r.change(want)
	}
	u, err := r.view.Next(r.over)
	if r.coming == nil {
		return r.viewer.timed(r.source, u), err
	}
	select {
	case t := <-r.takeover:
		if u, err = t.first, t.err; err == nil {
			r.view.Close()
			r.source, r.view = r.coming, t.view
		}
		r.coming, r.over = nil, r.ctx
	default:
	}
	return r.viewer.timed(r.source, u), err
}

// change waits for a key unit of another view.
func (r *reel) change(to *stream.Source) {
	over, ready := context.WithCancel(r.ctx)
	r.coming, r.takeover, r.over = to, make(chan takeover, 1), over
	began, done := time.Now(), r.takeover
	r.tasks.Go(func() {
		defer ready()
		view := to.View(r.ctx)
		for {
			u, err := view.Next(r.ctx)
			if err != nil {
				view.Close()
				done <- takeover{err: err}
				return
			}
			if u.Key && !u.At.Before(began) { // an older one would take the viewer back
				done <- takeover{view: view, first: u}
				return
			}
		}
	})
}

// timed gives a view's unit by the viewer's clock, which goes on from view to view.
func (w *viewer) timed(of *stream.Source, u *media.Unit) *media.Unit {
	if u == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.shown != of {
		if w.last != nil {
			w.shift = w.last.PTS + max(u.At.Sub(w.last.At), time.Millisecond) - u.PTS
		}
		w.shown = of
	}
	if w.shift == 0 {
		return u
	}
	moved := *u // units are shared and never changed
	moved.PTS += w.shift
	return &moved
}

// news reports whether a unit is newer than all that were sent.
func (w *viewer) news(u *media.Unit) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last == nil || u.PTS > w.last.PTS
}

// pacer keeps a line below its speed.
type pacer struct{ free time.Time } // … again, after what was sent

// pace waits until n more bytes may go.
func (p *pacer) pace(ctx context.Context, n int) error {
	now := time.Now()
	if p.free.Before(now) {
		p.free = now
	}
	if ahead := p.free.Sub(now) - slack; ahead > 0 {
		wait := time.NewTimer(ahead)
		defer wait.Stop()
		select {
		case <-wait.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	p.free = p.free.Add(time.Duration(n) * 8 * time.Second / speed)
	return nil
}

// sent notes the newest picture that goes to the viewer.
func (w *viewer) sent(u *media.Unit) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = u
}
