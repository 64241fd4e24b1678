package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/api/wire"
)

// A setup that is killed anywhere leaves a hub that nobody owns, or one that its password opens and
// that says that nobody has its recovery code.
func TestKilledSetup(t *testing.T) {
	t.Parallel()
	ends := map[string]int{}
	for _, stage := range []string{"+setup-unfinished", "+keys.json", "+telemetry-1.db", "-setup-unfinished", "the answer"} {
		dir := shortDir(t)
		p, c := running(t, dir)
		answered := make(chan error, 1)
		go func() {
			_, err := c.Setup(t.Context(), password)
			answered <- err
		}()
		answer := errors.New("none yet")
		seen := false
		for look := time.NewTicker(time.Millisecond); ; {
			select {
			case answer = <-answered:
			case <-look.C:
				_, err := os.Stat(filepath.Join(dir, stage[1:]))
				seen = seen || err == nil
				if stage[0] == '+' && err != nil || stage[0] == '-' && (err == nil || !seen) || stage == "the answer" {
					continue
				}
			}
			look.Stop()
			break
		}
		p.kill()
		p, c = running(t, dir)
		if p.ready.State == wire.Unclaimed {
			if answer == nil {
				t.Fatalf("killed at %s, an answered setup is gone", stage)
			}
			ends["undone"]++
			for _, e := range must[[]os.DirEntry](t)(os.ReadDir(dir)) {
				if !slices.Contains([]string{"hub.sock", "lock"}, e.Name()) {
					t.Errorf("left of it: %s", e.Name())
				}
			}
			if _, err := c.Setup(t.Context(), password); err != nil {
				t.Fatalf("once more: %v", explain(err))
			}
			continue
		}
		ends["done"]++
		if err := c.Unlock(t.Context(), password); err != nil {
			t.Fatal(explain(err))
		}
		troubles := must[[]wire.Trouble](t)(c.Troubles(t.Context()))
		if !slices.ContainsFunc(troubles, func(t wire.Trouble) bool { return t.Code == "recovery-unseen" }) {
			t.Error("nobody has the recovery code, and nobody is told")
		}
		made := must[wire.RecoveryCode](t)(c.NewRecoveryCode(t.Context(), password))
		if err := c.ConfirmRecovery(t.Context(), made.RecoveryCode); err != nil {
			t.Error(explain(err))
		}
		if err := c.Unlock(t.Context(), made.RecoveryCode); err != nil {
			t.Errorf("by the new code: %v", explain(err))
		}
		p.kill()
	}
	t.Log(ends)
}
