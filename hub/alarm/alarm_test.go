package alarm_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/alarm"
	"github.com/ingle-home/ingle/hub/bus"
	"github.com/ingle-home/ingle/hub/home"
)

type family struct{ home.Store }

func (family) Load(context.Context) (home.Contents, error) {
	return home.Contents{
		People:      []home.Person{{ID: "p-1", Name: "Mia", Role: home.Member}},
		Accessories: []home.Accessory{{ID: "a-1", Name: "Watch", Person: "p-1"}, {ID: "a-2", Name: "Nobody's"}},
	}, nil
}

// kept is what a latch wants to be remembered.
type kept struct{ people map[string]time.Time }

func latch(t *testing.T, k *kept) (*bus.Bus, *alarm.Latch, func() (bool, bool)) {
	h, err := home.Open(t.Context(), family{})
	if err != nil {
		t.Fatal(err)
	}
	b := bus.New()
	l := alarm.New(h, b, k.people, func(all map[string]time.Time) { k.people = all })
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = l.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	synctest.Wait()
	return b, l, func() (bool, bool) {
		synctest.Wait()
		r, _ := b.Last(home.EmergencyID("p-1"), trait.Emergency.Any())
		return trait.Emergency.In(r)
	}
}

func TestAnSOSStaysUntilAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, l, state := latch(t, &kept{})
		b.Publish(bus.Change{Accessory: "a-2", Reading: trait.SOS.Of(true, time.Now())})
		if _, known := state(); known {
			t.Error("an alarm of nobody's thing became Mia's")
		}
		b.Publish(bus.Change{Accessory: "a-1", Reading: trait.SOS.Of(true, time.Now())})
		if on, _ := state(); !on {
			t.Fatal("no emergency")
		}
		<-time.After(9 * time.Minute)
		if on, _ := state(); !on {
			t.Error("the emergency ended by itself after nine minutes")
		}
		l.Answer("p-1")
		if on, known := state(); on || !known {
			t.Error("the answer did not end it")
		}
	})
}

func TestAnUnansweredSOSEndsAfterTenMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _, state := latch(t, &kept{})
		b.Publish(bus.Change{Accessory: "a-1", Reading: trait.Fall.Of(true, time.Now())})
		<-time.After(6 * time.Minute)
		b.Publish(bus.Change{Accessory: "a-1", Reading: trait.SOS.Of(true, time.Now())})
		<-time.After(6 * time.Minute)
		if on, _ := state(); !on {
			t.Error("a second alarm did not hold it longer")
		}
		<-time.After(5 * time.Minute)
		if on, _ := state(); on {
			t.Error("the emergency never ended")
		}
	})
}

func TestAnEmergencyOutlivesARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &kept{}
		b, _, state := latch(t, k)
		b.Publish(bus.Change{Accessory: "a-1", Reading: trait.SOS.Of(true, time.Now())})
		if on, _ := state(); !on || len(k.people) != 1 {
			t.Fatalf("kept %v", k.people)
		}
		_, again, state := latch(t, k)
		if on, _ := state(); !on {
			t.Fatal("after the restart nobody calls for help")
		}
		again.Answer("p-1")
		if on, _ := state(); on || len(k.people) != 0 {
			t.Errorf("answered, and still kept: %v", k.people)
		}
	})
}

// A clock that was put back by years does not keep an alarm for as long.
func TestAnAlarmOfTheFutureEndsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, _, state := latch(t, &kept{map[string]time.Time{"p-1": time.Now().AddDate(10, 0, 0)}})
		if on, _ := state(); !on {
			t.Error("it is not held at all")
		}
		<-time.After(11 * time.Minute)
		if on, _ := state(); on {
			t.Error("it is still held")
		}
	})
}
