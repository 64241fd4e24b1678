package e2e

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/AlexxIT/go2rtc/pkg/hap"
)

// TestCheck23HAPNodeJSKnowsEveryType has the definitions of HAP-NodeJS judge what the demo home and the
// benchmark bridge show: services, their characteristics, formats, permissions, limits and values.
func TestCheck23HAPNodeJSKnowsEveryType(t *testing.T) {
	if _, err := os.Stat("node_modules/@homebridge/hap-nodejs"); err != nil {
		t.Skip("HAP-NodeJS is not installed here: run `npm ci --ignore-scripts` in e2e, or `make test`")
	}
	d := startDemo(t, t.TempDir())
	for _, h := range append(d.HomeKit, startBench(t, 6, "").bridge) {
		paired, err := tryPair(h, h.SetupCode)
		if err != nil {
			t.Fatal(err)
		}
		status, raw := session(t, h, paired).ask(t, http.MethodGet, hap.PathAccessories, "")
		if status != http.StatusOK {
			t.Fatalf("%s: %d %s", h.Name, status, raw)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, "node", "judge.js")
		var said bytes.Buffer
		cmd.Stdin, cmd.Stderr = bytes.NewReader(raw), &said
		faults, err := cmd.Output()
		if err != nil {
			t.Fatalf("the judge: %v: %s", err, said.String())
		}
		for _, fault := range strings.Split(strings.TrimSpace(string(faults)), "\n") {
			if fault != "" {
				t.Errorf("%s: %s", h.Name, fault)
			}
		}
	}
}
