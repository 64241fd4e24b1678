package safety_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/safety"
)

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
