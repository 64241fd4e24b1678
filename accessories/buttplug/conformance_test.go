package buttplug_test

import (
	"testing"

	"github.com/ingle-home/ingle/accessories/buttplug"
	"github.com/ingle-home/ingle/accessories/buttplug/sim"
	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/devicetest"
	"github.com/ingle-home/ingle/accessories/trait"
)

func TestConformance(t *testing.T) {
	bothVersions(t, func(t *testing.T, version int) {
		devicetest.Run(t, devicetest.Suite{
			Driver: buttplug.New(),
			Level:  devicetest.Private,
			Start: func(t *testing.T, w *devicetest.World) device.Config {
				w.Plant("Rocket") // what a toy is called is nothing for a log
				return device.Config{Address: start(t, sim.Options{Versions: []int{version}}).Address()}
			},
			Command: trait.Speed.Set(50),
			Quality: "quality.toml",
		})
	})
}
