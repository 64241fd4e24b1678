package model

import (
	"strconv"
	"strings"
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/i18n"
)

// Fact is one thing that is known, under its name.
type Fact struct{ Name, Value string }

// Line is a thing in the list of devices.
type Line struct {
	ID, Name, Detail, Kind string
	Well                   bool
}

// Room is the things in one room. Name is never empty.
type Room struct {
	Name  string
	Lines []Line
}

// Chart is the past of one number. There are at least two points.
type Chart struct {
	Name     string
	Points   []Point
	Low, Top string  // the scale
	Peak     float64 // what Top says, above 0
	From, To string
}

// Device is the screen of one thing.
type Device struct {
	ID, Name, Where, Note, Kind string
	Reachable                   bool
	Toy                         *Toy
	Find                        *Order
	Switches                    []Switch
	Camera                      *wire.Camera // what the household decided; nil for all but cameras
	Facts                       []Fact       // what it reports
	Label                       []Fact       // how it is reached
	Charts                      []Chart
}

// DevicesOf lists the things of the home by room; those that the hub derives are left out.
func DevicesOf(s wire.Snapshot, t *i18n.Texts, place *time.Location) []Room {
	v := view{s, t, place}
	var rooms []Room
	for _, a := range v.sorted() {
		if a.Driver == "" {
			continue
		}
		name := a.Room
		if name == "" {
			name = t.Text("app.devices.nowhere", nil)
		}
		if len(rooms) == 0 || rooms[len(rooms)-1].Name != name {
			rooms = append(rooms, Room{Name: name})
		}
		note := v.note(a)
		line := Line{ID: a.ID, Name: a.Name, Kind: a.Kind, Well: note == "", Detail: note}
		if line.Well {
			line.Detail = v.kind(a)
		}
		last := &rooms[len(rooms)-1]
		last.Lines = append(last.Lines, line)
	}
	return rooms
}

// DeviceOf is one thing; false when it is not in the home.
func DeviceOf(s wire.Snapshot, id string, past *Past, t *i18n.Texts, place *time.Location) (Device, bool) {
	v := view{s, t, place}
	for _, a := range s.Accessories {
		if a.ID == id {
			return v.device(a, past), true
		}
	}
	return Device{}, false
}

func (v view) device(a wire.Accessory, past *Past) Device {
	d := Device{ID: a.ID, Name: a.Name, Kind: a.Kind, Note: v.note(a), Where: v.kind(a)}
	d.Reachable = d.Note == ""
	if a.Room != "" {
		d.Where += " · " + a.Room
	}
	if who := v.called(a); who != a.Name {
		d.Where += " · " + who
	}
	switch a.Kind {
	case "toy":
		toy := v.toy(a)
		d.Toy = &toy
	case "camera":
		d.Camera = &wire.Camera{}
		if a.Camera != nil {
			*d.Camera = *a.Camera
		}
	}
	d.Find = v.watch(a).Find
	if value, ok := a.Value(trait.Active.ID()); ok && value.Settable {
		on, _ := read(a, trait.Active)
		d.Switches = append(d.Switches, Switch{ID: a.ID, Trait: trait.Active.ID(), Name: v.t.Text("trait.active", nil), On: on})
	}
	d.Facts, d.Label, d.Charts = v.facts(a), v.label(a), v.charts(a, past)
	return d
}

func (v view) kind(a wire.Accessory) string {
	if key := "accessory.kind." + a.Kind; v.t.Has(key) {
		return v.t.Text(key, nil)
	}
	return a.Kind
}

// facts are what it reported last, in the order of the vocabulary.
func (v view) facts(a wire.Accessory) []Fact {
	var list []Fact
	for _, t := range trait.All() {
		value, ok := a.Value(t.ID())
		key := "app.trait." + t.ID()
		if !ok || len(value.Value) == 0 || !v.t.Has(key) {
			continue
		}
		list = append(list, Fact{v.t.Text(key, nil), v.said(t, value)})
	}
	return list
}

func (v view) said(t trait.Any, value wire.Value) string {
	text := strings.Trim(string(value.Value), `"`)
	switch {
	case text == "true":
		text = v.t.Text("app.yes", nil)
	case text == "false":
		text = v.t.Text("app.no", nil)
	case t.Unit() == trait.Percent:
		text = v.t.Text("app.percent", i18n.Args{"n": text})
	case t == trait.Where.Any():
		place, _ := wire.Read(value, trait.Where)
		text = v.t.Text("app.device.near", i18n.Args{"metres": strconv.Itoa(int(place.Accuracy))})
	}
	if value.At != nil {
		text += " · " + v.when(*value.At)
	}
	return text
}

func (v view) when(at time.Time) string { return When(at, v.place, v.t) }

// When is a time as the language writes it: the day and the hour, in place.
func When(at time.Time, place *time.Location, t *i18n.Texts) string {
	return t.Moment(at.In(place))
}

// label is how a thing is reached. How safe it is stands in its label, which the hub makes.
func (v view) label(a wire.Accessory) []Fact {
	word := func(key string) string { return v.t.Text("app.label."+key, nil) }
	list := []Fact{{word("driver"), a.Driver}, {word("line"), v.line(a)}}
	where := word("homekit.bridge")
	switch {
	case a.Private:
		where = word("homekit.private")
	case a.Alone:
		where = word("homekit.alone")
	}
	return append(list, Fact{word("homekit"), where})
}

func (v view) line(a wire.Accessory) string {
	if a.Condition.State == "open" && a.Condition.Code == "" {
		return v.t.Text("accessory.state.open", nil)
	}
	return v.state(a)
}

func (v view) charts(a wire.Accessory, past *Past) []Chart {
	var list []Chart
	for _, t := range numeric() {
		points := past.Numbers(a.ID, t.ID())
		if len(points) < 2 {
			continue
		}
		c := Chart{Name: v.t.Text("app.trait."+t.ID(), nil), Points: points, Low: "0", Peak: 100, Top: v.t.Text("app.percent", i18n.Args{"n": "100"}),
			From: v.when(points[0].At), To: v.when(points[len(points)-1].At)}
		if t.Any().Unit() != trait.Percent {
			top := peak(points)
			c.Peak, c.Top = max(1, top), strconv.Itoa(int(top))
		}
		list = append(list, c)
	}
	return list
}

func peak(points []Point) float64 {
	var top float64
	for _, p := range points {
		top = max(top, p.Value)
	}
	return top
}
