package safety_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ingle-home/ingle/app/model/safety"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/i18n"
)

func TestWhoLooked(t *testing.T) {
	ended, short := noon.Add(8*time.Minute), noon.Add(2*time.Second)
	list := safety.SightsOf([]wire.Viewing{
		{Begin: noon, Act: "live", Via: "app", Who: "Noor's phone", Thing: "Porch", Times: 1},
		{Begin: noon, End: &ended, Act: "still", Via: "homekit", Who: "Sam", Thing: "Porch", Times: 3},
		{Begin: noon, End: &short, Act: "export", Unknown: []string{"who", "what"}, Times: 1},
		{Begin: noon.AddDate(0, 0, -2), Act: "live", Who: "Sam", Thing: "Porch", Times: 1},
		{Begin: noon, Act: "place", Who: "Sam", Thing: "Mia", Times: 1},
	}, noon.Add(time.Hour), i18n.For("en"), time.UTC)
	if s := list[0]; !s.Going || s.What != "Live pictures · Porch" || s.How != "By an app" || s.Who != "Noor's phone" {
		t.Errorf("%+v", s)
	}
	if s := list[1]; s.Going || s.When != "25 Nov, 12:00 until 12:08" || s.How != "In Apple Home · 3 times" {
		t.Errorf("%+v", s)
	}
	if s := list[2]; s.Who != "Forgotten since" || !strings.HasSuffix(s.What, "forgotten since") || s.When != "25 Nov, 12:00" || s.How != "" {
		t.Errorf("%+v", s)
	}
	if list[3].Going || list[4].Going {
		t.Errorf("a look that a power cut ended, or one at a place, goes on: %+v", list[3:])
	}
}

func TestAListThatWasChangedIsNotWhole(t *testing.T) {
	en := i18n.For("en")
	if w := safety.WholeOf(wire.ChainCheck{Whole: true, Entries: 7, Forgotten: 1}, en); !w.Yes || !strings.Contains(w.Text, "7") {
		t.Errorf("%+v", w)
	}
	w := safety.WholeOf(wire.ChainCheck{Whole: true, Entries: 7, Flaws: []wire.Flaw{{Entry: 3, What: "changed"}, {Entry: 9, What: "painted"}}}, en)
	if w.Yes || len(w.Flaws) != 2 || w.Flaws[0] != "Entry 3 was changed." || w.Flaws[1] != "painted" {
		t.Errorf("%+v", w)
	}
}

func TestWhatNobodyHasSeenComesFirst(t *testing.T) {
	seen := noon
	list := safety.AlertsOf([]wire.SecurityAlert{{ID: "1", Rule: "new-app", Acknowledged: &seen, First: noon, Last: noon, Times: 1},
		{ID: "2", Rule: "failed-login", Severity: "alarm", First: noon, Last: noon.Add(9 * time.Minute), Times: 6}}, i18n.For("en"), time.UTC)
	if len(list) != 2 || list[0].ID != "2" || !list[0].Alarm || list[0].When != "25 Nov, 12:00 – 25 Nov, 12:09 · 6 times" || list[1].Seen != "Seen on 25 Nov, 12:00" {
		t.Errorf("%+v", list)
	}
	events := safety.EventsOf([]wire.SecurityEvent{{At: noon, Kind: "failed-login", Severity: "warning", Times: 6, From: "192.0.2.7"}, {At: noon, Kind: "unlock", Severity: "notice", Times: 1}}, i18n.For("en"), time.UTC)
	if !events[0].Grave || events[0].Title != "A wrong password" || events[0].From != "from 192.0.2.7" || events[1].Grave || events[1].When != "25 Nov, 12:00" {
		t.Errorf("%+v", events)
	}
}
