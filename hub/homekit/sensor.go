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
// switches, which stays on until the alarm is answered, and a button for automations.
func (h *House) emergency(t *thing) []*hap.Service {
	moving, state, press := flag(typeMotion, shows), newHealth(), button()
	t.worn = state.show
	t.pressed = []*hap.Characteristic{press}
	t.hear = func(r trait.Reading) {
		if on, ok := trait.Emergency.In(r); ok {
			_ = moving.Set(hap.Bool(on)) // a bool always fits
		}
	}
	alarm := service(serviceMotion, moving, state.active, state.fault)
	alarm.Primary = true
	return []*hap.Service{
		h.named(t.plan, alarm, t.plan.name),
		h.named(t.plan, service(serviceProgrammable, press), joined(t.plan.name, " Button")),
	}
}
