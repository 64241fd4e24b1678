package safety_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/bus"
	"github.com/ingle-home/ingle/hub/safety"
)

var errAway = errors.New("away")

// toy is what an actuator drives: it keeps what was written to it, and it can misbehave.
type toy struct {
	writes   []int
	swallow  int           // so many stops are lost
	slow     time.Duration // a speed above 0 takes so long to arrive
	hang     bool          // it answers nothing, and ignores the context
	away     bool
	finished chan struct{} // lets go of what hangs
}

// toys is an actuator.
type toys struct {
	mu   sync.Mutex
	toys map[string]*toy
}

func (a *toys) Do(ctx context.Context, accessory string, cmd trait.Command) error {
	percent, ok := trait.Speed.Want(cmd)
	if !ok {
		return nil
	}
	a.mu.Lock()
	t := a.toys[accessory]
	slow, hang, away := t.slow, t.hang, t.away
	a.mu.Unlock()
	switch {
	case away:
		return errAway
	case hang:
		<-t.finished
		return ctx.Err()
	case percent > 0 && slow > 0:
		wait := time.NewTimer(slow) // it arrives late, and after any stop that was sent meanwhile
		<-wait.C
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if percent == 0 && t.swallow > 0 {
		t.swallow--
		a.mu.Unlock()
		<-ctx.Done()
		a.mu.Lock()
		return ctx.Err()
	}
	t.writes = append(t.writes, percent)
	return nil
}

// faults keeps what is wrong.
type faults struct {
	mu   sync.Mutex
	list []string
}

func (f *faults) Raise(code, subject string, _ map[string]string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !slices.Contains(f.list, code+" "+subject) {
		f.list = append(f.list, code+" "+subject)
	}
}

func (f *faults) Clear(code, subject string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = slices.DeleteFunc(f.list, func(s string) bool { return s == code+" "+subject })
}

// world is a Guard with toys, in a bubble whose clock moves only when all wait.
type world struct {
	*safety.Guard
	t      *testing.T
	toys   *toys
	bus    *bus.Bus
	faults *faults
}

func inWorld(t *testing.T, test func(w *world), names ...string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, toys: &toys{toys: map[string]*toy{}}, bus: bus.New(), faults: &faults{}}
		w.Guard = safety.New(safety.Options{Actuator: w.toys, Bus: w.bus, Faults: w.faults})
		for _, n := range append(names, "rocket") {
			w.toys.toys[n] = &toy{finished: make(chan struct{})}
			w.report(n, trait.Reachable.Of(true, time.Now()))
			w.report(n, trait.Speed.Of(0, time.Now()))
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- w.Run(ctx) }()
		synctest.Wait()
		test(w)
		for _, one := range w.toys.toys {
			close(one.finished)
		}
		_ = w.Close(t.Context())
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

func (w *world) report(accessory string, r trait.Reading) {
	w.bus.Publish(bus.Change{Accessory: accessory, Reading: r})
}

func (w *world) with(f func(rocket *toy)) {
	w.toys.mu.Lock()
	defer w.toys.mu.Unlock()
	f(w.toys.toys["rocket"])
}

func (w *world) set(percent int) error {
	return w.Do(context.Background(), "rocket", trait.Speed.Set(percent))
}

func (w *world) mustSet(percent int) {
	w.t.Helper()
	if err := w.set(percent); err != nil {
		w.t.Fatalf("speed %d: %v", percent, err)
	}
}

func (w *world) wrote(accessory string, want ...int) {
	w.t.Helper()
	w.toys.mu.Lock()
	defer w.toys.mu.Unlock()
	if got := w.toys.toys[accessory].writes; !slices.Equal(got, want) {
		w.t.Fatalf("%s got %v, want %v", accessory, got, want)
	}
}

func (w *world) wrong(want ...string) {
	w.t.Helper()
	w.faults.mu.Lock()
	defer w.faults.mu.Unlock()
	if !slices.Equal(w.faults.list, want) {
		w.t.Fatalf("faults %v, want %v", w.faults.list, want)
	}
}

// pass lets time pass in the bubble.
func pass(d time.Duration) {
	timer := time.NewTimer(d)
	<-timer.C
	synctest.Wait()
}

func (w *world) wantErr(err, kind error) {
	w.t.Helper()
	if !errors.Is(err, kind) {
		w.t.Fatalf("%v is not %q", err, kind)
	}
}
