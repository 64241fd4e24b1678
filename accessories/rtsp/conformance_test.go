package rtsp_test

import (
	"testing"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/devicetest"
	"github.com/ingle-home/ingle/accessories/rtsp"
	"github.com/ingle-home/ingle/accessories/rtsp/sim"
)

func TestConformance(t *testing.T) {
	devicetest.Run(t, devicetest.Suite{
		Driver: rtsp.New(), Level: devicetest.Private, Quality: "quality.toml",
		Start: func(t *testing.T, w *devicetest.World) device.Config {
			w.Plant("porch-light", "/live") // the path may be a secret of its own
			return config(camera(t, sim.Options{}).Address(), "hub", "porch-light")
		},
	})
}
