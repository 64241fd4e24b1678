package trait_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
)

func TestAReadingBelongsToOneTrait(t *testing.T) {
	r := trait.Battery.Of(71, time.Now())
	if v, ok := trait.Battery.In(r); !ok || v != 71 {
		t.Errorf("battery in %v = %v, %v", r, v, ok)
	}
	if v, ok := trait.Speed.In(r); ok {
		t.Errorf("a battery reading was taken for speed %v", v)
	}
}

func TestIDsAreUniqueAndFound(t *testing.T) {
	seen := map[string]bool{}
	for _, a := range trait.All() {
		if seen[a.ID()] {
			t.Errorf("two traits are called %q", a.ID())
		}
		seen[a.ID()] = true
		if found, ok := trait.Lookup(a.ID()); !ok || found != a {
			t.Errorf("%q is not found by its ID", a.ID())
		}
	}
	if _, ok := trait.Lookup("weather"); ok {
		t.Error("an unknown trait was found")
	}
}

func TestCommandsFromText(t *testing.T) {
	for _, c := range []struct{ id, text, json string }{
		{"speed", "50", "50"},
		{"find", "on", "true"},
		{"privacy", "off", "false"},
		{"privacy", "false", "false"},
	} {
		a, _ := trait.Lookup(c.id)
		cmd, err := a.Parse(c.text)
		if err != nil || string(cmd.JSON()) != c.json {
			t.Errorf("%s %q = %s, %v; want %s", c.id, c.text, cmd.JSON(), err, c.json)
		}
	}
	for _, c := range []struct{ id, text string }{{"speed", "fast"}, {"speed", "true"}, {"find", "50"}, {"speed", "null"}, {"speed", "2.5"}} {
		a, _ := trait.Lookup(c.id)
		if cmd, err := a.Parse(c.text); !errors.Is(err, trait.ErrValue) {
			t.Errorf("%s %q = %s, %v; want ErrValue", c.id, c.text, cmd.JSON(), err)
		}
	}
}

func TestReadingsSurviveTheWire(t *testing.T) {
	at := time.Date(2026, 11, 25, 7, 0, 0, 0, time.UTC)
	sent := trait.Where.Of(trait.Place{Lat: 52.5, Lon: 13.4, Accuracy: 12, Fixed: true}, at)
	got, err := trait.Where.Any().Reading(sent.JSON(), at)
	if err != nil || !got.Same(sent) || !got.At.Equal(at) {
		t.Errorf("%s came back as %s, %v", sent.JSON(), got.JSON(), err)
	}
	if _, err := trait.Where.Any().Reading(json.RawMessage(`"home"`), at); !errors.Is(err, trait.ErrValue) {
		t.Errorf("a text was taken for a place: %v", err)
	}
}

func FuzzReading(f *testing.F) {
	f.Add("where", []byte(`{"lat":1}`))
	f.Add("speed", []byte(`1e400`))
	f.Add("find", []byte(`null`))
	f.Fuzz(func(t *testing.T, id string, raw []byte) {
		a, ok := trait.Lookup(id)
		if !ok {
			return
		}
		if r, err := a.Reading(raw, time.Time{}); err == nil && !json.Valid(r.JSON()) {
			t.Errorf("%s %q became invalid JSON %q", id, raw, r.JSON())
		}
	})
}
