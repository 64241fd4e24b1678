package model_test

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/app/model"
	"github.com/ingle-home/ingle/hub/api/apitest"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/i18n"
)

func snapshot(t *testing.T, do func(*apitest.Home)) wire.Snapshot {
	t.Helper()
	h := apitest.New(wire.Open)
	do(h)
	s, err := h.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestThePastHoldsWhatWasReportedOnce(t *testing.T) {
	p := model.NewPast()
	now := time.Now().Add(time.Hour)
	for i := range 1000 {
		s := snapshot(t, func(h *apitest.Home) {
			h.Report(apitest.Watch, trait.Battery.Of(i%100, now.Add(time.Duration(i)*time.Second)))
		})
		p.Take(s)
		p.Take(s)
	}
	list := p.Numbers(apitest.Watch, "battery")
	if len(list) != 720 || list[719].Value != 99 || !list[0].At.Before(list[1].At) {
		t.Errorf("%d points, the last is %+v", len(list), list[len(list)-1])
	}
	p.Take(wire.Snapshot{})
	if len(p.Numbers(apitest.Watch, "battery"))+len(p.Steps(apitest.Watch)) != 0 {
		t.Error("it remembers a thing that is gone")
	}
}

func TestADevice(t *testing.T) {
	s := snapshot(t, func(h *apitest.Home) { h.Report(apitest.Toy, trait.Speed.Of(20, at)) })
	past := model.NewPast()
	past.Take(s)
	d, ok := model.DeviceOf(s, apitest.Toy, past, i18n.For("en"), time.UTC)
	if !ok || d.Toy.Speed != 20 || d.Where != "Toy · Children" || d.Facts[0] != (model.Fact{Name: "Speed", Value: "20 % · 25 Nov, 14:05"}) || len(d.Charts) != 0 {
		t.Errorf("%+v", d)
	}
	if _, ok := model.DeviceOf(s, "nothing", past, i18n.For("en"), time.UTC); ok {
		t.Error("there is a device that is not there")
	}
	rooms := model.DevicesOf(s, i18n.For("en"), time.UTC)
	if len(rooms) != 3 || rooms[0].Name != "Without a room" || rooms[1].Lines[0].Name != "Rocket" {
		t.Errorf("%+v", rooms)
	}
}

func TestThePlotIsToScale(t *testing.T) {
	s := snapshot(t, func(h *apitest.Home) {
		h.Report(apitest.Watch, trait.Where.Of(trait.Place{Lat: 52.53, Lon: 13.405 + 0.01, Accuracy: 15, Fixed: true}, time.Now().Add(time.Minute)))
	})
	people, plot := model.PeopleOf(s, model.NewPast(), i18n.For("en"), time.UTC)
	if len(plot.Zones) != 1 || plot.Zones[0].X != 0 || plot.Zones[0].Radius != 100 {
		t.Fatalf("%+v", plot)
	}
	d := plot.People[0]
	if math.Abs(d.Y-1113) > 2 || math.Abs(d.X-677) > 3 || d.Name != "Mia" {
		t.Errorf("%+v", d)
	}
	if people[0].Place != "Mia at Home" || !strings.Contains(people[0].Seen, "within 15 m") || people[1].Place != "" {
		t.Errorf("%+v", people)
	}
}

func TestNoticesTellWhatIsNew(t *testing.T) {
	en := i18n.For("en")
	bell := func(h *apitest.Home, at time.Time) { h.Report(apitest.Camera, trait.Doorbell.Of(true, at)) }
	old := snapshot(t, func(h *apitest.Home) { bell(h, at) })
	for name, c := range map[string]struct {
		do   func(*apitest.Home)
		want string
	}{
		"nothing new": {func(h *apitest.Home) { bell(h, at) }, ""},
		"again":       {func(h *apitest.Home) { bell(h, at.Add(time.Minute)) }, "Porch: somebody rings"},
		"sos": {func(h *apitest.Home) {
			bell(h, at)
			h.Report(apitest.Watch, trait.Emergency.Of(true, at))
		}, "Mia: SOS"},
		"silent": {func(h *apitest.Home) {
			bell(h, at)
			h.Report(apitest.Watch, trait.Reachable.Of(false, at))
		}, "Mia's watch is silent"},
	} {
		var got []string
		var crier model.Crier
		if list := crier.Take(old, en, time.UTC); list != nil {
			t.Errorf("the first look tells %v", list)
		}
		for range 2 { // the second time nothing of it is new
			for _, n := range crier.Take(snapshot(t, c.do), en, time.UTC) {
				got = append(got, n.Title)
			}
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// A hub that starts anew has not heard of the watch yet, and then of everything again.
func TestNothingIsSaidTwiceAfterTheLineWasLost(t *testing.T) {
	en := i18n.For("en")
	calls := func(h *apitest.Home) {
		h.Report(apitest.Camera, trait.Doorbell.Of(true, at))
		h.Report(apitest.Watch, trait.Emergency.Of(true, at))
	}
	var crier model.Crier
	crier.Take(snapshot(t, func(*apitest.Home) {}), en, time.UTC)
	if list := crier.Take(snapshot(t, calls), en, time.UTC); len(list) != 2 {
		t.Errorf("a ring and a call: %v", list)
	}
	crier.Lose()
	for name, do := range map[string]func(*apitest.Home){
		"it knows nothing": func(h *apitest.Home) { h.Report(apitest.Watch, trait.Reachable.Of(false, at)) },
		"it knows again":   calls,
	} {
		crier.Lose()
		if list := crier.Take(snapshot(t, do), en, time.UTC); len(list) > 0 {
			t.Errorf("%s: %v", name, list)
		}
	}
	again := func(h *apitest.Home) { h.Report(apitest.Watch, trait.Emergency.Of(true, at.Add(time.Hour))) }
	if list := crier.Take(snapshot(t, again), en, time.UTC); len(list) != 1 {
		t.Errorf("another call: %v", list)
	}
}

func TestThePastIsWhatWasKeptAndThenWhatCame(t *testing.T) {
	p := model.NewPast()
	p.Take(snapshot(t, func(h *apitest.Home) { h.Report(apitest.Watch, trait.Steps.Of(900, at)) }))
	point := func(n int, ago time.Duration) wire.Point {
		return wire.Point{At: at.Add(-ago), Value: wire.ValueOf(trait.Steps.Of(n, at)).Value, Count: 1}
	}
	for range 2 { // asked for twice, it is there once
		p.Remember(wire.History{Accessory: apitest.Watch, Trait: "steps", Points: []wire.Point{point(100, 2*time.Hour), point(500, time.Hour), point(900, 0)}})
	}
	var got []float64
	for _, one := range p.Numbers(apitest.Watch, "steps") {
		got = append(got, one.Value)
	}
	if !slices.Equal(got, []float64{100, 500, 900}) {
		t.Errorf("%v", got)
	}
	where := wire.ValueOf(trait.Where.Of(trait.Place{Lat: 52.5, Accuracy: 9}, at)).Value
	p.Remember(wire.History{Accessory: apitest.Watch, Trait: "where", Points: []wire.Point{{At: at.Add(-time.Hour), Value: where, Count: 1}}})
	if steps := p.Steps(apitest.Watch); len(steps) != 2 || steps[0].Lat != 52.5 {
		t.Errorf("%+v", steps)
	}
}

func TestSearch(t *testing.T) {
	s, en := snapshot(t, func(*apitest.Home) {}), i18n.For("en")
	for text, want := range map[string]string{"": "Home", "ro": "Rocket", "MIA": "Mia's watch", "sett": "Settings", "camera": "Cameras", "zzz": ""} {
		got := ""
		if hits := model.Search(s, en, text); len(hits) > 0 {
			got = hits[0].Title
		}
		if got != want {
			t.Errorf("%q finds %q", text, got)
		}
	}
}

func TestTheReelIsATimeline(t *testing.T) {
	clips := []wire.Clip{{ID: "b", At: at, Millis: 30_000, Size: 5e6, Why: "motion", State: "whole"},
		{ID: "a", At: at.Add(-2 * time.Hour), Millis: 3_600_000, Size: 2e9, Why: "doorbell", State: "cut", Kept: true}}
	r := model.ReelOf(clips, i18n.For("en"), time.UTC, at.Add(5*time.Minute))
	if r.From != "25 Nov, 12:00" || r.Clips[0].Span[0] < 0.9 || r.Clips[1].Span[0] > 0.1 || r.Clips[1].Span[1] < 0.4 {
		t.Errorf("%+v", r)
	}
	if d := r.Clips[1].Detail; d != "somebody rang · 3600 s · 2.0 GB · its end is missing · kept" {
		t.Errorf("%q", d)
	}
}

func TestPrivacySaysWhatTheHubCounted(t *testing.T) {
	oldest := at.Add(-2 * time.Hour)
	kept := model.CountsOf([]wire.Holding{{What: "recordings", Count: 2, Size: 2e9, Oldest: &oldest}, {What: "positions", Days: 7}, {What: "heart", Days: 7},
		{What: "alarms", Count: 1, Oldest: &oldest}, {What: "readings", Count: 3, Days: 7}, {What: "apps", Count: 1}, {What: "of a later version", Count: 4}}, i18n.For("en"), time.UTC)
	want := []model.Kept{
		{What: "Recordings", Much: "2 recordings · 2.0 GB", Oldest: "The oldest is from 25 Nov, 12:05", Until: "As long as you chose at each camera"},
		{What: "Positions", Much: "Nothing"},
		{What: "Alarms and doorbells", Much: "One entry", Oldest: "The oldest is from 25 Nov, 12:05", Until: "Until somebody deletes it"},
		{What: "Other readings", Much: "3 entries", Until: "Each goes after 7 days"},
		{What: "Apps that are let in", Much: "One app", Until: "Until you shut them out in the settings"},
	}
	if !slices.Equal(kept, want) {
		t.Errorf("%+v", kept)
	}
}
