// Package model says what each screen shows: it turns the hub's state into words and numbers, in the
// language of the household. It knows no window and no network.
package model

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/i18n"
)

// Home is the home screen.
type Home struct {
	Summary  string // one line: all is well, or how much is not
	Well     bool
	Left     string   // how much left the home today; empty where the hub did not say
	Advice   []string // what is wrong and what to do, the most severe first
	Alarms   []Alarm
	Cameras  []Camera
	Watches  []Watch
	Toys     []Toy
	Switches []Switch
}

// Empty says that there is nothing to show yet.
func (h Home) Empty() bool { return len(h.Cameras)+len(h.Watches)+len(h.Toys) == 0 }

// Order is a command that a button sends.
type Order struct {
	Accessory string
	Do        wire.Do
}

// Alarm is a call for help that nobody has answered.
type Alarm struct {
	Title string
	Since string
	At    time.Time // of the call; zero: not known
	Seen  *Order    // ends it; nil where the hub takes no answer
}

// Camera is a camera's tile. Note is empty when all is well.
type Camera struct {
	ID, Name, Room, Note string
	Reachable            bool
	Private              bool // Privacy is on, it is switched off, or others know its password: there is no picture
}

// Watch is the tile of a watch and of the person who wears it.
type Watch struct {
	ID, Name, Note string
	Place          string
	Home           bool // in one of the household's zones
	Battery        int  // percent; -1 is not known
	BatteryText    string
	Find           *Order
}

// Toy is a toy's tile. Speed is in percent.
type Toy struct {
	ID, Name, Room, Note string
	Reachable            bool
	Speed                int
	SpeedText            string
}

// Switch is one of the hub's own switches.
type Switch struct {
	ID, Trait, Name string
	On              bool
}

// Of gives the home screen of a snapshot. Times are shown in the zone of place.
func Of(s wire.Snapshot, t *i18n.Texts, place *time.Location) Home {
	v := view{s, t, place}
	h := Home{Well: len(s.Troubles) == 0, Summary: t.Text("home.all-well", nil)}
	if !h.Well {
		h.Summary = t.Count("home.troubles", len(s.Troubles))
	}
	for _, trouble := range s.Troubles {
		h.Advice = append(h.Advice, v.advice(trouble))
	}
	if traffic := s.Status.Traffic; traffic != nil {
		h.Left = t.Text("app.left-home", i18n.Args{"size": t.Size(traffic.Outside), "time": v.when(traffic.Since)})
	}
	private := v.private()
	for _, a := range v.sorted() {
		h.Alarms = append(h.Alarms, v.alarms(a)...)
		h.Switches = append(h.Switches, v.switches(a)...)
		switch a.Kind {
		case "camera":
			h.Cameras = append(h.Cameras, v.camera(a, private))
		case "watch":
			h.Watches = append(h.Watches, v.watch(a))
		case "toy":
			h.Toys = append(h.Toys, v.toy(a))
		}
	}
	if h.Well && len(h.Alarms) > 0 { // nothing is well while somebody calls for help
		h.Well, h.Summary = false, ""
	}
	return h
}

// Speed is the order that sets a toy's speed in percent; 0 stops it.
func Speed(id string, percent int) Order {
	return Order{id, wire.Do{Trait: trait.Speed.ID(), Value: trait.Speed.Set(percent).JSON()}}
}

// Turn is the order that sets one of the hub's switches.
func Turn(s Switch, on bool) Order {
	return Order{s.ID, wire.Do{Trait: s.Trait, Value: trait.Privacy.Set(on).JSON()}}
}

// Age says how old a picture is that is not live.
func Age(d time.Duration, t *i18n.Texts) string {
	switch {
	case d < time.Minute:
		return t.Count("tile.camera.seconds", int(d/time.Second))
	case d < time.Hour:
		return t.Count("tile.camera.minutes", int(d/time.Minute))
	case d < 24*time.Hour:
		return t.Count("tile.camera.hours", int(d/time.Hour))
	}
	return t.Count("tile.camera.days", int(d/(24*time.Hour)))
}

// Problem says in words what an error means and what to do.
func Problem(err error, t *i18n.Texts) string {
	var p *wire.Problem
	if errors.As(err, &p) && t.Has(p.Code) {
		return t.Advice(p.Code, p.Args)
	}
	return t.Advice(wire.CodeInternal, nil)
}

type view struct {
	wire.Snapshot
	t     *i18n.Texts
	place *time.Location
}

// sorted keeps a tile where it is, whatever is reported: by room and name.
func (v view) sorted() []wire.Accessory {
	return slices.SortedStableFunc(slices.Values(v.Accessories), func(a, b wire.Accessory) int {
		if c := strings.Compare(a.Room, b.Room); c != 0 {
			return c
		}
		return strings.Compare(a.Name, b.Name)
	})
}

// note says why an accessory cannot be used; empty when it can.
func (v view) note(a wire.Accessory) string {
	if a.Condition.State == "open" && reachable(a) {
		return ""
	}
	if key := "health." + a.Condition.Code; a.Condition.Code != "" && v.t.Has(key) {
		return v.t.Text(key, i18n.Args{"name": a.Name})
	}
	return v.state(a)
}

// state is where the line to an accessory stands, in a word or two.
func (v view) state(a wire.Accessory) string {
	key := "accessory.state." + a.Condition.State
	switch {
	case a.Condition.Code == "accessory-login":
		key = "tile.camera.login"
	case a.Condition.State == "open" || !v.t.Has(key):
		key = "accessory.state.waiting"
	}
	return v.t.Text(key, nil)
}

// reachable is true unless the accessory was reported away.
func reachable(a wire.Accessory) bool {
	yes, known := read(a, trait.Reachable)
	return yes || !known
}

func read[T any](a wire.Accessory, t trait.Trait[T]) (T, bool) {
	v, _ := a.Value(t.ID())
	return wire.Read(v, t)
}

func (v view) advice(trouble wire.Trouble) string {
	args := v.args(trouble)
	key := "health." + trouble.Code
	if !v.t.Has(key) {
		return args["name"] + ": " + v.t.Text("accessory.state.refused", nil)
	}
	return v.t.Advice(key, args)
}

func (v view) args(trouble wire.Trouble) i18n.Args {
	args := i18n.Args{"name": v.t.Text("home.title", nil)}
	if a, ok := v.find(trouble.Subject); ok {
		args["name"] = a.Name
	}
	for name, value := range trouble.Args {
		if _, taken := args[name]; !taken {
			args[name] = value
		}
	}
	return args
}

func (v view) private() bool {
	for _, a := range v.Accessories {
		if on, _ := read(a, trait.Privacy); on {
			return true
		}
	}
	return false
}

func percent(n int) i18n.Args { return i18n.Args{"percent": strconv.Itoa(n)} }
