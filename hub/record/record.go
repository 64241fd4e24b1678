// Package record keeps clips of what a camera saw: from some seconds before something moved, somebody
// rang or a person asked, until some seconds after. A Recorder is one more viewer of a stream.Source. It
// holds the last seconds in memory and writes a clip while it lasts, as fragmented MP4 whose parts are
// sealed by the Store as they come, so that a crash takes one part at most. The disk never delays the
// camera or its other viewers: a Recorder that it cannot follow marks a gap.
//
// Nothing is recorded while the source is paused (privacy), and what the Recorder held in memory is
// wiped then. Sound is left out unless the household asked for it.
//
//	record.go  the recorder: when a clip begins and ends
//	piece.go   what came in lately, in pieces of 1 to 4 s
//	order.go   in which order pictures are decoded
//	clip.go    one clip that is being written
//	sound.go   its sound
//	note.go    what is known about a clip, and where its parts lie
//	clips.go   the clips that there are
//	rules.go   which cameras record, and how long clips stay
package record

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/ingle-home/ingle/accessories/media"
	"github.com/ingle-home/ingle/hub/stream"
)

// Why a clip was made.
type Why string

// The reasons. Lost is that of a clip whose row was lost.
const (
	Motion   Why = "motion"
	Doorbell Why = "doorbell"
	ByHand   Why = "by-hand"
	Lost     Why = "lost"
)

const (
	preRoll  = 4 * time.Second
	postRoll = 10 * time.Second
	longest  = 5 * time.Minute
	maxHold  = 30 * time.Minute // motion that goes on for longer is a sensor that got stuck
	ringSize = 24 << 20         // bytes
	lookTime = time.Second      // between two looks whether a clip is over, when no pictures come
)

// Options tune a Recorder. All but Camera, Source and Store may be zero.
type Options struct {
	Camera  string
	Source  *stream.Source
	Store   Store
	PreRoll time.Duration // what a clip has of the time before; 0 = 4 s
	Post    time.Duration // … of the time after; 0 = 10 s
	Longest time.Duration // then the next clip begins, without a gap; 0 = 5 min
	Ring    int           // most bytes held in memory for the time before; 0 = 24 MiB
	Sound   bool          // the household wants it, and the camera sends Opus, AAC or G.711
	Began   func()        // told that a clip is listed; nil = nobody is told
	Ended   func(error)   // told how each clip ended: nil if it is whole; nil = nobody is told
	Log     *slog.Logger
}

// Recorder records one camera. It is safe for concurrent use.
type Recorder struct {
	Options
	writing sync.WaitGroup

	mu    sync.Mutex
	why   Why
	until time.Time // until when what happened last is recorded
	held  time.Time // something goes on that is recorded until then; zero: nothing
	reel  reel
	ear   ear
	clip  *clip // nil between clips
}

// New makes a recorder, which does nothing before Run.
func New(o Options) *Recorder {
	for _, d := range []struct {
		at   *time.Duration
		good time.Duration
	}{{&o.PreRoll, preRoll}, {&o.Post, postRoll}, {&o.Longest, longest}} {
		if *d.at == 0 {
			*d.at = d.good
		}
	}
	if o.Ring == 0 {
		o.Ring = ringSize
	}
	if o.Began == nil {
		o.Began = func() {}
	}
	if o.Ended == nil {
		o.Ended = func(error) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Recorder{Options: o, reel: reel{cover: o.PreRoll, limit: o.Ring}}
}

// Trigger records what happens now. Events that overlap make one clip. While the source is paused it
// does nothing.
func (r *Recorder) Trigger(why Why) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.Source.Paused() { // under the lock of Wipe, which comes after the pause
		return
	}
	r.wanted(why)
	r.until = later(r.until, time.Now().Add(r.Post))
}

// Hold records for as long as something goes on, such as motion, half an hour at most.
func (r *Recorder) Hold(why Why, on bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.Source.Paused() {
		return
	}
	now := time.Now()
	switch {
	case on:
		r.wanted(why)
		r.held = now.Add(maxHold)
	case now.Before(r.held):
		r.until = later(r.until, now.Add(r.Post))
		r.held = time.Time{}
	}
}

// wanted notes why the next clip is made, if none is running. Callers hold mu.
func (r *Recorder) wanted(why Why) {
	if !r.going(time.Now()) {
		r.why = why
	}
}

// going says whether there is something to record at now. Callers hold mu.
func (r *Recorder) going(now time.Time) bool { return now.Before(r.until) || now.Before(r.held) }

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// Recording says whether a clip is being written.
func (r *Recorder) Recording() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.clip != nil
}

// Wipe ends the clip that is running, as it is, and forgets what is held in memory.
func (r *Recorder) Wipe() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.until, r.held = time.Time{}, time.Time{}
	r.end()
	r.reel.wipe()
	r.ear.close()
}

// Run watches the camera until ctx ends or the source is closed, then ends the clip that is running and
// waits until it is stored.
func (r *Recorder) Run(ctx context.Context) error {
	v := r.Source.View(ctx)
	defer v.Close()
	defer r.writing.Wait()
	defer r.Wipe()
	dropped := v.Dropped()
	for {
		changed := r.Source.Changed()
		u, err := r.next(ctx, v)
		switch {
		case err == nil:
			// After lost pictures comes a key picture; before any other one only sound was lost.
			r.take(u, v.Dropped() != dropped && u.Key)
			dropped = v.Dropped()
		case ctx.Err() != nil, errors.Is(err, stream.ErrClosed):
			return nil
		case errors.Is(err, context.DeadlineExceeded):
			r.look()
		default: // paused, or given up
			r.Wipe()
			select {
			case <-changed:
			case <-ctx.Done():
			}
		}
	}
}

func (r *Recorder) next(ctx context.Context, v *stream.Viewer) (*media.Unit, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	return v.Next(ctx)
}

// take takes a unit, of which gap says that others before it were lost.
func (r *Recorder) take(u *media.Unit, gap bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if u.Sound != nil {
		r.hear(u)
		return
	}
	done, fresh := r.reel.add(u, gap)
	if r.clip != nil && done != nil {
		r.clip.send(*done)
	}
	if r.clip != nil && (fresh || done != nil && u.Key && r.clip.lasts >= r.Longest) {
		r.clip.end() // the next one goes on where this one ends
		r.clip = r.begin(nil)
	}
	r.judge()
}

// hear takes a packet of sound, if sound is wanted. Callers hold mu.
func (r *Recorder) hear(u *media.Unit) {
	if !r.Sound {
		return
	}
	units, err := r.ear.hear(u)
	if err != nil {
		r.Log.Warn("record: the sound is left out", "camera", r.Camera, "err", err)
	}
	for _, one := range units {
		r.reel.hear(one)
	}
}

func (r *Recorder) look() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.judge()
}

// judge begins or ends a clip. Callers hold mu.
func (r *Recorder) judge() {
	going := r.going(time.Now())
	switch {
	case going && r.clip == nil && r.reel.ready():
		r.clip = r.begin(r.reel.pieces)
	case !going && r.clip != nil:
		r.end()
	}
}

// begin starts a clip with what lies in the ring. Callers hold mu.
func (r *Recorder) begin(before []piece) *clip {
	c := &clip{recorder: r, why: r.why, pieces: make(chan piece, maxQueue)}
	for _, p := range before {
		c.send(p)
	}
	r.writing.Go(c.run)
	return c
}

// end ends the clip with what came since its last part. Callers hold mu.
func (r *Recorder) end() {
	if r.clip == nil {
		return
	}
	if p := r.reel.rest(); p != nil {
		r.clip.send(*p)
	}
	r.clip.end()
	r.clip = nil
}
