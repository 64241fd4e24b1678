package setracker_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
)

const (
	lk    = "[3G*3456789012*0002*LK]"
	verno = "[SG*3456789012*0005*VERNO]"
)

func TestANewcomerIsBelievedInAlarmsOnly(t *testing.T) {
	inside(t, func(t *testing.T, s *street, r *running) {
		old, young := s.call("10.0.0.1"), s.call("10.0.1.1")
		wantText(t, "old", old.say(frame(watch, "LK", "1,0,50")), lk)
		r.reported()
		wantText(t, "young", young.say(frame(watch, "LK", "2,0,60")), lk+verno)
		young.say(frame(watch, "UD", where))
		young.say(frame(watch, "heart", "99"))
		wantText(t, "states of the newcomer", r.reported(), "")
		wantText(t, "its alarm", young.say(alarm("00010000")), "[3G*3456789012*0002*AL]")
		wantText(t, "reported", r.reported(), "sos=true")
		found := make(chan error, 1)
		go func() { found <- r.Do(t.Context(), trait.Find.Set(true)) }()
		after(time.Second)
		wantText(t, "old", old.heard(), "[SG*3456789012*0004*FIND]"+verno)
		wantText(t, "young", young.heard(), "")
		if young.say(frame(watch, "FIND", "")); len(found) != 0 {
			t.Error("a newcomer answered for the watch")
		}
		old.say(frame(watch, "VERNO", "G36"))
		for range 10 {
			after(time.Minute)
			old.say(frame(watch, "LK", ""))
			young.say(frame(watch, "LK", "2,0,60"))
		}
		if old.closed() || r.reported() != "" {
			t.Error("a newcomer took over from a watch that answers")
		}
		if n := strings.Count(old.heard(), "VERNO"); n > 3 {
			t.Errorf("%d questions in ten minutes", n)
		}
		if !strings.Contains(s.logged(), "two connections name one watch") {
			t.Error("nobody was told")
		}
	})
}

func TestANewcomerTakesOverFromASilentLine(t *testing.T) {
	inside(t, func(t *testing.T, s *street, r *running) {
		old := s.call("10.0.0.1")
		old.say(frame(watch, "LK", "1,0,50"))
		young := s.call("10.0.1.1")
		wantText(t, "young", young.say(frame(watch, "LK", "2,0,60")), lk+verno)
		young.say(frame(watch, "VERNO", "G36"))
		r.reported()
		after(18 * time.Second)
		young.say(frame(watch, "LK", "3,0,61"))
		if wantText(t, "in quarantine", r.reported(), ""); old.closed() {
			t.Error("closed too early")
		}
		after(4 * time.Second)
		young.say(frame(watch, "LK", "4,0,62"))
		wantText(t, "promoted", r.reported(), "battery=61 steps=3 battery=62 steps=4")
		if !old.closed() {
			t.Error("the silent line is still open")
		}
	})
}

func TestANewcomerThatDoesNotAnswerStaysOut(t *testing.T) {
	inside(t, func(t *testing.T, s *street, r *running) {
		old, young := s.call("10.0.0.1"), s.call("10.0.1.1")
		old.say(frame(watch, "LK", ""))
		young.say(frame(watch, "LK", ""))
		after(time.Minute)
		if old.closed() {
			t.Error("neither answered, and the old line was closed")
		}
		young.Close()
		third := s.call("10.0.2.1") // comes long after that challenge, and needs its own
		wantText(t, "third", third.say(frame(watch, "LK", "3,0,33")), lk+verno)
		if wantText(t, "reported", r.reported(), ""); old.closed() {
			t.Error("taken over at once")
		}
	})
}

func TestANewcomerTakesOverWhenTheOldLineEnds(t *testing.T) {
	inside(t, func(t *testing.T, s *street, r *running) {
		old, young := s.call("10.0.0.1"), s.call("10.0.1.1")
		old.say(frame(watch, "LK", ""))
		young.say(frame(watch, "LK", "3,0,63"))
		young.say(frame(watch, "LK", "4,0,62"))
		wantText(t, "in quarantine", r.reported(), "")
		old.Close()
		after(2 * time.Second)
		wantText(t, "reported", r.reported(), "battery=62 steps=4")
	})
}

func TestQuarantinedLinesCountAsStrangers(t *testing.T) {
	inside(t, func(t *testing.T, s *street, _ *running) {
		s.call("10.0.0.1").say(frame(watch, "LK", ""))
		stay := 0
		for range 20 {
			if c := s.call("10.0.0.2"); !c.closed() {
				c.say(frame(watch, "LK", ""))
				stay++
			}
		}
		if stay != 8 {
			t.Errorf("%d newcomers with a known ID stay, want 8", stay)
		}
	})
}
