package blueprint_test

import (
	"testing"

	blueprint "github.com/ingle-home/ingle/accessories/_blueprint"
	"github.com/ingle-home/ingle/accessories/_blueprint/sim"
	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/devicetest"
	"github.com/ingle-home/ingle/accessories/trait"
)

func TestConformance(t *testing.T) {
	devicetest.Run(t, devicetest.Suite{
		Driver: blueprint.New(), Level: devicetest.Private, Quality: "quality.toml",
		Command: trait.Speed.Set(50),
		Start: func(t *testing.T, _ *devicetest.World) device.Config {
			fan, err := sim.Start(sim.Options{Password: "conformance-breeze"})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = fan.Close() })
			return device.Config{
				Address: fan.Address(),
				Secret:  func(string) device.Secret { return device.NewSecret("conformance-breeze") },
			}
		},
	})
}
