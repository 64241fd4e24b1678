package model

import (
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/i18n"
)

// Notice is what the system shows although nobody looks at the window.
type Notice struct{ Title, Text string }

// Crier says what a household wants to know at once, as the states of the home come: somebody calls for
// help, somebody rings, a watch fell silent. It says everything once. The first state tells nothing: what it
// has may be old. Nor does the first one after the line was lost say that a watch is silent: a hub that has
// just started has not heard of it yet.
type Crier struct {
	last wire.Snapshot
	lost bool
	told map[string]bool // calls and rings, by whose and when
}

// Lose says that the line to the hub was lost.
func (c *Crier) Lose() { c.lost = true }

// Take gives what came with a new state.
func (c *Crier) Take(now wire.Snapshot, t *i18n.Texts, place *time.Location) []Notice {
	first := c.told == nil
	if first {
		c.told = map[string]bool{}
	}
	before, v := view{c.last, t, place}, view{now, t, place}
	var list []Notice
	for _, a := range v.sorted() {
		for _, alarm := range v.alarms(a) {
			if c.news("call", a.ID, alarm.At) {
				list = append(list, Notice{alarm.Title, alarm.Since})
			}
		}
		if at := rang(a); at != nil && c.news("ring", a.ID, *at) {
			list = append(list, Notice{t.Text("app.notice.doorbell", i18n.Args{"name": a.Name}), ""})
		}
		was, known := before.find(a.ID)
		if a.Kind == "watch" && known && !c.lost && before.note(was) == "" && v.note(a) != "" {
			list = append(list, Notice{t.Text("app.notice.silent", i18n.Args{"name": a.Name}), v.note(a)})
		}
	}
	c.last, c.lost = now, false
	if first {
		return nil
	}
	return list
}

// news says whether something is told for the first time.
func (c *Crier) news(what, id string, at time.Time) bool {
	key := what + " " + id + " " + at.UTC().Format(time.RFC3339Nano)
	told := c.told[key]
	c.told[key] = true
	return !told
}

func (v view) find(id string) (wire.Accessory, bool) {
	for _, a := range v.Accessories {
		if a.ID == id {
			return a, true
		}
	}
	return wire.Accessory{}, false
}

func rang(a wire.Accessory) *time.Time {
	value, _ := a.Value(trait.Doorbell.ID())
	if on, _ := wire.Read(value, trait.Doorbell); !on {
		return nil
	}
	return value.At
}
