package model

import (
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/i18n"
)

// Notice is what the system shows although nobody looks at the window.
type Notice struct{ Title, Text string }

// Notices are what a household wants to know at once, and which came with the new state: somebody
// calls for help, somebody rings, a watch fell silent. The first state a window sees tells nothing:
// what it has may be old.
func Notices(old, now wire.Snapshot, t *i18n.Texts, place *time.Location) []Notice {
	if len(old.Accessories) == 0 {
		return nil
	}
	before, v := view{old, t, place}, view{now, t, place}
	called := map[string]bool{}
	for _, a := range before.Accessories {
		for _, alarm := range before.alarms(a) {
			called[alarm.Title+alarm.Since] = true
		}
	}
	var list []Notice
	for _, a := range v.sorted() {
		for _, alarm := range v.alarms(a) {
			if !called[alarm.Title+alarm.Since] {
				list = append(list, Notice{alarm.Title, alarm.Since})
			}
		}
		was, known := before.find(a.ID)
		if !known {
			continue
		}
		if rang(a) != nil && (rang(was) == nil || rang(a).After(*rang(was))) {
			list = append(list, Notice{t.Text("app.notice.doorbell", i18n.Args{"name": a.Name}), ""})
		}
		if a.Kind == "watch" && before.note(was) == "" && v.note(a) != "" {
			list = append(list, Notice{t.Text("app.notice.silent", i18n.Args{"name": a.Name}), v.note(a)})
		}
	}
	return list
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
