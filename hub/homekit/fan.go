package homekit

import (
	"context"
	"math"
	"sync"
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/hap"
)

// A controller says what it wants of a fan in one request with two values, which arrive here as two
// calls in any order. They are gathered for a moment and become one command; where they disagree,
// off wins.
const (
	gatherTime   = 20 * time.Millisecond
	speedTime    = 5 * time.Second
	defaultSpeed = 50 // percent, for "on" before any speed was set
)

// fan is a motor.
type fan struct {
	steps int
	do    func(ctx context.Context, percent int) error

	active, speed *hap.Characteristic

	mu      sync.Mutex
	now     int   // percent, as last reported
	last    int   // percent, the last one that was not 0
	reports int   // so far
	wishes  int   // so far
	wish    *wish // being gathered; nil when none is
}

// wish is what the writes of one moment want.
type wish struct {
	active *bool
	speed  *int
	done   chan struct{}
	err    error // once done
}

// toy is a motor and, where it tells, its battery. A private one keeps that to itself: no fan has one.
func (h *House) toy(t *thing) []*hap.Service {
	f := newFan(t.plan.offer.Steps, func(ctx context.Context, percent int) error {
		return h.do(ctx, t.plan, trait.Speed.Set(percent))
	})
	motor := service(serviceFan, f.active, f.speed)
	motor.Primary = true
	t.hear = func(r trait.Reading) {
		if v, ok := trait.Speed.In(r); ok {
			h.fits(t.plan.key, typeSpeed, f.report(v))
		}
	}
	t.device = []*hap.Service{motor}
	if t.plan.offers(trait.Battery.Any()) && !t.plan.private {
		battery, hear := h.battery(t.plan)
		motorHears := t.hear
		t.hear = func(r trait.Reading) { motorHears(r); hear(r) }
		t.device = []*hap.Service{h.named(t.plan, motor, t.plan.name), h.named(t.plan, battery, joined(t.plan.name, " "+t.plan.words.Battery))}
	}
	return t.device
}

func newFan(steps int, do func(context.Context, int) error) *fan {
	f := &fan{steps: steps, do: do, last: defaultSpeed, active: level(typeActive, writes, 1)}
	f.speed = &hap.Characteristic{
		Type: typeSpeed, Format: hap.FormatFloat, Perms: writes, Unit: "percentage",
		Min: hap.Int(0), Max: hap.Int(100), Step: hap.Float(f.step()),
	}
	f.show()
	f.active.OnWrite = func(ctx context.Context, _ *hap.Peer, v hap.Value) (hap.Value, error) {
		on := v.Int() != 0
		return v, f.want(ctx, func(w *wish) { w.on(on) })
	}
	f.speed.OnWrite = func(ctx context.Context, _ *hap.Peer, v hap.Value) (hap.Value, error) {
		percent := int(math.Round(v.Float()))
		return v, f.want(ctx, func(w *wish) { w.at(percent) })
	}
	return f
}

// step is how far two speeds that the motor can tell apart are from each other, in percent.
func (f *fan) step() float64 {
	if f.steps <= 0 || f.steps >= 100 {
		return 1
	}
	return 100 / float64(f.steps)
}

// on and at remember the safer of two writes: off wins, and so does the newer speed unless it
// comes with a 0.
func (w *wish) on(on bool) {
	if w.active == nil || !on {
		w.active = &on
	}
}

func (w *wish) at(percent int) {
	if w.speed == nil || *w.speed != 0 {
		w.speed = &percent
	}
}

// want joins the wish that is being gathered or starts one, and waits for what comes of it.
func (f *fan) want(ctx context.Context, add func(*wish)) error {
	f.mu.Lock()
	w, first := f.wish, f.wish == nil
	if first {
		w = &wish{done: make(chan struct{})}
		f.wish = w
	}
	add(w)
	f.mu.Unlock()
	if first {
		<-time.After(gatherTime)
		f.fulfil(ctx, w)
		return w.err
	}
	select {
	case <-w.done:
		return w.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// fulfil does it even if the one who asked first has hung up: somebody may have joined with a stop.
func (f *fan) fulfil(ctx context.Context, w *wish) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), speedTime)
	defer cancel()
	f.mu.Lock()
	f.wish = nil
	f.wishes++
	percent, reports, wishes := f.target(w), f.reports, f.wishes
	f.mu.Unlock()
	w.err = f.do(ctx, percent)
	f.mu.Lock()
	defer f.mu.Unlock()
	newest := f.wishes == wishes
	switch {
	case w.err == nil:
		f.done(w, percent, newest && f.reports == reports)
	case percent > 0 && !newest:
		w.err = nil // a slider on the move: a newer speed took this one's place
	}
	close(w.done)
}

// target is the speed that a wish comes to.
func (f *fan) target(w *wish) int {
	switch {
	case w.active != nil && !*w.active:
		return 0
	case w.speed != nil:
		return *w.speed
	case f.now > 0:
		return f.now
	}
	return f.last
}

// done shows what was wished for, unless that is old news: the motor has spoken meanwhile, or
// somebody wished for something else. It runs under f.mu.
func (f *fan) done(w *wish, percent int, news bool) {
	if w.speed != nil && *w.speed > 0 {
		f.last = *w.speed
	}
	if news {
		f.now = percent
	}
	f.show()
}

// report takes the speed that the motor was brought to. One that cannot be is shown as the nearest
// that can, since what turns must not look at rest, and is an error.
func (f *fan) report(percent int) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reports++
	f.now = max(0, min(100, percent))
	if f.now > 0 {
		f.last = f.now
	}
	f.show()
	if f.now != percent {
		return hap.StatusInvalidValue
	}
	return nil
}

// show sets both values to what is; a speed between two steps shows as the nearer one.
func (f *fan) show() {
	steps := math.Round(float64(f.now) / f.step())
	if f.now > 0 {
		steps = max(1, steps) // what turns must not look at rest
	}
	_ = f.active.Set(digit(f.now > 0)) // both fit: now is 0 to 100
	_ = f.speed.Set(hap.Float(min(100, steps*f.step())))
}
