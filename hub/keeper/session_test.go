package keeper_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/keeper"
)

func well(context.Context) error { return nil }

// sleep passes time in a bubble.
func sleep(d time.Duration) { <-time.After(d) }

func TestASpeedThatWaitedNeverRunsAfterAReconnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lose := make(chan struct{})
		var got []string
		k, _ := start(t, &thing{
			open: well,
			run: func(ctx context.Context, _ func(trait.Reading) error) error {
				select {
				case <-lose:
					return device.ErrUnreachable
				case <-ctx.Done():
					return nil
				}
			},
			do: func(ctx context.Context, c trait.Command) error {
				got = append(got, c.Trait.ID()+" "+string(c.JSON()))
				<-ctx.Done()
				return ctx.Err()
			},
		})
		synctest.Wait()
		var wg sync.WaitGroup
		for _, cmd := range []trait.Command{trait.Find.Set(true), trait.Speed.Set(80)} {
			wg.Go(func() {
				if err := k.Do(t.Context(), cmd); err == nil {
					t.Errorf("%s: done on a line that was lost", cmd.Trait.ID())
				}
			})
			synctest.Wait()
		}
		lose <- struct{}{}
		wg.Wait()
		if err := k.Do(t.Context(), trait.Speed.Set(90)); !errors.Is(err, device.ErrUnreachable) {
			t.Errorf("while it is away: %v", err)
		}
		sleep(time.Minute)
		if k.Session() == nil || !slices.Equal(got, []string{"find true"}) {
			t.Errorf("after the reconnect (session %v) it was told %v", k.Session(), got)
		}
	})
}

func TestWhatItsSenderGaveUpIsNotDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		var got []string
		k, _ := start(t, &thing{open: well, do: func(_ context.Context, c trait.Command) error {
			<-gate
			got = append(got, c.Trait.ID())
			return nil
		}})
		synctest.Wait()
		var wg sync.WaitGroup
		wg.Go(func() { _ = k.Do(t.Context(), trait.Find.Set(true)) })
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		wg.Go(func() {
			if err := k.Do(ctx, trait.Speed.Set(80)); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
		synctest.Wait()
		cancel()
		synctest.Wait()
		close(gate)
		wg.Wait()
		synctest.Wait()
		if !slices.Equal(got, []string{"find"}) {
			t.Errorf("it was told %v", got)
		}
	})
}

func TestAFullQueueSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		k, _ := start(t, &thing{open: well, do: func(context.Context, trait.Command) error { <-gate; return nil }})
		synctest.Wait()
		var wg sync.WaitGroup
		busy := 0
		for i, a := range trait.All() {
			if i == 10 { // one is being done, eight wait, the last is too many
				break
			}
			cmd, err := a.Command([]byte("1"))
			if err != nil {
				cmd, err = a.Command([]byte("true"))
			}
			if err != nil {
				t.Fatal(err)
			}
			wg.Go(func() {
				if errors.Is(k.Do(t.Context(), cmd), keeper.ErrBusy) {
					busy++
				}
			})
			synctest.Wait()
		}
		close(gate)
		wg.Wait()
		if busy != 1 {
			t.Errorf("%d of ten commands were turned away", busy)
		}
	})
}

func TestABellHasLongerThanASpeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, _ := start(t, &thing{open: well, do: func(ctx context.Context, _ trait.Command) error {
			<-ctx.Done()
			return ctx.Err()
		}})
		synctest.Wait()
		for cmd, want := range map[trait.Command]time.Duration{trait.Find.Set(true): 11 * time.Second, trait.Speed.Set(1): 5 * time.Second} {
			began := time.Now()
			if err := k.Do(t.Context(), cmd); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != want {
				t.Errorf("%s ended after %v with %v", cmd.Trait.ID(), time.Since(began), err)
			}
		}
	})
}

func TestADeafCommandBreaksTheSessionAndItsReadingsAreDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		free := make(chan struct{})
		var speeds atomic.Int32
		var late error
		k, seen := startWith(t, &thing{
			open: well,
			run: func(_ context.Context, report func(trait.Reading) error) error {
				_ = report(trait.Speed.Of(10, time.Now()))
				<-free
				late = report(trait.Speed.Of(20, time.Now()))
				return nil
			},
			do: func(context.Context, trait.Command) error { <-free; return nil },
		}, func(r trait.Reading) error {
			if _, ok := trait.Speed.In(r); ok {
				speeds.Add(1)
			}
			return nil
		})
		synctest.Wait()
		if err := k.Do(t.Context(), trait.Speed.Set(1)); err == nil {
			t.Error("the deaf command was done")
		}
		sleep(10*time.Second + time.Millisecond) // for the deaf Run
		if c := seen(); c[len(c)-1].State != keeper.Abandoned {
			t.Errorf("it is %+v", c[len(c)-1])
		}
		before := speeds.Load()
		close(free)
		synctest.Wait()
		if !errors.Is(late, device.ErrUnreachable) || speeds.Load() != before {
			t.Errorf("a reading of a dead session: %v, %d", late, speeds.Load()-before)
		}
	})
}

func TestAnOpenThatSucceedsLateIsEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		free := make(chan struct{})
		var opens, ended atomic.Int32 // the calls that were left behind count too
		start(t, &thing{
			open: func(context.Context) error {
				if opens.Add(1) == 1 {
					<-free
					return nil
				}
				return device.ErrRefused
			},
			run: func(ctx context.Context, report func(trait.Reading) error) error {
				if ctx.Err() == nil || report(trait.Speed.Of(1, time.Now())) == nil {
					t.Error("the late session was let live")
				}
				ended.Add(1)
				return nil
			},
		})
		sleep(time.Minute)
		close(free)
		synctest.Wait()
		if opens.Load() != 2 || ended.Load() != 1 {
			t.Errorf("%d opens, %d ends", opens.Load(), ended.Load())
		}
	})
}

func TestAPanicInOfferIsNamedAndTheSessionEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := 0
		_, seen := start(t, &thing{
			open:  well,
			offer: func() device.Offer { panic("ouch") },
			run:   func(context.Context, func(trait.Reading) error) error { ended++; return nil },
		})
		synctest.Wait()
		if c := seen(); c[len(c)-1].Code != "accessory-panic" || ended != 1 {
			t.Errorf("%+v, %d sessions ended", c, ended)
		}
	})
}

func TestOneThatFlapsDelaysNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		free := make(chan struct{})
		for range 3 {
			start(t, &thing{open: func(context.Context) error { return device.ErrUnreachable }})
			start(t, &thing{open: func(context.Context) error { <-free; return nil }})
		}
		sleep(time.Hour) // the others wait long by now, or are left behind
		lose := make(chan struct{}, 1)
		k, _ := start(t, &thing{open: well, run: func(ctx context.Context, _ func(trait.Reading) error) error {
			select {
			case <-lose:
				return device.ErrUnreachable
			case <-ctx.Done():
				return nil
			}
		}})
		synctest.Wait()
		lose <- struct{}{}
		synctest.Wait()
		if k.Session() != nil {
			t.Fatal("the line was not lost")
		}
		sleep(time.Second)
		synctest.Wait()
		if k.Session() == nil {
			t.Error("it did not come back within its own second")
		}
		close(free)
	})
}

func TestAStopCutsASpeedShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []string
		k, _ := start(t, &thing{open: well, do: func(ctx context.Context, c trait.Command) error {
			got = append(got, c.Trait.ID()+" "+string(c.JSON()))
			if v, ok := trait.Speed.Want(c); ok && v == 0 {
				return nil
			}
			<-ctx.Done() // it answers late, or never
			return ctx.Err()
		}})
		synctest.Wait()
		var wg sync.WaitGroup
		for _, cmd := range []trait.Command{trait.Speed.Set(30), trait.Find.Set(true), trait.Speed.Set(90)} {
			wg.Go(func() { _ = k.Do(t.Context(), cmd) })
			synctest.Wait()
		}
		began := time.Now()
		if err := k.Do(t.Context(), trait.Speed.Set(0)); err != nil || time.Since(began) != 0 {
			t.Errorf("the stop took %v and gave %v", time.Since(began), err)
		}
		wg.Wait()
		if !slices.Equal(got, []string{"speed 30", "speed 0", "find true"}) {
			t.Errorf("it was told %v", got)
		}
	})
}

func TestNothingReplacesAStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		var got []string
		k, _ := start(t, &thing{open: well, do: func(_ context.Context, c trait.Command) error {
			<-gate
			got = append(got, string(c.JSON()))
			return nil
		}})
		synctest.Wait()
		var wg sync.WaitGroup
		tell := func(ctx context.Context, percent int) {
			wg.Go(func() { _ = k.Do(ctx, trait.Speed.Set(percent)) })
			synctest.Wait()
		}
		tell(t.Context(), 10) // is being done
		hasty, giveUp := context.WithCancel(t.Context())
		tell(hasty, 0)
		giveUp() // its sender has gone
		tell(t.Context(), 20)
		tell(t.Context(), 30)
		close(gate)
		wg.Wait()
		if !slices.Equal(got, []string{"10", "0", "30"}) {
			t.Errorf("it was told %v", got)
		}
	})
}
