package homekit_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/home"
)

// running is a world in which the family is shown and the house runs.
func running(t *testing.T, test func(w *world)) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, &paper{})
		w.run()
		w.show(family(), offers())
		for _, id := range []string{"a-watch", "a-rocket"} {
			w.says(id, trait.Reachable.Of(true, now()))
		}
		test(w)
	})
}

func TestAnAlarmStaysUntilItIsAnswered(t *testing.T) {
	running(t, func(w *world) {
		sos := home.EmergencyID("p-mia")
		w.says(sos, trait.Emergency.Of(true, now()))
		w.says("a-watch", trait.SOS.Of(true, now()))
		w.reads("Mia SOS/85/22", "true", hap.StatusOK)
		w.says("a-watch", trait.Reachable.Of(false, now()))
		w.reads("Mia SOS/85/22", "true", hap.StatusOK)
		w.says(sos, trait.Emergency.Of(false, now()))
		w.reads("Mia SOS/85/22", "false", hap.StatusOK)
		w.reads("Mia SOS/89/73", "null", hap.StatusOK) // a press is a moment, not a value
	})
}

func TestSilenceIsNotAbsence(t *testing.T) {
	running(t, func(w *world) {
		w.says(home.PresenceID("p-mia", "z-home"), trait.Occupied.Of(true, now()))
		w.reads("Mia's watch/96/68", "null", hap.StatusUnreachable) // nobody said yet
		w.says("a-watch", trait.Battery.Of(15, now()))
		w.reads("Mia at Home/86/75", "true", hap.StatusOK)
		w.reads("Mia's watch/96/79", "1", hap.StatusOK)
		w.says("a-watch", trait.Reachable.Of(false, now()))
		w.reads("Mia's watch/96/68", "15", hap.StatusUnreachable)
		w.reads("Mia's watch/96/E3", `"Mia's watch Battery"`, hap.StatusOK)
		w.reads("Mia at Home/86/71", "1", hap.StatusOK)
		w.reads("Mia at Home/86/75", "false", hap.StatusOK)
		w.reads("Mia at Home/86/77", "1", hap.StatusOK)
		w.reads("Mia at School/86/75", "false", hap.StatusOK)
		w.reads("Mia SOS/85/77", "1", hap.StatusOK)
		w.says("a-watch", trait.Battery.Of(16, now())) // a last word does not bring it back
		w.reads("Mia's watch/96/68", "16", hap.StatusUnreachable)
		w.says("a-watch", trait.Reachable.Of(true, now()))
		w.reads("Mia's watch/96/79", "0", hap.StatusOK)
		w.reads("Mia at Home/86/77", "0", hap.StatusOK)
	})
}

func TestFindSucceedsOnlyWhenItRang(t *testing.T) {
	running(t, func(w *world) {
		const find = "Mia's watch/49/25"
		if err := w.write(find, hap.Bool(true)); err != nil || w.did() != "a-watch find true" {
			t.Errorf("find: %v", err)
		}
		_ = w.of(find).Set(hap.Bool(true)) // as the server does after success
		<-time.After(2 * time.Second)
		synctest.Wait()
		w.reads(find, "false", hap.StatusOK)
		if err := w.write(find, hap.Bool(false)); err != nil || w.did() != "" {
			t.Errorf("off: %v", err)
		}
		for _, c := range []struct {
			err  error
			want hap.Status
		}{
			{fmt.Errorf("no echo: %w", context.DeadlineExceeded), hap.StatusTimeout},
			{errors.New("no line"), hap.StatusUnreachable},
			{fmt.Errorf("held: %w", hap.StatusNotAllowed), hap.StatusNotAllowed},
		} {
			w.obey = func(context.Context, string, trait.Command) error { return c.err }
			if err := w.write(find, hap.Bool(true)); !errors.Is(err, c.want) {
				t.Errorf("after %v find gives %v", c.err, err)
			}
		}
	})
}

func TestTheHubsOwnSwitches(t *testing.T) {
	running(t, func(w *world) {
		if err := errors.Join(w.write("Privacy/49/25", hap.Bool(true)), w.write("Stop everything/49/25", hap.Bool(true)), w.write("Privacy/49/25", hap.Bool(false))); err != nil {
			t.Error(err)
		}
		if got := w.did(); got != "hub-privacy privacy true, hub-stop stop-all true, hub-privacy privacy false" {
			t.Errorf("the switches did %s", got)
		}
		w.says(home.StopSwitch, trait.StopAll.Of(true, now()))
		w.reads("Stop everything/49/25", "true", hap.StatusOK)
		w.reads("Privacy/49/25", "false", hap.StatusOK)
	})
}

func TestOnlyHouseholdFactsAppear(t *testing.T) {
	running(t, func(w *world) {
		before := w.values()
		w.says("a-watch", trait.Where.Of(trait.Place{Lat: 52.5, Lon: 13.4, Accuracy: 9, Fixed: true}, now()))
		w.says("a-watch", trait.Steps.Of(4711, now()))
		w.says("a-watch", trait.Heart.Of(73, now()))
		if after := w.values(); after != before {
			t.Errorf("personal facts changed what is shown:\n%s\n%s", before, after)
		}
		w.says("a-watch", trait.Battery.Of(73, now()))
		if w.values() == before {
			t.Error("a household fact did not appear")
		}
	})
}

// values is everything that a controller can read.
func (w *world) values() (all string) {
	for _, s := range w.servers {
		for _, a := range s.Accessories {
			for _, service := range a.Services {
				for _, c := range service.Characteristics {
					v, status := c.Value()
					all += fmt.Sprint(a.AID, ".", c.IID, "=", v, "/", int(status), " ")
				}
			}
		}
	}
	return all
}

func TestAThingMadeAnewKnowsWhatWasSaid(t *testing.T) {
	running(t, func(w *world) {
		w.says("a-rocket", trait.Speed.Of(40, now()))
		w.says("a-watch", trait.Battery.Of(9, now()))
		c := family()
		c.Accessories[2].Name = "Blue watch"
		c.Accessories[3].Name = "Red rocket"
		w.show(c, nil)
		w.reads("Red rocket/B7/29", "40", hap.StatusOK)
		w.reads("Blue watch/96/79", "1", hap.StatusOK)
		w.reads("Mia at Home/86/75", "true", hap.StatusOK)
	})
}
