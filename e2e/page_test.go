package e2e

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestThePlainPage goes through the page in Chromium, as somebody on a phone and with a screen reader does:
// see page.js. INGLE_PAGE_SHOTS names a folder for what it looked like.
func TestThePlainPage(t *testing.T) {
	chromium := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil && chromium == "" {
			chromium = path
		}
	}
	if chromium == "" {
		t.Skip("Chromium is not installed here: `make test` installs it")
	}
	if _, err := os.Stat("node_modules/playwright-core"); err != nil {
		t.Skip("playwright-core is not installed here: run `npm ci --ignore-scripts` in e2e, or `make test`")
	}
	d := startDemo(t, t.TempDir())
	if said := d.run(t, "", "page", "show"); !strings.Contains(said, "is off") {
		t.Errorf("at first: %s", said)
	}
	var at struct{ Address, Fingerprint string }
	if err := json.Unmarshal([]byte(d.run(t, "", "page", "on", "--json")), &at); err != nil {
		t.Fatal(err)
	}
	if got := fingerprint(t, at.Address); got != at.Fingerprint {
		t.Errorf("the hub says %s, it shows %s", at.Fingerprint, got)
	}
	d.seen(t) // that the hub listens at another port is an alert until somebody has seen to it
	shots := os.Getenv("INGLE_PAGE_SHOTS")
	if shots == "" {
		shots = t.TempDir()
	}
	var uris []string
	for _, h := range d.HomeKit {
		uris = append(uris, h.SetupURI)
	}
	given, err := json.Marshal(map[string]any{"page": at.Address, "password": d.Password, "control": d.Control, "uris": uris, "shots": shots, "chromium": chromium})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", "page.js", string(given))
	var complaint strings.Builder
	cmd.Stderr = &complaint
	faults, err := cmd.Output()
	if err != nil {
		t.Fatalf("the browser: %v: %s", err, complaint.String())
	}
	for fault := range strings.Lines(string(faults)) {
		t.Error(strings.TrimSpace(fault))
	}
	d.run(t, "", "page", "off")
	if c, err := tls.Dial("tcp", strings.TrimPrefix(at.Address, "https://"), &tls.Config{InsecureSkipVerify: true}); err == nil {
		_ = c.Close()
		t.Error("it listens though it is off")
	}
}

// fingerprint is what a browser says of the certificate.
func fingerprint(t *testing.T, page string) string {
	t.Helper()
	c, err := tls.Dial("tcp", strings.TrimPrefix(page, "https://"), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	sum := sha256.Sum256(c.ConnectionState().PeerCertificates[0].Raw)
	return strings.ReplaceAll(fmt.Sprintf("% X", sum), " ", ":")
}

// seen says of every alert that somebody has seen to it.
func (d *demo) seen(t *testing.T) {
	t.Helper()
	until(t, 20*time.Second, "the new listener is an alert", func() bool {
		var log struct {
			Alerts []struct {
				ID string `json:"id"`
			} `json:"alerts"`
		}
		if err := json.Unmarshal([]byte(d.run(t, "", "security", "--json")), &log); err != nil {
			t.Fatal(err)
		}
		for _, a := range log.Alerts {
			d.run(t, "", "security", "seen", a.ID)
		}
		return len(log.Alerts) > 0
	})
}
