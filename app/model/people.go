package model

import (
	"math"
	"strconv"
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/i18n"
)

const metresPerDegree = 111_320 // of latitude; of longitude at the equator

// Person is one of the household.
type Person struct {
	ID, Name, Role string
	Place, Seen    string // empty where nothing tells
	Home           bool
}

// Dot is something on the plot, in metres east and north of its middle. Radius is that of a zone, or
// how exact a position is.
type Dot struct {
	Name         string
	X, Y, Radius float64
}

// Plot is where everybody is: no map, so that no server learns which part of the world is looked at.
type Plot struct {
	Zones  []Dot
	People []Dot
	Routes [][]Dot
}

// Empty says that there is nothing to plot.
func (p Plot) Empty() bool { return len(p.Zones)+len(p.People) == 0 }

// PeopleOf lists the household, and plots where its watches are and went.
func PeopleOf(s wire.Snapshot, past *Past, t *i18n.Texts, place *time.Location) ([]Person, Plot) {
	v := view{s, t, place}
	var list []Person
	for _, p := range s.People {
		one := Person{ID: p.ID, Name: p.Name}
		if key := "app.people.role." + p.Role; t.Has(key) {
			one.Role = t.Text(key, nil)
		}
		if v.worn(p.ID) {
			one.Place, one.Home = v.whereabouts(p.ID)
			one.Seen = v.seen(p.ID)
		}
		list = append(list, one)
	}
	return list, v.plot(past)
}

func (v view) seen(person string) string {
	for _, a := range v.Accessories {
		value, ok := a.Value(trait.Where.ID())
		where, known := wire.Read(value, trait.Where)
		if a.Person == person && ok && known && value.At != nil {
			return v.t.Text("app.people.seen", i18n.Args{"time": v.when(*value.At), "metres": strconv.Itoa(int(where.Accuracy))})
		}
	}
	return v.t.Text("app.people.unseen", nil)
}

// plot puts the first zone in the middle, or else the first position.
func (v view) plot(past *Past) Plot {
	var p Plot
	var lat, lon float64
	set := false
	at := func(name string, la, lo, radius float64) Dot {
		if !set {
			lat, lon, set = la, lo, true
		}
		return Dot{name, (lo - lon) * metresPerDegree * math.Cos(lat*math.Pi/180), (la - lat) * metresPerDegree, radius}
	}
	for _, z := range v.Zones {
		p.Zones = append(p.Zones, at(z.Name, z.Lat, z.Lon, z.Radius))
	}
	for _, a := range v.sorted() {
		where, known := read(a, trait.Where)
		if !known {
			continue
		}
		p.People = append(p.People, at(v.called(a), where.Lat, where.Lon, where.Accuracy))
		var route []Dot
		for _, s := range past.Steps(a.ID) {
			route = append(route, at("", s.Lat, s.Lon, s.Accuracy))
		}
		if len(route) > 1 {
			p.Routes = append(p.Routes, route)
		}
	}
	return p
}
