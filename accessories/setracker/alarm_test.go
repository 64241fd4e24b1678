package setracker_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingle-home/ingle/accessories/setracker"
	"github.com/ingle-home/ingle/accessories/setracker/sim"
	"github.com/ingle-home/ingle/accessories/trait"
)

// here is the place of an alarm.
const here = `where={"lat":52.1,"lon":5.2,"accuracy":20,"fixed":true}`

const ack = "[3G*3456789012*0002*AL]"

func TestAllAlarmsOfAFrameTheMostUrgentFirst(t *testing.T) {
	for status, want := range map[string]string{
		"00010000": "sos=true ",
		"00010001": "sos=true alarm=true ", // a low battery of 66 %
		"00010002": "sos=true alarm=true ",
		"00200001": "fall=true alarm=true ",
		"00210001": "sos=true fall=true alarm=true ",
		"00310000": "sos=true fall=true taken-off=true ",
		"00100000": "taken-off=true ",
		"00400000": "alarm=true ", // heart rate
		"00040000": "alarm=true ", // out of a fence
		"00000000": "alarm=true ",
		"00000008": "alarm=true ",
		"00020000": "alarm=true ",
		"0001":     "alarm=true ",
	} {
		inside(t, func(t *testing.T, s *street, r *running) {
			wantText(t, status, s.call("10.0.0.1").say(alarm(status)), ack)
			if got := r.reported(); !strings.HasPrefix(got, want) || strings.Count(got, "=true") != strings.Count(want, "=true") {
				t.Errorf("%s: %s, want %s…", status, got, want)
			}
		})
	}
}

// TestAnAlarmCarriesTheTimeOfTheWatch: repeated to a hub that was killed before it could acknowledge,
// it is the same alarm.
func TestAnAlarmCarriesTheTimeOfTheWatch(t *testing.T) {
	inside(t, func(t *testing.T, s *street, r *running) {
		early := time.Now().UTC().Truncate(time.Second).Add(-time.Hour)
		frame := strings.Replace(alarm("00010000"), time.Now().UTC().Format("020106,150405"), early.Format("020106,150405"), 1)
		wantText(t, "SOS", s.call("10.0.0.1").say(frame), ack)
		r.mu.Lock()
		defer r.mu.Unlock()
		if len(r.got) == 0 || !r.got[0].At.Equal(early) {
			t.Errorf("reported %v, want the time %v", r.got, early)
		}
	})
}

func TestALowBatteryIsToldByItsLevel(t *testing.T) {
	inside(t, func(t *testing.T, s *street, r *running) {
		c := s.call("10.0.0.1")
		wantText(t, "low", c.say(strings.Replace(alarm("00020001"), "80,66,", "80,09,", 1)), ack)
		if got := r.reported(); !strings.HasPrefix(got, "battery=9 ") {
			t.Errorf("reported %s", got)
		}
		wantText(t, "SOS", c.say(strings.Replace(alarm("00010001"), "80,66,", "80,08,", 1)), ack)
		if got := r.reported(); !strings.HasPrefix(got, "sos=true battery=8 ") {
			t.Errorf("reported %s", got)
		}
	})
}

func TestEveryKindOfAlarmFrame(t *testing.T) {
	inside(t, func(t *testing.T, s *street, r *running) {
		c := s.call("10.0.0.1")
		for _, kind := range []string{"AL", "AL_LTE", "ALCUSTOMER1"} {
			f := strings.Replace(alarm("00010000"), "*AL,", "*"+kind+",", 1) // its length is wrong now, too
			wantText(t, kind, c.say(f), ack)
			r.reported()
			after(time.Second)
		}
		wantText(t, "nothing to read", c.say(frame(watch, "AL", "")), ack)
		wantText(t, "reported", r.reported(), "alarm=true")
		wantText(t, "ZJ", c.say("[ZJ*3456789012*0a1b*0002*AL]"), "[ZJ*3456789012*0a1b*0002*AL]")
	})
}

func TestAnAlarmIsAcknowledgedOnceAllOfItIsStored(t *testing.T) {
	inside(t, func(t *testing.T, s *street, r *running) {
		c, cry := s.call("10.0.0.1"), alarm("00210000")
		r.failWith(errors.New("the disk is full"))
		wantText(t, "not stored", c.say(cry), "")
		if got := r.reported(); strings.Contains(got, "true ") || !strings.Contains(got, "battery=66") {
			t.Errorf("reported %s", got)
		}
		r.failWith(nil)
		wantText(t, "stored", c.say(cry), ack)
		if got := r.reported(); !strings.HasPrefix(got, "sos=true fall=true ") {
			t.Errorf("reported %s", got)
		}
		wantText(t, "a repeat", c.say(cry), ack)
		if got := r.reported(); strings.HasPrefix(got, "sos") {
			t.Errorf("a repeat reported %s", got)
		}
		after(time.Second)
		wantText(t, "a new one", c.say(alarm("00210000")), ack)
		if got := r.reported(); !strings.HasPrefix(got, "sos=true fall=true ") {
			t.Errorf("a new one reported %s", got)
		}
	})
}

// What was stored of a frame is not stored again when the rest is.
func TestHalfStoredAlarms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d := newStreet(t), setracker.New()
		open, err := d.Open(t.Context(), s.config(watch))
		if err != nil {
			t.Fatal(err)
		}
		var order []string
		full := true
		r := start(t, session{open, func(x trait.Reading) error {
			order = append(order, x.Trait.ID())
			if x.Trait == trait.Fall.Any() && full {
				return errors.New("the disk is full")
			}
			return nil
		}})
		synctest.Wait()
		c, cry := s.call("10.0.0.1"), alarm("00210000")
		wantText(t, "half stored", c.say(cry), "")
		full = false
		wantText(t, "stored", c.say(cry), ack)
		order = slices.DeleteFunc(order, func(s string) bool { return s != "sos" && s != "fall" })
		wantText(t, "order", strings.Join(order, " "), "sos fall fall")
		r.end(t)
	})
}

func TestAWatchWithoutATimeCanCryAgain(t *testing.T) {
	inside(t, func(t *testing.T, s *street, r *running) {
		c := s.call("10.0.0.1")
		cry := frame(watch, "AL", "000000,000000,V,0,N,0,E,0,0,0,0,0,,,0,00010000")
		for _, want := range []string{"sos=true", ""} {
			wantText(t, "answer", c.say(cry), ack)
			wantText(t, "reported", r.reported(), want)
		}
		after(11 * time.Minute)
		c.say(cry)
		wantText(t, "ten minutes later", r.reported(), "sos=true")
	})
}

func TestAnAlarmBeforeRunIsNotAcknowledged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStreet(t)
		open, err := setracker.New().Open(t.Context(), s.config(watch))
		if err != nil {
			t.Fatal(err)
		}
		c, cry := s.call("10.0.0.1"), alarm("00010000")
		wantText(t, "before Run", c.say(cry), "")
		r := start(t, open)
		synctest.Wait()
		wantText(t, "states from before", r.reported(), "battery=66 steps=1234 "+here)
		wantText(t, "the repeat", c.say(cry), ack)
		if got := r.reported(); !strings.HasPrefix(got, "sos=true ") {
			t.Errorf("reported %s", got)
		}
		r.end(t)
	})
}

// Over real sockets: the simulator repeats until it hears an answer, and the alarm is stored once.
func TestTheWatchRepeatsUntilStored(t *testing.T) {
	s := &loopback{}
	r := run(t, setracker.New(), s.config(watch))
	r.failWith(errors.New("the disk is full"))
	w, err := sim.Start(sim.Options{Hub: s.address(), Repeat: 20 * time.Millisecond, Deaf: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	state := func() sim.State { return w.State().(sim.State) }
	if err := w.Do(t.Context(), "sos", nil); err != nil {
		t.Fatal(err)
	}
	eventually(t, "repeats", func() bool { return state().Cries > 2 })
	if n := state().Alarms; n != 1 {
		t.Fatalf("%d alarms wait for an answer, want 1", n)
	}
	r.failWith(nil)
	eventually(t, "an answer that it hears", func() bool { return state().Alarms == 0 })
	if got := r.reported(); strings.Count(got, "sos=true") != 1 {
		t.Errorf("stored: %s", got)
	}
	r.end(t)
}

// From the watch's write to the report: the median of many, which a busy machine does not spoil.
func TestAnSOSArrivesAtOnce(t *testing.T) {
	s, arrived, hears := &loopback{}, make(chan time.Time, 1), make(chan struct{}, 9)
	open, err := setracker.New().Open(t.Context(), s.config(watch))
	if err != nil {
		t.Fatal(err)
	}
	r := start(t, session{open, func(x trait.Reading) error {
		if x.Trait == trait.SOS.Any() {
			arrived <- time.Now()
		}
		if x.Trait == trait.Steps.Any() {
			hears <- struct{}{}
		}
		return nil
	}})
	c := dial(t, s.address())
	if _, err := c.Write([]byte(frame(watch, "LK", "1,0,50"))); err != nil {
		t.Fatal(err)
	}
	<-hears
	var took []time.Duration
	for i := range 101 {
		body := "010126,000000,V,0,N,0,E,0,0,0,0,0,66,,0,00010000," + strings.Repeat("x", i+1)
		sent := time.Now()
		if _, err := c.Write([]byte(frame(watch, "AL", body))); err != nil {
			t.Fatal(err)
		}
		took = append(took, (<-arrived).Sub(sent))
	}
	slices.Sort(took)
	t.Logf("median %v, worst %v", took[50], took[100])
	if took[50] > 20*time.Millisecond {
		t.Errorf("an SOS takes %v", took[50])
	}
	r.end(t)
}
