package homekit_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/homekit"
)

const (
	active = "Rocket/B7/B0"
	speed  = "Rocket/B7/29"
)

// turn is one request with one or two values; -1 leaves one out.
func (w *world) turn(on, percent int) error {
	var calls sync.WaitGroup
	var first, second error
	writes := []func(){
		func() { first = w.write(active, hap.Int(int64(on))) },
		func() { second = w.write(speed, hap.Int(int64(percent))) },
	}
	for _, i := range rand.Perm(2) {
		if i == 0 && on >= 0 || i == 1 && percent >= 0 {
			calls.Go(writes[i])
		}
	}
	calls.Wait()
	return errors.Join(first, second)
}

func TestAFanDoesWhatWasMeant(t *testing.T) {
	for _, c := range []struct {
		name        string
		was         int // percent
		on, percent int
		want        string
		reads       [2]string
	}{
		{"a speed starts it", 0, -1, 50, "50", [2]string{"1", "50"}},
		{"on without a speed", 0, 1, -1, "50", [2]string{"1", "50"}},
		{"both", 0, 1, 25, "25", [2]string{"1", "25"}},
		{"off", 40, 0, -1, "0", [2]string{"0", "0"}},
		{"speed 0", 40, -1, 0, "0", [2]string{"0", "0"}},
		{"off and a speed", 40, 0, 80, "0", [2]string{"0", "0"}},
		{"on and speed 0", 40, 1, 0, "0", [2]string{"0", "0"}},
		{"on while it turns", 40, 1, -1, "40", [2]string{"1", "40"}},
		{"full", 0, 1, 100, "100", [2]string{"1", "100"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			running(t, func(w *world) {
				w.says("a-rocket", trait.Speed.Of(c.was, now()))
				if err := w.turn(c.on, c.percent); err != nil {
					t.Error(err)
				}
				if got := w.did(); got != "a-rocket speed "+c.want {
					t.Errorf("commanded: %s", got)
				}
				w.reads(active, c.reads[0], hap.StatusOK)
				w.reads(speed, c.reads[1], hap.StatusOK)
			})
		})
	}
}

func TestOnMeansTheLastSpeed(t *testing.T) {
	running(t, func(w *world) {
		w.says("a-rocket", trait.Speed.Of(30, now()))
		w.says("a-rocket", trait.Speed.Of(0, now()))
		w.reads(active, "0", hap.StatusOK)
		if err := w.turn(1, -1); err != nil || w.did() != "a-rocket speed 30" {
			t.Error("on does not mean 30", err)
		}
	})
}

func TestStepsShowAsTheToyHasThem(t *testing.T) {
	for _, c := range []struct {
		steps, percent int
		step, want     string
	}{{20, 50, "5", "50"}, {20, 52, "5", "50"}, {20, 1, "5", "5"}, {3, 33, "33.333333333333336", "33.333333333333336"}, {3, 100, "33.333333333333336", "100"}, {0, 37, "1", "37"}, {255, 37, "1", "37"}} {
		running(t, func(w *world) {
			w.show(family(), map[string]homekit.Offer{"a-rocket": {Steps: c.steps}})
			w.says("a-rocket", trait.Speed.Of(c.percent, now()))
			if got := w.of(speed).Step.String(); got != c.step {
				t.Errorf("%d steps are %s apart, want %s", c.steps, got, c.step)
			}
			w.reads(active, "1", hap.StatusOK)
			w.reads(speed, c.want, hap.StatusOK)
		})
	}
}

func TestTheToyKnowsBetter(t *testing.T) {
	running(t, func(w *world) {
		w.obey = func(context.Context, string, trait.Command) error {
			w.says("a-rocket", trait.Speed.Of(60, now())) // a cap
			return nil
		}
		if err := w.turn(1, 100); err != nil {
			t.Error(err)
		}
		w.reads(speed, "60", hap.StatusOK)
	})
}

func TestAStopIsDoneEvenIfTheFirstToAskHangsUp(t *testing.T) {
	running(t, func(w *world) {
		gone, cancel := context.WithCancel(w.t.Context())
		var calls sync.WaitGroup
		calls.Go(func() { _, _ = w.of(speed).OnWrite(gone, &hap.Peer{}, hap.Int(70)) })
		synctest.Wait()
		cancel()
		calls.Go(func() {
			if err := w.write(active, hap.Int(0)); err != nil {
				t.Error(err)
			}
		})
		calls.Wait()
		if got := w.did(); got != "a-rocket speed 0" {
			t.Errorf("commanded: %s", got)
		}
	})
}

func TestAFailedSpeedIsNotShown(t *testing.T) {
	running(t, func(w *world) {
		w.says("a-rocket", trait.Speed.Of(40, now()))
		w.obey = func(context.Context, string, trait.Command) error { return errors.New("lost") }
		if err := w.turn(0, -1); !errors.Is(err, hap.StatusUnreachable) {
			t.Errorf("a stop that failed: %v", err)
		}
		w.reads(active, "1", hap.StatusOK)
		w.reads(speed, "40", hap.StatusOK)
	})
}

// TestAStopOvertakes holds a speed up until the stop that came after it is done.
func TestAStopOvertakes(t *testing.T) {
	running(t, func(w *world) {
		stopped := make(chan struct{})
		w.obey = func(_ context.Context, _ string, cmd trait.Command) error {
			if v, _ := trait.Speed.Want(cmd); v > 0 {
				<-stopped
			}
			return nil
		}
		var calls sync.WaitGroup
		calls.Go(func() {
			if err := w.turn(1, 90); err != nil {
				t.Error(err)
			}
		})
		<-time.After(time.Second)
		if err := w.turn(0, -1); err != nil {
			t.Error(err)
		}
		close(stopped)
		calls.Wait()
		w.reads(active, "0", hap.StatusOK)
		w.reads(speed, "0", hap.StatusOK)
	})
}

// TestASliderOnTheMove is not told that its older speeds failed; a stop is always told the truth.
func TestASliderOnTheMove(t *testing.T) {
	running(t, func(w *world) {
		w.obey = func(_ context.Context, _ string, cmd trait.Command) error {
			if v, _ := trait.Speed.Want(cmd); v == 60 {
				return nil
			}
			<-time.After(time.Second)
			return errors.New("a newer one was written")
		}
		var calls sync.WaitGroup
		calls.Go(func() {
			if err := w.turn(-1, 20); err != nil {
				t.Errorf("an older speed: %v", err)
			}
		})
		<-time.After(100 * time.Millisecond)
		calls.Go(func() {
			if err := w.turn(0, -1); !errors.Is(err, hap.StatusUnreachable) {
				t.Errorf("a stop that failed: %v", err)
			}
		})
		<-time.After(100 * time.Millisecond)
		if err := w.turn(-1, 60); err != nil {
			t.Error(err)
		}
		calls.Wait()
		w.reads(speed, "60", hap.StatusOK)
	})
}
