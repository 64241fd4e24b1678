// Package zone turns places into "Mia is at School". It is cleared for Personal readings and is, with
// the records, the only part of the hub that handles coordinates; what it publishes is a household
// fact: one Occupied reading per person and zone.
//
// A zone is entered on one valid fix inside it and left on two fixes outside in a row, or on one that
// is far beyond the edge. What is not a valid fix, and silence, never change a zone: stale is not
// absent.
package zone

import (
	"context"
	"math"
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/bus"
	"github.com/ingle-home/ingle/hub/home"
)

// clear is how far beyond the edge, in metres, one fix is enough to leave.
const clear = 100

// earth is the mean radius of the earth in metres (IUGG).
const earth = 6_371_008.8

// Presence is what is known about one person and one zone.
type Presence struct {
	Known   bool // a fix has decided it at least once
	Inside  bool
	outside int // fixes outside in a row
	last    time.Time
}

// Observe gives what one place says about a zone. Places older than the last one, and places that are
// not fixed, say nothing. A fix counts as inside when its centre is; it counts as outside only when
// its whole circle of uncertainty is.
func (p Presence) Observe(z home.Zone, at time.Time, place trait.Place) Presence {
	if !place.Fixed || !at.After(p.last) {
		return p
	}
	p.last = at
	beyond := distance(z, place) - z.Radius
	switch {
	case beyond <= 0:
		p.Known, p.Inside, p.outside = true, true, 0
	case !p.Known:
		p.Known = true
	case beyond-place.Accuracy >= clear:
		p.Inside, p.outside = false, 0
	case beyond-place.Accuracy > 0:
		p.outside++
		if p.outside == 2 {
			p.Inside, p.outside = false, 0
		}
	}
	return p
}

// distance is the great-circle distance in metres between a zone's centre and a place.
func distance(z home.Zone, place trait.Place) float64 {
	rad := math.Pi / 180
	dLat, dLon := (place.Lat-z.Lat)*rad, (place.Lon-z.Lon)*rad
	a := math.Pow(math.Sin(dLat/2), 2) +
		math.Cos(z.Lat*rad)*math.Cos(place.Lat*rad)*math.Pow(math.Sin(dLon/2), 2)
	return 2 * earth * math.Asin(math.Sqrt(math.Min(1, a)))
}

// Watcher keeps the presences of the whole home.
type Watcher struct {
	home  *home.Home
	bus   *bus.Bus
	known map[string]Presence // by home.PresenceID
}

// New makes a watcher. Inside holds the home.PresenceIDs that were occupied when the hub last ran,
// with the time of the fix that said so.
func New(h *home.Home, b *bus.Bus, inside map[string]time.Time) *Watcher {
	w := &Watcher{home: h, bus: b, known: map[string]Presence{}}
	for id, since := range inside {
		w.known[id] = Presence{Known: true, Inside: true, last: since}
	}
	return w
}

// Run follows the bus until ctx or the bus ends.
func (w *Watcher) Run(ctx context.Context) error {
	sub := w.bus.Subscribe("zone", trait.Personal)
	defer sub.Close()
	for id, p := range w.known {
		w.publish(id, p.Inside, p.last)
	}
	for {
		c, err := sub.Next(ctx)
		if err != nil {
			return err
		}
		if place, ok := trait.Where.In(c.Reading); ok {
			w.observe(c.Accessory, c.Reading.At, place)
		}
	}
}

func (w *Watcher) observe(accessory string, at time.Time, place trait.Place) {
	has := w.home.Contents()
	a, err := has.Accessory(accessory)
	if err != nil || a.Person == "" {
		return
	}
	for _, z := range has.Zones {
		id := home.PresenceID(a.Person, z.ID)
		was := w.known[id]
		is := was.Observe(z, at, place)
		w.known[id] = is
		if is.Known && (!was.Known || is.Inside != was.Inside) {
			w.publish(id, is.Inside, at)
		}
	}
}

func (w *Watcher) publish(id string, inside bool, at time.Time) {
	w.bus.Publish(bus.Change{Accessory: id, Reading: trait.Occupied.Of(inside, at)})
}
