package label_test

import (
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/label"
)

func TestPasswords(t *testing.T) {
	const good, twice = "kestrel-harbour-19", "lantern-over-the-bay"
	got := label.Passwords([]label.Login{
		{"good", "1.1", "hub", good}, {"factory", "1.2", "Admin", "admin"}, {"mirai", "1.3", "root", "xc3511"}, {"mirai as another", "1.4", "hub", "xc3511"},
		{"name", "1.5", "somebody-else", "Somebody-Else"}, {"short", "1.6", "hub", "a7Qx!9"}, {"one", "1.7", "hub", twice}, {"two", "1.8", "hub", twice},
		{"same thing", "1.9", "hub", "added-as-two-things"}, {"same thing again", "1.9", "hub", "added-as-two-things"},
		{"worst of two", "1.10", "adm", good + "-x"}, {"worst of two", "1.10", "admin", "12345"}, {"emoji", "1.11", "hub", "🦉🌲🌙🔑🚲🍞🎈🪁🧭🪴"},
	})
	for device, want := range map[string]string{
		"good": "ok", "factory": "factory", "mirai": "factory", "mirai as another": "common", "name": "name", "short": "short", "one": "reused", "two": "reused",
		"same thing": "ok", "same thing again": "ok", "worst of two": "factory", "emoji": "ok",
	} {
		if got[device].Code != want {
			t.Errorf("%s: %+v", device, got[device])
		}
	}
}

// TestNothingIsUnknown: of a device that nobody could ask, no line is good.
func TestNothingIsUnknown(t *testing.T) {
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	for _, kind := range []string{"camera", "watch", "toy", "lock", ""} {
		for _, l := range label.Label(label.Input{Kind: kind}, now) {
			if l.State != label.Unknown && l.State != label.NotApplicable {
				t.Errorf("%s: %s is %s", kind, l.Name, l.Text)
			}
		}
	}
	lines := label.OfHub(label.Own{}, now)
	if label.Count(lines, label.OK) != 1 { // the day of its support is in the program
		t.Errorf("the hub: %+v", lines)
	}
	if label.Count(label.OfHub(label.Own{}, now.AddDate(9, 0, 0)), label.OK) != 0 {
		t.Error("the hub is good for ever")
	}
}

// TestHistory: only what stands otherwise is noted, the newest first, and not without end.
func TestHistory(t *testing.T) {
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	var r label.Record
	if !r.Note([]label.Line{{Name: "doors", State: label.OK, Text: "a"}}, now) || r.Note([]label.Line{{Name: "doors", State: label.OK, Text: "a"}}, now) {
		t.Error("a change is not noted once")
	}
	for i := range 200 {
		r.Note([]label.Line{{Name: "doors", State: []label.State{label.Fix, label.OK}[i%2], Text: "a"}}, now.Add(time.Duration(i)))
	}
	if len(r.History) > 60 || r.History[0].State != label.OK {
		t.Errorf("%d changes, %+v", len(r.History), r.History[0])
	}
}
