package zone_test

import (
	"context"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/bus"
	"github.com/ingle-home/ingle/hub/home"
	"github.com/ingle-home/ingle/hub/zone"
)

// At this latitude one thousandth of a degree of latitude is 111 m.
var (
	atHome = home.Zone{ID: "z-home", Name: "Home", Lat: 52.5, Lon: 13.4, Radius: 80}
	school = home.Zone{ID: "z-school", Name: "School", Lat: 52.52, Lon: 13.4, Radius: 120}
	start  = time.Date(2026, 11, 25, 6, 0, 0, 0, time.UTC)
)

func fix(lat float64) trait.Place { return trait.Place{Lat: lat, Lon: 13.4, Accuracy: 10, Fixed: true} }

func TestADay(t *testing.T) {
	for _, day := range []struct {
		name   string
		places []trait.Place
		want   []bool // inside Home after each place
	}{
		{"one fix enters", []trait.Place{fix(52.5)}, []bool{true}},
		{"at the edge two fixes leave", []trait.Place{fix(52.5), fix(52.501), fix(52.501)}, []bool{true, true, false}},
		{"a fix inside starts the count again", []trait.Place{fix(52.5), fix(52.501), fix(52.5), fix(52.501)}, []bool{true, true, true, true}},
		{"far away one fix leaves", []trait.Place{fix(52.5), fix(52.503)}, []bool{true, false}},
		{"a guess changes nothing", []trait.Place{fix(52.5), {Lat: 10, Lon: 10, Accuracy: 5}}, []bool{true, true}},
		{"an inaccurate fix does not leave", []trait.Place{fix(52.5),
			{Lat: 52.503, Lon: 13.4, Accuracy: 400, Fixed: true}, {Lat: 52.503, Lon: 13.4, Accuracy: 400, Fixed: true}}, []bool{true, true, true}},
		{"the other side of the earth", []trait.Place{fix(52.5), {Lat: -52.5, Lon: -166.6, Accuracy: 5, Fixed: true}}, []bool{true, false}},
	} {
		var p zone.Presence
		for i, place := range day.places {
			p = p.Observe(atHome, start.Add(time.Duration(i)*time.Minute), place)
			if p.Inside != day.want[i] {
				t.Errorf("%s: after place %d inside = %v", day.name, i, p.Inside)
			}
		}
	}
}

func TestLateAndRepeatedPlacesSayNothing(t *testing.T) {
	var p zone.Presence
	p = p.Observe(atHome, start, fix(52.5))
	for range 3 {
		p = p.Observe(atHome, start, fix(52.503))
		p = p.Observe(atHome, start.Add(-time.Hour), fix(52.503))
	}
	if !p.Inside {
		t.Error("an old place moved the person out")
	}
}

// memory keeps nothing: these tests do not restart.
type memory struct{}

func (memory) Load(context.Context) (home.Contents, error) {
	return home.Contents{
		People:      []home.Person{{ID: "p-1", Name: "Mia", Role: home.Member}},
		Zones:       []home.Zone{atHome, school},
		Accessories: []home.Accessory{{ID: "a-1", Name: "Watch", Kind: "watch", Person: "p-1"}},
	}, nil
}
func (memory) SavePerson(context.Context, home.Person) error                          { return nil }
func (memory) SaveZone(context.Context, home.Zone) error                              { return nil }
func (memory) SaveAccessory(context.Context, home.Accessory, map[string]string) error { return nil }
func (memory) DropAccessory(context.Context, string) error                            { return nil }
func (memory) DropPerson(context.Context, string) error                               { return nil }
func (memory) DropZone(context.Context, string) error                                 { return nil }
func (memory) Secrets(context.Context, string) (map[string]string, error)             { return nil, nil }

func TestHouseholdFactsReachTheHousehold(t *testing.T) {
	h, err := home.Open(t.Context(), memory{})
	if err != nil {
		t.Fatal(err)
	}
	b := bus.New()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	done := make(chan error)
	go func() {
		done <- zone.New(h, b, map[string]time.Time{home.PresenceID("p-1", "z-school"): start.Add(-time.Hour)}).Run(ctx)
	}()
	sub := b.Subscribe("homekit", trait.Household)
	next := func(id string, want bool) {
		t.Helper()
		for {
			c, err := sub.Next(ctx)
			if err != nil {
				t.Fatalf("%s never became %v", id, want)
			}
			if inside, ok := trait.Occupied.In(c.Reading); ok && c.Accessory == id {
				if inside != want {
					t.Fatalf("%s = %v, want %v", id, inside, want)
				}
				return
			}
		}
	}
	next("p-1@z-school", true) // as it was before the restart
	b.Publish(bus.Change{Accessory: "a-1", Reading: trait.Where.Of(fix(52.5), start)})
	next("p-1@z-home", true)
	next("p-1@z-school", false)
	cancel()
	<-done
}
