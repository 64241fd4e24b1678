package bus_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/bus"
)

var start = time.Date(2026, 11, 25, 7, 0, 0, 0, time.UTC)

func take(t *testing.T, s *bus.Subscription) bus.Change {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	c, err := s.Next(ctx)
	if err != nil {
		t.Fatalf("no change came: %v", err)
	}
	return c
}

func empty(t *testing.T, s *bus.Subscription) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if c, err := s.Next(ctx); err == nil {
		t.Errorf("unexpected %s of %s: %s", c.Reading.Trait.ID(), c.Accessory, c.Reading.JSON())
	}
}

func TestTheNewestStateWins(t *testing.T) {
	b := bus.New()
	s := b.Subscribe("test", trait.Household)
	for i := range 100 {
		b.Publish(bus.Change{Accessory: "toy", Reading: trait.Speed.Of(i, start.Add(time.Duration(i)))})
	}
	if v, _ := trait.Speed.In(take(t, s).Reading); v != 99 {
		t.Errorf("speed = %d, want the newest, 99", v)
	}
	empty(t, s)
	b.Publish(bus.Change{Accessory: "toy", Reading: trait.Speed.Of(1, start)})
	empty(t, s)
}

func TestEventsKeepTheirOrderAndNumber(t *testing.T) {
	b := bus.New()
	s := b.Subscribe("test", trait.Household)
	for i := range 50 {
		b.Publish(bus.Change{Accessory: "watch", Reading: trait.SOS.Of(true, start.Add(time.Duration(i)))})
	}
	for i := range 50 {
		if c := take(t, s); !c.Reading.At.Equal(start.Add(time.Duration(i))) {
			t.Fatalf("event %d came at %v", i, c.Reading.At)
		}
	}
	empty(t, s)
}

func TestNobodyReceivesAboveTheirClass(t *testing.T) {
	b := bus.New()
	household, personal := b.Subscribe("homekit", trait.Household), b.Subscribe("zones", trait.Personal)
	b.Publish(bus.Change{Accessory: "watch", Reading: trait.Where.Of(trait.Place{Lat: 1}, start)})
	b.Publish(bus.Change{Accessory: "watch", Reading: trait.Heart.Of(60, start)})
	empty(t, household)
	if c := take(t, personal); c.Reading.Trait != trait.Where.Any() {
		t.Errorf("got %s, want the place", c.Reading.Trait.ID())
	}
	empty(t, personal)
	later := b.Subscribe("late", trait.Household)
	empty(t, later)
}

func TestASubscriptionStartsWithTheWholeState(t *testing.T) {
	b := bus.New()
	b.Publish(bus.Change{Accessory: "toy", Reading: trait.Speed.Of(20, start)})
	b.Publish(bus.Change{Accessory: "watch", Reading: trait.SOS.Of(true, start)})
	b.Publish(bus.Change{Accessory: "watch", Reading: trait.Battery.Of(80, start)})
	b.Drop("toy")
	s := b.Subscribe("late", trait.Household)
	if v, ok := trait.Battery.In(take(t, s).Reading); !ok || v != 80 {
		t.Errorf("battery = %d, %v", v, ok)
	}
	empty(t, s)
}

func TestASubscriberThatStoppedBlocksNobody(t *testing.T) {
	b := bus.New()
	stopped, alive := b.Subscribe("stopped", trait.Household), b.Subscribe("alive", trait.Household)
	for i := range 5000 {
		b.Publish(bus.Change{Accessory: "watch", Reading: trait.SOS.Of(true, start.Add(time.Duration(i)))})
		take(t, alive)
	}
	if stopped.Lost() != 5000-4096 || alive.Lost() != 0 {
		t.Errorf("lost %d and %d events", stopped.Lost(), alive.Lost())
	}
}

func TestCloseEndsAWaitingSubscriber(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bus.New()
		s := b.Subscribe("test", trait.Household)
		ended := make(chan error)
		go func() { _, err := s.Next(t.Context()); ended <- err }()
		synctest.Wait()
		b.Close()
		if err := <-ended; !errors.Is(err, bus.ErrClosed) {
			t.Errorf("Next ended with %v", err)
		}
	})
}
