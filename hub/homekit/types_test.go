package homekit_test

import (
	"testing"

	"github.com/brutella/hap/characteristic"
	"github.com/brutella/hap/service"

	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/hap/apple"
)

// TestTypesAreApples compares every characteristic that is shown with the definitions that others
// have written down. What is left out there is a choice of this house, and stands in the table.
func TestTypesAreApples(t *testing.T) {
	w := newWorld(t, &paper{})
	w.show(family(), offers())
	services := map[string]*hap.Service{}
	for _, s := range []*service.S{
		service.NewAccessoryInformation().S, service.NewSwitch().S, service.NewMotionSensor().S, service.NewOccupancySensor().S,
		service.NewStatelessProgrammableSwitch().S, service.NewBatteryService().S, service.NewFanV2().S, service.NewProtocolInformation().S,
		service.NewDoorbell().S,
	} {
		services[s.Type] = apple.Service(s)
	}
	extra := map[string]*hap.Characteristic{}
	for _, c := range []*characteristic.C{
		characteristic.NewConfiguredName().C, characteristic.NewStatusActive().C, characteristic.NewStatusFault().C, characteristic.NewRotationSpeed().C,
		characteristic.NewFirmwareRevision().C,
	} {
		extra[c.Type] = apple.Characteristic(c)
	}
	for _, server := range w.servers {
		for _, a := range server.Accessories {
			for _, s := range a.Services {
				if s.Type == "110" || s.Type == "21A" {
					continue // a camera's own, and newer than the library: its test knows it
				}
				if services[s.Type] == nil {
					t.Fatalf("nobody else knows service %s", s.Type)
				}
				compare(t, s, services[s.Type], extra)
			}
		}
	}
}

func compare(t *testing.T, s, others *hap.Service, extra map[string]*hap.Characteristic) {
	t.Helper()
	const chargingState = "8F" // required once, optional since; no watch or toy tells it
	for _, c := range others.Characteristics {
		if s.Characteristic(c.Type) == nil && c.Type != chargingState {
			t.Errorf("service %s lacks %s", s.Type, c.Type)
		}
	}
	for _, c := range s.Characteristics {
		want := others.Characteristic(c.Type)
		if want == nil {
			want = extra[c.Type]
		}
		switch {
		case want == nil:
			t.Errorf("service %s has an unknown %s", s.Type, c.Type)
		case c.Format != want.Format || c.Perms != want.Perms || c.Unit != want.Unit:
			t.Errorf("%s/%s is %s %b %q, others say %s %b %q", s.Type, c.Type, c.Format, c.Perms, c.Unit, want.Format, want.Perms, want.Unit)
		case !want.Max.Null() && (c.Max.Float() != want.Max.Float() || c.Min.Float() != want.Min.Float()):
			t.Errorf("%s/%s is %s to %s, others say %s to %s", s.Type, c.Type, c.Min, c.Max, want.Min, want.Max)
		}
	}
}
