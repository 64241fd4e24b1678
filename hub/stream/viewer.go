package stream

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/ingle-home/ingle/accessories/media"
)

// Viewer receives a source's units in order. Next is for one goroutine at a time.
type Viewer struct {
	source  *Source
	ready   chan struct{}
	forget  func() bool // stops the wait for the context that View got
	dropped atomic.Uint64

	// Guarded by source.mu.
	gone    bool
	queue   []*media.Unit
	limit   int
	weight  int           // of the queue, in bytes
	needKey bool          // the next unit must be a key unit, or it cannot be decoded
	held    []*media.Unit // what follows the queue, unless a new key unit comes first
	late    *time.Timer   // ends the wait for it
}

// holdTime is how long a viewer waits for a key picture that the camera was asked for, with the old one
// before its eyes.
const holdTime = 500 * time.Millisecond

// View opens a viewer until ctx ends or its Close. It starts with the newest key unit and all that
// came since, if the camera is connected, and goes on live without a gap. Where that is more than three
// seconds, the camera is asked for a new key unit, and what followed the old one comes only when there
// is none half a second later.
func (s *Source) View(ctx context.Context) *Viewer {
	v := &Viewer{source: s, ready: make(chan struct{}, 1), needKey: true}
	s.mu.Lock()
	v.queue = slices.Clone(s.film.gop)
	v.needKey = len(v.queue) == 0
	v.limit = s.opts.Ring + len(v.queue)
	s.viewers[v] = struct{}{}
	s.wanted()
	if s.film.stale() && s.refresh() && len(v.queue) > 1 {
		v.queue, v.held = v.queue[:1:1], v.queue[1:]
		v.late = time.AfterFunc(holdTime, v.release)
	}
	v.weight = weightOf(v.queue)
	v.poke()
	v.forget = context.AfterFunc(ctx, v.end)
	s.mu.Unlock()
	return v
}

// Next gives the next unit and waits for it. The unit is shared: it must not be changed. Errors:
// ErrPaused, ErrClosed, the error on which the source gave up, or ctx's.
func (v *Viewer) Next(ctx context.Context) (*media.Unit, error) {
	for {
		if u, err := v.take(); u != nil || err != nil {
			return u, err
		}
		select {
		case <-v.ready:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (v *Viewer) take() (*media.Unit, error) {
	v.source.mu.Lock()
	defer v.source.mu.Unlock()
	if v.gone {
		return nil, ErrClosed
	}
	if err := v.source.barred(); err != nil {
		return nil, err
	}
	if len(v.queue) == 0 {
		return nil, nil
	}
	u := v.queue[0]
	v.queue[0] = nil
	v.queue = v.queue[1:]
	v.weight -= u.Weight()
	return u, nil
}

// Dropped is the number of units that this viewer lost because it was too slow.
func (v *Viewer) Dropped() uint64 { return v.dropped.Load() }

// Close ends the viewer.
func (v *Viewer) Close() {
	v.forget()
	v.end()
}

func (v *Viewer) end() {
	s := v.source
	s.mu.Lock()
	defer s.mu.Unlock()
	if v.gone {
		return
	}
	v.gone = true
	v.empty()
	delete(s.viewers, v)
	v.poke()
	s.unwanted()
}

// empty throws away what was not fetched. Callers hold source.mu.
func (v *Viewer) empty() {
	v.queue, v.held, v.needKey, v.weight = nil, nil, true, 0
	if v.late != nil {
		v.late.Stop()
	}
}

// hush throws away the sound that was not fetched. Callers hold source.mu.
func (v *Viewer) hush() {
	heard := func(u *media.Unit) bool { return u.Sound != nil }
	v.queue, v.held = slices.DeleteFunc(v.queue, heard), slices.DeleteFunc(v.held, heard)
	v.weight = weightOf(v.queue)
}

// release lets through what was held back for a key unit that did not come.
func (v *Viewer) release() {
	v.source.mu.Lock()
	defer v.source.mu.Unlock()
	v.unhold()
}

// unhold is release for callers that hold source.mu.
func (v *Viewer) unhold() {
	if v.held != nil {
		v.queue, v.held = append(v.queue, v.held...), nil
		v.weight = weightOf(v.queue)
		v.poke()
	}
}

// poke wakes Next.
func (v *Viewer) poke() {
	select {
	case v.ready <- struct{}{}:
	default:
	}
}

// push appends a unit and gives the number of units lost by that. Callers hold source.mu.
func (v *Viewer) push(u *media.Unit) (lost uint64) {
	defer func() { v.dropped.Add(lost) }()
	if v.needKey && !u.Key {
		if v.dropped.Load() > 0 {
			lost = 1 // part of a drop; before the first key unit nothing was lost
		}
		return lost
	}
	v.needKey = false
	switch {
	case v.held == nil:
	case u.Key:
		v.held = nil // it came
	default:
		v.held = append(v.held, u)
		return 0
	}
	// A camera that sends more than anybody can pass on must not fill the memory.
	if len(v.queue) >= v.limit || v.weight+u.Weight() > 2*v.source.opts.GOPBytes && len(v.queue) > 0 {
		if u.Sound != nil {
			return 1 // pictures go first
		}
		lost = uint64(v.makeRoom(u))
		v.weight = weightOf(v.queue)
		if v.needKey {
			return lost
		}
	}
	v.queue = append(v.queue, u)
	v.weight += u.Weight()
	v.poke()
	return lost
}

func weightOf(units []*media.Unit) (sum int) {
	for _, u := range units {
		sum += u.Weight()
	}
	return sum
}

// makeRoom drops the sound, and where that is not enough all up to the newest key unit: one in the
// ring, or the one that comes, or one to wait for; then the unit at hand is lost as well.
func (v *Viewer) makeRoom(u *media.Unit) (lost int) {
	all := len(v.queue)
	v.queue = slices.DeleteFunc(v.queue, func(u *media.Unit) bool { return u.Sound != nil })
	if silent := all - len(v.queue); silent > 0 {
		return silent
	}
	from := len(v.queue)
	if !u.Key {
		for from--; from > 0 && !v.queue[from].Key; from-- {
		}
	}
	if from <= 0 { // no later key unit
		lost = len(v.queue) + 1
		v.queue, v.needKey = nil, true
		return lost
	}
	v.queue = slices.Clone(v.queue[from:])
	return from
}
