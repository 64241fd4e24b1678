package homekit

import (
	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/hap"
)

// health is what a sensor says about itself while its value stays: silence is not absence.
type health struct{ active, fault *hap.Characteristic }

func newHealth() health {
	s := health{flag(typeStatusActive, shows), level(typeStatusFault, shows, 1)}
	s.show(false) // until it is heard
	return s
}

func (s health) show(well bool) {
	_ = s.active.Set(hap.Bool(well)) // both always fit
	_ = s.fault.Set(digit(!well))
}

// occupancy is a person in a zone.
func occupancy(t *thing) []*hap.Service {
	detected, state := level(typeOccupancy, shows, 1), newHealth()
	_ = detected.Set(digit(false)) // 0 and 1 always fit
	t.worn = state.show
	t.hear = func(r trait.Reading) {
		if in, ok := trait.Occupied.In(r); ok {
			_ = detected.Set(digit(in))
		}
	}
	return []*hap.Service{service(serviceOccupancy, detected, state.active, state.fault)}
}

// emergency is a person's alarm: a motion sensor, since controllers notify of motion and not of
// switches, which stays on until the alarm is answered, and buttons for automations.
func (h *House) emergency(t *thing) []*hap.Service {
	moving, state := flag(typeMotion, shows), newHealth()
	t.worn = state.show
	t.hear = func(r trait.Reading) {
		if on, ok := trait.Emergency.In(r); ok {
			_ = moving.Set(hap.Bool(on)) // a bool always fits
		}
	}
	alarm := service(serviceMotion, moving, state.active, state.fault)
	alarm.Primary = true
	presses := []press{{trait.SOS.Any(), " " + t.plan.words.Button}}
	if t.plan.falls {
		presses = append(presses, press{trait.Fall.Any(), " " + t.plan.words.Fall})
	}
	return append([]*hap.Service{h.named(t.plan, alarm, t.plan.name)}, h.buttons(t, presses...)...)
}

// press is what presses a button, and the word that tells it from the others.
type press struct {
	of   trait.Any
	word string
}

// buttons are an accessory's ways to be pressed. Several are numbered in their order, which a label
// tells controllers: they show "Button 1" and "Button 2". A single one needs none.
func (h *House) buttons(t *thing, presses ...press) []*hap.Service {
	t.pressed = map[trait.Any]*hap.Characteristic{}
	var all []*hap.Service
	for i, p := range presses {
		pressed := button()
		t.pressed[p.of] = pressed
		s := service(serviceProgrammable, pressed)
		if len(presses) > 1 {
			s.Characteristics = append(s.Characteristics, fixed(typeLabelIndex, int64(i+1), 1, 255))
		}
		all = append(all, h.named(t.plan, s, joined(t.plan.name, p.word)))
	}
	if len(all) == 1 {
		return all
	}
	const numbers = 1 // and not dots
	label := service(serviceLabel, fixed(typeLabelNames, numbers, 0, 1))
	label.Linked = all
	return append(all[:len(all):len(all)], label)
}
