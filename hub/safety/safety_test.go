package safety_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/bus"
	"github.com/ingle-home/ingle/hub/home"
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

func TestClampsAndCaps(t *testing.T) {
	inWorld(t, func(w *world) {
		w.mustSet(250)
		w.mustSet(-1)
		if err := w.Cap(w.t.Context(), "rocket", 40); err != nil {
			w.t.Fatal(err)
		}
		w.mustSet(80)
		w.mustSet(39)
		if err := w.Cap(w.t.Context(), "rocket", 10); err != nil {
			w.t.Fatal(err)
		}
		if err := w.Cap(w.t.Context(), "rocket", 20); err != nil {
			w.t.Fatal(err)
		}
		if err := w.Cap(w.t.Context(), "rocket", 0); err != nil {
			w.t.Fatal(err)
		}
		w.mustSet(80)
		w.wrote("rocket", 100, 0, 40, 39, 10, 0, 0)
	})
}

func TestALeaseEndsInOneStop(t *testing.T) {
	inWorld(t, func(w *world) {
		w.mustSet(50)
		pass(safety.DefaultLease - time.Second)
		w.wrote("rocket", 50)
		pass(2 * time.Second)
		w.wrote("rocket", 50, 0)
		pass(time.Hour)
		w.wrote("rocket", 50, 0)
		w.wrong()
	})
}

func TestOnlyAPersonRenewsALease(t *testing.T) {
	inWorld(t, func(w *world) {
		w.mustSet(50)
		pass(4 * time.Minute)
		w.mustSet(50) // the same again is a new command
		pass(4 * time.Minute)
		w.wrote("rocket", 50, 50)
		w.report("rocket", trait.Speed.Of(50, time.Now()))
		if err := w.Cap(w.t.Context(), "rocket", 30); err != nil {
			w.t.Fatal(err)
		}
		pass(time.Minute)
		w.wrote("rocket", 50, 50, 30, 0)
	})
}

func TestAStoppedMotorHasNoLease(t *testing.T) {
	inWorld(t, func(w *world) {
		w.mustSet(50)
		w.mustSet(0)
		pass(time.Hour)
		w.wrote("rocket", 50, 0)
	})
}

func TestASpeedThatNobodyAskedForGetsALease(t *testing.T) {
	inWorld(t, func(w *world) {
		pass(time.Second)
		w.report("rocket", trait.Speed.Of(70, time.Now()))
		pass(safety.DefaultLease)
		w.wrote("rocket", 0)
	})
}

func TestTwoSwallowedStopsAreRepeated(t *testing.T) {
	inWorld(t, func(w *world) {
		w.mustSet(50)
		w.with(func(r *toy) { r.swallow = 2 })
		w.mustSet(0)
		w.wrote("rocket", 50, 0)
		w.wrong()
	})
}

func TestASwallowedStopIsAFaultUntilItWorks(t *testing.T) {
	inWorld(t, func(w *world) {
		w.mustSet(50)
		w.with(func(r *toy) { r.swallow = 5 })
		began := time.Now()
		w.wantErr(w.set(0), safety.ErrNotStopped)
		if took := time.Since(began); took > 2*time.Second {
			w.t.Fatalf("it took %v to say so", took)
		}
		w.wrong("motor-not-stopped rocket")
		w.wrote("rocket", 50)
		pass(15 * time.Second)
		w.wrote("rocket", 50, 0)
		w.wrong()
		pass(time.Hour)
		w.wrote("rocket", 50, 0)
	})
}

func TestALateSpeedIsStoppedAgain(t *testing.T) {
	inWorld(t, func(w *world) {
		w.with(func(r *toy) { r.slow = 3 * time.Second })
		late := make(chan error, 1)
		go func() { late <- w.set(90) }()
		synctest.Wait()
		w.mustSet(0)
		w.wrote("rocket", 0)
		w.wantErr(<-late, safety.ErrStopped)
		synctest.Wait()
		w.wrote("rocket", 0, 90, 0)
	})
}

func TestACallThatEndsEarlyKeepsItsLease(t *testing.T) {
	inWorld(t, func(w *world) {
		w.with(func(r *toy) { r.slow = 3 * time.Second })
		ctx, cancel := context.WithTimeout(w.t.Context(), time.Second)
		defer cancel()
		w.wantErr(w.Do(ctx, "rocket", trait.Speed.Set(60)), context.DeadlineExceeded)
		w.wantErr(w.Do(ctx, "rocket", trait.Speed.Set(70)), context.DeadlineExceeded)
		pass(safety.DefaultLease)
		w.wrote("rocket", 60, 0)
	})
}

func TestStopEverything(t *testing.T) {
	var names []string
	for i := range 5 {
		names = append(names, fmt.Sprintf("toy-%d", i))
	}
	inWorld(t, func(w *world) {
		for _, n := range names {
			if err := w.Do(w.t.Context(), n, trait.Speed.Set(50)); err != nil {
				w.t.Fatal(err)
			}
		}
		w.with(func(r *toy) { r.hang = true })
		stopped := make(chan error, 1)
		go func() {
			stopped <- w.Do(context.Background(), home.StopSwitch, trait.StopAll.Set(true))
		}()
		pass(300 * time.Millisecond)
		for _, n := range names {
			w.wrote(n, 50, 0)
		}
		w.wantErr(<-stopped, safety.ErrNotStopped)
		w.wrong("motor-not-stopped rocket")
		if r, ok := w.bus.Last(home.StopSwitch, trait.StopAll.Any()); !ok || !r.Same(trait.StopAll.Of(true, time.Now())) {
			w.t.Fatal("the switch does not show that it is on")
		}
		w.wantErr(w.Do(w.t.Context(), "toy-0", trait.Speed.Set(1)), safety.ErrHeld)
		if err := w.Do(w.t.Context(), "toy-0", trait.Speed.Set(0)); err != nil {
			w.t.Fatalf("a stop while all is stopped: %v", err)
		}
		w.report("toy-1", trait.Speed.Of(30, time.Now()))
		synctest.Wait()
		w.wrote("toy-1", 50, 0, 0) // it moved against the rule
		if err := w.Do(w.t.Context(), home.StopSwitch, trait.StopAll.Set(false)); err != nil {
			w.t.Fatal(err)
		}
		if err := w.Do(w.t.Context(), "toy-0", trait.Speed.Set(20)); err != nil {
			w.t.Fatal(err)
		}
		w.wrote("toy-0", 50, 0, 0, 20)
	}, names...)
}

func TestStopEverythingLeavesAloneWhatIsAway(t *testing.T) {
	inWorld(t, func(w *world) {
		w.with(func(r *toy) { r.away = true })
		w.report("rocket", trait.Reachable.Of(false, time.Now()))
		synctest.Wait()
		if err := w.StopAll(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
		w.wrong()
	})
}

func TestALostLinkOwesAStop(t *testing.T) {
	inWorld(t, func(w *world) {
		w.mustSet(80)
		w.report("rocket", trait.Speed.Of(80, time.Now()))
		pass(time.Second)
		w.with(func(r *toy) { r.away = true })
		w.report("rocket", trait.Reachable.Of(false, time.Now()))
		synctest.Wait()
		if r, _ := w.bus.Last("rocket", trait.Speed.Any()); !r.Same(trait.Speed.Of(0, time.Now())) {
			w.t.Fatal("the tile of a lost toy is not off")
		}
		w.wrong("motor-rest-unknown rocket")
		w.wantErr(w.set(30), errAway)
		pass(time.Hour)
		w.wrote("rocket", 80)
		w.with(func(r *toy) { r.away = false })
		w.report("rocket", trait.Reachable.Of(true, time.Now()))
		synctest.Wait()
		w.wrote("rocket", 80, 0)
		w.wrong()
		pass(time.Hour)
		w.mustSet(30)
		w.wrote("rocket", 80, 0, 30)
	})
}

func TestAWriteAfterTheReturnComesAfterTheStop(t *testing.T) {
	inWorld(t, func(w *world) {
		w.mustSet(80)
		w.with(func(r *toy) { r.away = true })
		w.report("rocket", trait.Reachable.Of(false, time.Now()))
		synctest.Wait()
		w.with(func(r *toy) { r.away = false }) // the bus has not said so yet
		w.mustSet(30)
		w.wrote("rocket", 80, 0, 30)
	})
}

func TestAToyThatIsAwayAndAtRestIsNoFault(t *testing.T) {
	inWorld(t, func(w *world) {
		w.with(func(r *toy) { r.away = true })
		w.report("rocket", trait.Reachable.Of(false, time.Now()))
		synctest.Wait()
		w.wantErr(w.set(30), errAway)
		w.wantErr(w.set(0), errAway)
		w.report("rocket", trait.Reachable.Of(true, time.Now()))
		w.with(func(r *toy) { r.away = false })
		pass(time.Hour)
		w.wrote("rocket")
		w.wrong()
	})
}

func TestCloseStopsAndRefuses(t *testing.T) {
	inWorld(t, func(w *world) {
		w.mustSet(80)
		if err := w.Close(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
		w.wrote("rocket", 80, 0)
		w.wantErr(w.set(50), safety.ErrClosed)
		pass(time.Hour)
		w.wrote("rocket", 80, 0)
	})
}

func TestCloseDoesNotWaitForAHangingDriver(t *testing.T) {
	inWorld(t, func(w *world) {
		w.mustSet(80)
		w.with(func(r *toy) { r.hang = true })
		began := time.Now()
		ctx, cancel := context.WithTimeout(w.t.Context(), 3*time.Second)
		defer cancel()
		if err := w.Close(ctx); err == nil {
			w.t.Fatal("a motor that was not stopped is said to be")
		}
		if took := time.Since(began); took > 4*time.Second {
			w.t.Fatalf("it took %v", took)
		}
	})
}

func TestRemoveStopsAndForgets(t *testing.T) {
	inWorld(t, func(w *world) {
		w.mustSet(80)
		if err := w.Remove(w.t.Context(), "rocket"); err != nil {
			w.t.Fatal(err)
		}
		pass(time.Hour)
		if err := w.StopAll(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
		w.wrote("rocket", 80, 0)
	})
}

func TestOtherTraitsPass(t *testing.T) {
	inWorld(t, func(w *world) {
		if err := w.StopAll(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
		if err := w.Do(w.t.Context(), "rocket", trait.Find.Set(true)); err != nil {
			w.t.Fatal(err)
		}
	})
}

func TestHeldFromTheStart(t *testing.T) {
	a := &toys{toys: map[string]*toy{"rocket": {}}}
	g := safety.New(safety.Options{Actuator: a, Bus: bus.New(), Faults: &faults{}, Held: true})
	if err := g.Do(t.Context(), "rocket", trait.Speed.Set(10)); !errors.Is(err, safety.ErrHeld) {
		t.Fatal(err)
	}
	if err := g.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestManyAtOnceEndAtRest(t *testing.T) {
	inWorld(t, func(w *world) {
		w.with(func(r *toy) { r.slow = 10 * time.Millisecond })
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() { _ = w.set(i * 2) })
		}
		wg.Go(func() { _ = w.StopAll(context.Background()) })
		wg.Wait()
		synctest.Wait()
		w.with(func(r *toy) {
			if got := r.writes[len(r.writes)-1]; got != 0 {
				w.t.Fatalf("the last write of %v is %d", r.writes, got)
			}
		})
	})
}

func TestAnOldReportArmsNothing(t *testing.T) {
	inWorld(t, func(w *world) {
		w.mustSet(50)
		seen := time.Now()
		pass(time.Second)
		w.mustSet(0)
		w.report("rocket", trait.Speed.Of(50, seen)) // it was on its way when the stop overtook it
		pass(time.Hour)
		w.wrote("rocket", 50, 0)
	})
}

func TestAReportDuringAStopArmsNothing(t *testing.T) {
	inWorld(t, func(w *world) {
		w.mustSet(50)
		w.with(func(r *toy) { r.swallow = 1 })
		stopped := make(chan error, 1)
		go func() { stopped <- w.set(0) }()
		pass(100 * time.Millisecond)
		w.report("rocket", trait.Speed.Of(50, time.Now()))
		if err := <-stopped; err != nil {
			w.t.Fatal(err)
		}
		pass(time.Hour)
		w.wrote("rocket", 50, 0)
	})
}
