package apple_test

import (
	"slices"
	"testing"

	"github.com/brutella/hap/characteristic"
	"github.com/brutella/hap/service"

	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/hap/apple"
)

func TestServiceCopiesDefinition(t *testing.T) {
	s := service.NewThermostat()
	s.Primary = true
	got := apple.Service(s.S)
	if got.Type != "4A" || !got.Primary || len(got.Characteristics) != len(s.Cs) {
		t.Fatalf("service: %+v", got)
	}
	target := got.Characteristic("35") // TargetTemperature
	if target.Format != hap.FormatFloat || target.Unit != "celsius" || target.Min != hap.Float(10) ||
		target.Max != hap.Float(38) || target.Step != hap.Float(0.1) {
		t.Errorf("target temperature: %+v", target)
	}
	if want := hap.PermRead | hap.PermWrite | hap.PermEvents; target.Perms != want {
		t.Errorf("permissions %b, want %b", target.Perms, want)
	}
}

func TestIntHasItsName(t *testing.T) {
	if f := apple.Characteristic(characteristic.NewBrightness().C).Format; f.String() != "int" {
		t.Errorf("brightness is %q", f)
	}
}

// TestCorrections has one case for each definition that is put right.
func TestCorrections(t *testing.T) {
	for name, test := range map[string]struct {
		from *characteristic.C
		ok   func(*hap.Characteristic) bool
	}{
		"frost": {characteristic.NewCurrentTemperature().C, func(c *hap.Characteristic) bool {
			return c.Set(hap.Float(-19.5)) == nil
		}},
		"color temperature": {characteristic.NewColorTemperature().C, func(c *hap.Characteristic) bool {
			return c.Format == hap.FormatInt && c.Min == hap.Int(140)
		}},
		"image rotation": {characteristic.NewImageRotation().C, func(c *hap.Characteristic) bool {
			return c.Format == hap.FormatInt && c.Set(hap.Int(360)) == nil && c.Unit == "arcdegrees"
		}},
		"picture mode": {characteristic.NewPictureMode().C, func(c *hap.Characteristic) bool {
			return c.Format == hap.FormatUint8 && c.Max == hap.Int(13)
		}},
		"night vision": {characteristic.NewNightVision().C, func(c *hap.Characteristic) bool {
			return c.Perms&hap.PermTimed != 0
		}},
		"version": {characteristic.NewVersion().C, func(c *hap.Characteristic) bool {
			return c.Perms == hap.PermRead
		}},
		"current visibility": {characteristic.NewCurrentVisibilityState().C, func(c *hap.Characteristic) bool {
			return c.Set(hap.Int(2)) != nil && c.Set(hap.Int(1)) == nil
		}},
		"target visibility": {characteristic.NewTargetVisibilityState().C, func(c *hap.Characteristic) bool {
			return c.Set(hap.Int(2)) != nil && c.Set(hap.Int(1)) == nil
		}},
	} {
		if c := apple.Characteristic(test.from); !test.ok(c) {
			t.Errorf("%s: %+v", name, c)
		}
	}
}

// TestEveryFormatIsKnown walks over services that between them use every format
// of the library.
func TestEveryFormatIsKnown(t *testing.T) {
	var formats []hap.Format
	for _, s := range []*service.S{
		service.NewAccessoryInformation().S, service.NewCameraRTPStreamManagement().S, service.NewThermostat().S,
		service.NewLightbulb().S, service.NewTelevision().S, service.NewWindowCovering().S, service.NewLightSensor().S,
		service.NewValve().S, service.NewIrrigationSystem().S, service.NewCameraRecordingManagement().S,
	} {
		for _, c := range apple.Service(s).Characteristics {
			if c.Format == 0 || c.Perms == 0 {
				t.Errorf("service %s: characteristic %s has format %q, permissions %b", s.Type, c.Type, c.Format, c.Perms)
			}
			formats = append(formats, c.Format)
		}
	}
	for _, f := range []hap.Format{hap.FormatBool, hap.FormatUint8, hap.FormatUint32, hap.FormatFloat, hap.FormatString, hap.FormatTLV8} {
		if !slices.Contains(formats, f) {
			t.Errorf("no characteristic with format %s was looked at", f)
		}
	}
}
