package rtsp_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/devicetest"
	"github.com/ingle-home/ingle/accessories/rtsp"
	"github.com/ingle-home/ingle/accessories/rtsp/sim"
)

// TestConformance judges the findings itself: devicetest.Run reports also those of exempt checks.
func TestConformance(t *testing.T) {
	var quality map[string]string
	if _, err := toml.DecodeFile("quality.toml", &quality); err != nil {
		t.Fatal(err)
	}
	found, ran := devicetest.Findings(t, devicetest.Suite{
		Driver: rtsp.New(),
		Level:  devicetest.Private,
		Start: func(t *testing.T, _ *devicetest.World) device.Config {
			return config(camera(t, sim.Options{}).Address(), "hub", "porch-light")
		},
	})
	for _, f := range found {
		if strings.HasPrefix(quality[f.Check], "exempt: ") {
			t.Log("exempt: ", f)
			continue
		}
		t.Error(f)
	}
	for _, name := range ran {
		if quality[name] == "" {
			t.Errorf("quality.toml does not name %s", name)
		}
	}
	for name, word := range quality {
		if word == "done" && !slices.Contains(ran, name) {
			t.Errorf("%s is said to be done and did not run", name)
		}
	}
}
