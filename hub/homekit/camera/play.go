package camera

import (
	"context"
	"sync"
	"time"

	"github.com/ingle-home/ingle/accessories/media"
	"github.com/ingle-home/ingle/hub/stream"
)

const (
	burst = 20_000_000 // bits a second at most, while an old picture is caught up
	slack = 2 * time.Millisecond
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

// play sends the cached pictures, paced, and then what comes, until the stream is suspended or another view
// that the viewer wants is there. It begins at a key unit, and after a suspension at one that was not sent
// before it.
func (w *viewer) play(ctx context.Context, p *packetizer) error {
	ctx, cancel := context.WithCancel(ctx)
	var changing sync.WaitGroup
	defer changing.Wait()
	defer cancel()
	source := w.wanted()
	moved := w.shown != nil && w.shown != source
	w.shown = source
	view := source.View(ctx)
	defer view.Close()
	var other chan struct{}
	free := time.Now() // when the line is free again
	for waiting := true; ; {
		u, err := view.Next(ctx)
		if err != nil {
			return err
		}
		if w.suspended() {
			return nil
		}
		if want := w.wanted(); want != source && other == nil {
			other = make(chan struct{})
			changing.Go(func() { begun(ctx, want, other) })
		}
		select {
		case <-other:
			return nil
		default:
		}
		u = w.shifted(u, moved && u.Key)
		if u.Sound != nil || waiting && !(u.Key && w.news(u)) {
			continue
		}
		waiting, moved = false, false
		p.limit = w.wishes().payload(w.setup.address.Is6())
		for _, packet := range p.packets(u) {
			if free, err = w.pace(ctx, free, len(packet.Payload)); err != nil {
				return err
			}
			w.sent(u)
			if err := w.video.send(packet); err != nil {
				return err
			}
		}
	}
}

// begun closes a channel as soon as a source has a key unit that is new.
func begun(ctx context.Context, source *stream.Source, is chan<- struct{}) {
	asked := time.Now()
	view := source.View(ctx)
	defer view.Close()
	for {
		u, err := view.Next(ctx)
		if err != nil {
			return // the old view must do
		}
		if u.Key && u.At.After(asked) {
			close(is)
			return
		}
	}
}

// shifted gives a unit the time of the viewer's clock, which is that of the first view. With anew it is
// the first unit of another view.
func (w *viewer) shifted(u *media.Unit, anew bool) *media.Unit {
	w.mu.Lock()
	last := w.last
	w.mu.Unlock()
	if anew && last != nil {
		w.shift = last.PTS + max(u.At.Sub(last.At), time.Millisecond) - u.PTS
	}
	if w.shift == 0 {
		return u
	}
	own := *u // units are shared and never changed
	own.PTS += w.shift
	return &own
}

// news reports whether a unit is newer than all that were sent.
func (w *viewer) news(u *media.Unit) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last == nil || u.PTS > w.last.PTS
}

// pace waits until the line is free and says when it will be free after n more bytes.
func (w *viewer) pace(ctx context.Context, free time.Time, n int) (time.Time, error) {
	now := time.Now()
	if free.Before(now) {
		free = now
	}
	if ahead := free.Sub(now); ahead > slack {
		select {
		case <-time.After(ahead):
		case <-ctx.Done():
			return free, ctx.Err()
		}
	}
	return free.Add(time.Duration(n) * 8 * time.Second / burst), nil
}

// sent notes the newest picture.
func (w *viewer) sent(u *media.Unit) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = u
}
