package setracker_test

import (
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/devicetest"
	"github.com/ingle-home/ingle/accessories/setracker"
	"github.com/ingle-home/ingle/accessories/setracker/sim"
	"github.com/ingle-home/ingle/accessories/trait"
)

func TestConformance(t *testing.T) {
	devicetest.Run(t, devicetest.Suite{
		Driver: setracker.New(), Level: devicetest.Private, Quality: "quality.toml",
		Command: trait.Find.Set(true),
		Wrong:   func(c device.Config) device.Config { c.Address = "Mia's watch"; return c },
		Start: func(t *testing.T, w *devicetest.World) device.Config {
			door, err := w.Door("watch")
			if err != nil {
				t.Fatal(err)
			}
			watch, err := sim.Start(sim.Options{Hub: door, Repeat: 50 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = watch.Close() })
			if err := watch.Do(t.Context(), "sos", nil); err != nil { // with a position
				t.Fatal(err)
			}
			w.Plant(watch.Address(), "52.1", "5.2")
			return device.Config{Address: watch.Address()}
		},
	})
}
