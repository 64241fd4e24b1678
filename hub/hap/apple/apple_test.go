package apple_test

import (
	"context"
	"fmt"
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

// TestDefinitionsCanBePublished: Apple's services, as they are copied, break none
// of the rules that a server has for what it publishes.
func TestDefinitionsCanBePublished(t *testing.T) {
	server, err := hap.New(t.Context(), hap.Options{Name: "Ingle", Model: "Hub", Memory: &memory{}})
	if err != nil {
		t.Fatal(err)
	}
	version := service.NewProtocolInformation()
	accessories := []*hap.Accessory{accessory(t, 1, version.S)}
	for i, s := range []*service.S{
		service.NewAccessoryRuntimeInformation().S, service.NewAirPurifier().S, service.NewAirQualitySensor().S, service.NewBatteryService().S,
		service.NewCameraControl().S, service.NewCameraRTPStreamManagement().S, service.NewCameraRecordingManagement().S, service.NewCarbonDioxideSensor().S,
		service.NewCarbonMonoxideSensor().S, service.NewColoredLightbulb().S, service.NewContactSensor().S, service.NewCooler().S,
		service.NewDehumidifier().S, service.NewDoor().S, service.NewDoorbell().S, service.NewFan().S, service.NewFanV2().S, service.NewFaucet().S,
		service.NewFilterMaintenance().S, service.NewGarageDoorOpener().S, service.NewHeater().S, service.NewHeaterCooler().S, service.NewHumidifier().S,
		service.NewHumidifierDehumidifier().S, service.NewHumiditySensor().S, service.NewInputSource().S, service.NewIrrigationSystem().S,
		service.NewLeakSensor().S, service.NewLightSensor().S, service.NewLightbulb().S, service.NewLockManagement().S, service.NewLockMechanism().S,
		service.NewMicrophone().S, service.NewMotionSensor().S, service.NewOccupancySensor().S, service.NewOutlet().S, service.NewSecuritySystem().S,
		service.NewServiceLabel().S, service.NewSlat().S, service.NewSmokeSensor().S, service.NewSpeaker().S, service.NewStatelessProgrammableSwitch().S,
		service.NewSwitch().S, service.NewTelevision().S, service.NewTemperatureSensor().S, service.NewThermostat().S, service.NewValve().S,
		service.NewWindow().S, service.NewWindowCovering().S,
	} {
		accessories = append(accessories, accessory(t, uint64(i+2), s))
	}
	if err := server.Publish(t.Context(), accessories...); err != nil {
		t.Error(err)
	}
}

// accessory has one service besides what it says about itself.
func accessory(t *testing.T, aid uint64, s *service.S) *hap.Accessory {
	t.Helper()
	about := apple.Service(service.NewAccessoryInformation().S)
	a := &hap.Accessory{AID: aid, Services: []*hap.Service{about, apple.Service(s)}}
	iid := uint64(0)
	for _, s := range a.Services {
		iid++
		s.IID = iid
		for _, c := range s.Characteristics {
			iid++
			c.IID = iid
			if c.Format == hap.FormatString {
				if err := c.Set(hap.String(fmt.Sprintf("1.0.%d", aid))); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	return a
}

// memory forgets everything.
type memory struct{}

func (memory) Load(context.Context) (hap.State, error) { return hap.State{}, hap.ErrNoState }
func (memory) Save(context.Context, hap.State) error   { return nil }
