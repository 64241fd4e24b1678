package setracker_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/setracker"
	"github.com/ingle-home/ingle/accessories/setracker/sim"
	"github.com/ingle-home/ingle/accessories/trait"
)

// Over real sockets: every dialect, in pieces, with wrong lengths and hostile Wi-Fi names.
func TestEveryKindOfWatch(t *testing.T) {
	for name, o := range map[string]sim.Options{
		"3G": {}, "SG": {Maker: "SG"}, "CS": {Maker: "CS"}, "ZJ": {Maker: "ZJ", Index: "00a7"},
		"15 digits": {ID: "861234567890127"}, "byte by byte": {Split: 1}, "sevens": {Split: 7},
		"too long": {Longer: 9, Split: 5}, "too short": {Longer: -3},
		"caf]e": {Network: "caf]e", Split: 11}, "caf[e": {Network: "caf[e"}, "a}b": {Network: "a}b"},
		"my,wifi": {Network: "my,wifi"}, "injected": {Network: "x][3G*1*0004*LK,0]", Split: 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			watchADay(t, o)
		})
	}
}

// watchADay lets a watch do all that it can, and looks at what arrives.
func watchADay(t *testing.T, o sim.Options) {
	s := &loopback{}
	d := setracker.New()
	o.Repeat = 3 * time.Second
	w, err := sim.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	r := run(t, d, s.config(w.Address()))
	do := func(event, key, value string) {
		if err := w.Do(t.Context(), event, url.Values{key: {value}}); err != nil {
			t.Fatal(err)
		}
	}
	seen := ""
	want := func(text string) {
		t.Helper()
		eventually(t, text, func() bool { seen += r.reported() + " "; return strings.Contains(seen, text) })
	}
	do("hub", "address", s.address())
	want("battery=80 steps=100")
	do("battery", "level", "41")
	want("battery=41")
	do("steps", "count", "2345")
	want("steps=2345")
	do("heart", "rate", "77")
	want("heart=77")
	do("place", "lat", "52.25")
	do("alarm", "status", "00200001")
	want("fall=true")
	do("sos", "", "")
	want("sos=true")
	do("voice", "", "")
	eventually(t, "a refused recording", func() bool { return w.State().(sim.State).Refused == 1 })
	if err := r.Do(t.Context(), trait.Find.Set(true)); err != nil {
		t.Error(err)
	}
	eventually(t, "no alarm left", func() bool { return w.State().(sim.State).Alarms == 0 })
	seen += r.reported()
	if strings.Count(seen, "fall=true") != 1 || strings.Count(seen, "sos=true") != 1 {
		t.Errorf("stored: %s", seen)
	}
	r.end(t)
}

func TestAWatchComesBack(t *testing.T) {
	s := &loopback{}
	r := run(t, setracker.New(), s.config(watch))
	w, err := sim.Start(sim.Options{Hub: s.address(), Repeat: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	state := func() sim.State { return w.State().(sim.State) }
	eventually(t, "a first line", func() bool { return strings.Contains(r.reported(), "battery=80") })
	if err := w.Do(t.Context(), "drop", nil); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a second line", func() bool { return state().Calls == 2 && strings.Contains(r.reported(), "battery=80") })
	r.end(t)
	eventually(t, "the door to close", func() bool { return !state().Connected })
}

// A hub that does not answer makes the watch start anew: what real ones do after five LK.
func TestTheSimulatorNeedsAnswers(t *testing.T) {
	s := &loopback{}
	ln, err := s.Listen(t.Context(), "watch")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	w, err := sim.Start(sim.Options{Hub: s.address(), Beat: 5 * time.Millisecond, Repeat: 5 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	c, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	eventually(t, "a new start", func() bool { return w.State().(sim.State).Reboots > 0 })
	if err := w.Do(t.Context(), "no such event", nil); err == nil {
		t.Error("an unknown event is obeyed")
	}
}
