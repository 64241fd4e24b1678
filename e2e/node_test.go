package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"testing"
	"time"
)

// TestASecondController goes through the demo home with npm's hap-controller, which pads its SRP
// values where go2rtc strips them.
func TestASecondController(t *testing.T) {
	if _, err := os.Stat("node_modules/hap-controller"); err != nil {
		t.Skip("npm's hap-controller is not installed here: run `npm ci` in e2e, or `make test`")
	}
	d := startDemo(t, t.TempDir())
	bridge := d.server(t, "bridge")
	order, err := json.Marshal(map[string]any{"id": bridge.DeviceID, "port": bridge.Port, "code": bridge.SetupCode, "control": d.Control})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", "controller.js", string(order))
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("the controller: %v: %s", err, said.String())
	}
	var seen struct {
		Accessories  int   `json:"accessories"`
		Speed        int   `json:"speed"`
		Motor        motor `json:"motor"`
		Event        any   `json:"event"`
		Milliseconds int   `json:"milliseconds"`
		Pairings     bool  `json:"pairings"`
		Removed      bool  `json:"removed"`
	}
	if err := json.Unmarshal(out, &seen); err != nil {
		t.Fatalf("the controller said %q: %v", out, err)
	}
	t.Logf("the second controller saw %s", out)
	if seen.Accessories < 8 || seen.Speed != 50 || seen.Motor.Level != 0.5 || !seen.Pairings || !seen.Removed {
		t.Errorf("the second controller saw %+v", seen)
	}
	if on := seen.Event == true || seen.Event == float64(1); !on || seen.Milliseconds > 300 {
		t.Errorf("the SOS came as %v after %d ms", seen.Event, seen.Milliseconds)
	}
	status := d.now(t)
	if again := pair(t, status.server(t, "bridge")); again == nil {
		t.Error("after the last controller left, the bridge cannot be paired again")
	}
}
