package keeper_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/keeper"
)

// thing is a driver and a session whose calls the test decides.
type thing struct {
	device.Session
	open  func(context.Context) error
	do    func(context.Context, trait.Command) error
	run   func(context.Context, func(trait.Reading) error) error
	offer func() device.Offer
}

func (d *thing) About() device.About { return device.About{ID: "thing"} }
func (d *thing) Discover(context.Context, device.Net, func(device.Candidate)) error {
	return device.ErrUnsupported
}
func (d *thing) Open(ctx context.Context, _ device.Config) (device.Session, error) {
	return d, d.open(ctx)
}
func (d *thing) Offer() device.Offer {
	if d.offer != nil {
		return d.offer()
	}
	return device.Offer{Model: "thing"}
}
func (d *thing) Run(ctx context.Context, report func(trait.Reading) error) error {
	if d.run != nil {
		return d.run(ctx, report)
	}
	<-ctx.Done()
	return nil
}
func (d *thing) Do(ctx context.Context, c trait.Command) error { return d.do(ctx, c) }

func start(t *testing.T, d *thing) (*keeper.Keeper, func() []keeper.Condition) {
	return startWith(t, d, func(trait.Reading) error { return nil })
}

func startWith(t *testing.T, d *thing, report func(trait.Reading) error) (*keeper.Keeper, func() []keeper.Condition) {
	ctx, cancel := context.WithCancel(t.Context())
	var mu sync.Mutex
	var seen []keeper.Condition
	k := keeper.New(keeper.Options{
		ID: "a1", Driver: d, Log: slog.New(slog.DiscardHandler),
		Report:    report,
		Condition: func(c keeper.Condition) { mu.Lock(); seen = append(seen, c); mu.Unlock() },
	})
	done := make(chan struct{})
	go func() { defer close(done); _ = k.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return k, func() []keeper.Condition { mu.Lock(); defer mu.Unlock(); return seen }
}

func TestWaitsGrowToFiveMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		start(t, &thing{open: func(context.Context) error { tries++; return device.ErrUnreachable }})
		<-time.After(time.Hour)
		synctest.Wait()
		if tries < 18 || tries > 36 {
			t.Errorf("%d tries in an hour", tries)
		}
	})
}

// A camera that was there and is away for half a minute is called every four seconds, and one that stays
// away less and less.
func TestWhatWasThereIsCalledOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var away time.Time
		var tries []time.Duration
		start(t, &thing{
			open: func(context.Context) error {
				if away.IsZero() {
					return nil
				}
				tries = append(tries, time.Since(away))
				return device.ErrUnreachable
			},
			run: func(ctx context.Context, _ func(trait.Reading) error) error {
				select {
				case <-time.After(20 * time.Second):
					away = time.Now()
				case <-ctx.Done():
				}
				return device.ErrUnreachable
			},
		})
		<-time.After(time.Hour)
		synctest.Wait()
		last := time.Duration(0)
		for _, at := range tries {
			if at < 2*time.Minute && at-last > 4*time.Second {
				t.Errorf("no try from %v to %v", last, at)
			}
			last = at
		}
		if len(tries) > 90 {
			t.Errorf("%d tries in an hour", len(tries))
		}
	})
}

func TestARefusalWaitsForAPerson(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		k, seen := start(t, &thing{open: func(context.Context) error { tries++; return device.ErrRefused }})
		<-time.After(24 * time.Hour)
		k.Retry()
		synctest.Wait()
		if c := seen(); tries != 2 || c[len(c)-1].State != keeper.Refused {
			t.Errorf("%d tries, %+v", tries, c)
		}
	})
}

func TestADriversReasonIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, seen := start(t, &thing{open: func(context.Context) error {
			return fmt.Errorf("odd: %w", device.Because("h265", device.ErrUnsupported))
		}})
		synctest.Wait()
		if c := seen(); c[len(c)-1].State != keeper.Unsupported || c[len(c)-1].Code != "accessory-h265" {
			t.Errorf("%+v", c)
		}
	})
}

func TestPanicsAndDeafDriversAreNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		free := make(chan struct{})
		_, seen := start(t, &thing{open: func(context.Context) error { <-free; return nil }})
		_, panics := start(t, &thing{open: func(context.Context) error { panic("ouch") }})
		<-time.After(25*time.Second + time.Millisecond)
		if c := seen(); c[1].State != keeper.Abandoned {
			t.Errorf("a deaf driver: %+v", c)
		}
		if c := panics(); c[1].Code != "accessory-panic" {
			t.Errorf("a panic: %+v", c)
		}
		close(free)
	})
}

func TestTheNewestValueWins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		var got []string
		k, _ := start(t, &thing{
			open: func(context.Context) error { return nil },
			do: func(_ context.Context, c trait.Command) error {
				<-gate
				got = append(got, string(c.JSON()))
				return nil
			},
		})
		synctest.Wait()
		var wg sync.WaitGroup
		for _, v := range []int{10, 20, 30} {
			wg.Go(func() {
				if err := k.Do(t.Context(), trait.Speed.Set(v)); err != nil {
					t.Errorf("%d: %v", v, err)
				}
			})
			synctest.Wait()
		}
		close(gate)
		wg.Wait()
		if len(got) != 2 || got[0] != "10" || got[1] != "30" {
			t.Errorf("the thing got %v", got)
		}
	})
}

func TestNothingIsDoneWhileItIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, _ := start(t, &thing{open: func(context.Context) error { return device.ErrUnreachable }})
		synctest.Wait()
		if err := k.Do(t.Context(), trait.Speed.Set(1)); !errors.Is(err, device.ErrUnreachable) {
			t.Error(err)
		}
	})
}
