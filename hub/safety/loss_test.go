package safety_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/bus"
	"github.com/ingle-home/ingle/hub/home"
	"github.com/ingle-home/ingle/hub/safety"
)

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

// A motor that was driven while it was removed is of nobody any more: it neither fails a stop of
// everything for ever, nor is anybody told to switch it off.
func TestWhatHasLeftFailsNoStop(t *testing.T) {
	inWorld(t, func(w *world) {
		w.mustSet(80)
		if err := w.Remove(w.t.Context(), "rocket"); err != nil {
			w.t.Fatal(err)
		}
		report := func() {
			pass(time.Second)
			w.report("rocket", trait.Speed.Of(80, time.Now()))
			pass(time.Second)
		}
		report()
		w.Left("rocket")
		report() // was on its way
		w.with(func(r *toy) { r.hang = true })
		if err := w.StopAll(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
		pass(time.Hour)
		w.wrong()
	})
}
