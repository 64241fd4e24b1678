package model

import (
	"slices"
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/i18n"
)

func (v view) camera(a wire.Accessory, private bool) Camera {
	active, known := read(a, trait.Active)
	off := known && !active
	unsafe := slices.ContainsFunc(v.Troubles, func(t wire.Trouble) bool { return t.Subject == a.ID && t.Code == "camera-unsafe" })
	c := Camera{ID: a.ID, Name: a.Name, Room: a.Room, Note: v.note(a), Private: private || off || unsafe}
	c.Reachable = c.Note == ""
	if c.Note != "" { // what to do stands above; here is room for a few words
		c.Note = v.state(a)
	}
	moving, _ := read(a, trait.Motion)
	switch {
	case private:
		c.Note = v.t.Text("tile.camera.private", nil)
	case off:
		c.Note = v.t.Text("tile.camera.off", nil)
	case unsafe:
		c.Note = v.t.Text("tile.camera.unsafe", nil)
	case c.Reachable && moving:
		c.Note = v.t.Text("tile.camera.motion", nil)
	}
	return c
}

func (v view) watch(a wire.Accessory) Watch {
	w := Watch{ID: a.ID, Name: a.Name, Note: v.note(a), Battery: -1, BatteryText: v.t.Text("tile.battery.unknown", nil)}
	if n, known := read(a, trait.Battery); known {
		w.Battery, w.BatteryText = n, v.t.Text("tile.battery", percent(n))
	}
	w.Place, w.Home = v.whereabouts(a.Person)
	if find, offered := a.Value(trait.Find.ID()); offered && find.Settable {
		w.Find = &Order{a.ID, wire.Do{Trait: trait.Find.ID(), Value: trait.Find.Set(true).JSON()}}
	}
	return w
}

// whereabouts says where somebody is, by the presence that is occupied.
func (v view) whereabouts(person string) (string, bool) {
	known := false
	for _, a := range v.sorted() {
		if a.Kind != "presence" || person == "" || a.Person != person {
			continue
		}
		in, reported := read(a, trait.Occupied)
		if in {
			return v.presence(a), true
		}
		known = known || reported
	}
	if known {
		return v.t.Text("tile.place.away", nil), false
	}
	return v.t.Text("tile.place.unknown", nil), false
}

// presence says that somebody is in a zone: "Mia at Home" is how the hub calls it in English.
func (v view) presence(a wire.Accessory) string {
	person := slices.IndexFunc(v.People, func(p wire.Person) bool { return p.ID == a.Person })
	zone := slices.IndexFunc(v.Zones, func(z wire.Zone) bool { return z.ID == a.Zone })
	if person < 0 || zone < 0 {
		return a.Name
	}
	return v.t.Text("tile.place.at", i18n.Args{"name": v.People[person].Name, "zone": v.Zones[zone].Name})
}

func (v view) toy(a wire.Accessory) Toy {
	t := Toy{ID: a.ID, Name: a.Name, Room: a.Room, Note: v.note(a), SpeedText: v.t.Text("tile.toy.rest", nil)}
	t.Reachable = t.Note == ""
	if n, _ := read(a, trait.Speed); n > 0 {
		t.Speed, t.SpeedText = n, v.t.Text("tile.toy.speed", percent(n))
	}
	return t
}

func (v view) switches(a wire.Accessory) []Switch {
	var list []Switch
	for _, t := range []trait.Trait[bool]{trait.Privacy, trait.StopAll, trait.QuietTime} {
		if offered, ok := a.Value(t.ID()); ok && offered.Settable {
			on, _ := read(a, t)
			list = append(list, Switch{ID: a.ID, Trait: t.ID(), Name: v.t.Text("trait."+t.ID(), nil), On: on})
		}
	}
	return list
}

// alarms lists what calls for help. The latched emergency decides; where an accessory has none, the
// event itself stands until the hub takes it back.
func (v view) alarms(a wire.Accessory) []Alarm {
	title, at := "", (*time.Time)(nil)
	for _, kind := range []struct {
		event trait.Trait[bool]
		text  string
	}{{trait.SOS, "tile.sos"}, {trait.Fall, "tile.sos.fall"}, {trait.Alarm, "tile.sos.alarm"}} {
		value, _ := a.Value(kind.event.ID())
		if on, _ := wire.Read(value, kind.event); on && (at == nil || value.At != nil && value.At.After(*at)) {
			title, at = kind.text, value.At
		}
	}
	latch, offered, on := v.latch(a)
	if offered {
		if !on {
			return nil
		}
		if title == "" {
			title = "tile.sos"
		}
		at = latch.at
	}
	if title == "" || a.Kind != "watch" && a.Person != "" && v.worn(a.Person) {
		return nil // the watch of this person shows it
	}
	alarm := Alarm{Title: v.t.Text(title, i18n.Args{"name": v.called(a)}), Seen: latch.seen}
	if at != nil {
		alarm.At = at.UTC()
		alarm.Since = v.t.Text("tile.sos.since", i18n.Args{"time": at.In(v.place).Format("15:04")})
	}
	return []Alarm{alarm}
}

type latched struct {
	at   *time.Time
	seen *Order
}

// latch finds the emergency of an accessory, or of the person who wears it.
func (v view) latch(of wire.Accessory) (l latched, offered, on bool) {
	for _, a := range v.Accessories {
		if a.ID != of.ID && (of.Person == "" || a.Person != of.Person) {
			continue
		}
		value, has := a.Value(trait.Emergency.ID())
		if !has {
			continue
		}
		offered = true
		if yes, _ := wire.Read(value, trait.Emergency); !yes {
			continue
		}
		l, on = latched{at: value.At}, true
		if value.Settable {
			l.seen = &Order{a.ID, wire.Do{Trait: trait.Emergency.ID(), Value: trait.Emergency.Set(false).JSON()}}
		}
	}
	return l, offered, on
}

func (v view) worn(person string) bool {
	for _, a := range v.Accessories {
		if a.Kind == "watch" && a.Person == person {
			return true
		}
	}
	return false
}

// called is the name of the person who wears it, or its own.
func (v view) called(a wire.Accessory) string {
	for _, p := range v.People {
		if p.ID == a.Person && p.ID != "" {
			return p.Name
		}
	}
	return a.Name
}
