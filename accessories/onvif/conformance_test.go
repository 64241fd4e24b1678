package onvif_test

import (
	"testing"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/devicetest"
	"github.com/ingle-home/ingle/accessories/onvif"
	"github.com/ingle-home/ingle/accessories/onvif/sim"
)

// It counts goroutines, so it runs beside no other test.
func TestConformance(t *testing.T) {
	for name, o := range map[string]sim.Options{
		"token":  {Doorbell: true, Recordings: 2},
		"digest": {Digest: "SHA-256", Speaker: true, WrongHost: "192.0.2.77"},
	} {
		t.Run(name, func(t *testing.T) {
			devicetest.Run(t, devicetest.Suite{
				Driver: onvif.New(), Level: devicetest.Private, Quality: "quality.toml",
				Start: func(t *testing.T, w *devicetest.World) device.Config {
					c := camera(t, o)
					w.Answers(c.ProbeAddress())
					w.Plant("porch-light", "/live", "Porch") // a path may be a secret of its own
					cfg := usual(c)
					cfg.Net, cfg.Log, cfg.Now = nil, nil, nil // the suite's
					return cfg
				},
			})
		})
	}
}
