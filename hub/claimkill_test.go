package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/api/client"
	"github.com/ingle-home/ingle/hub/api/wire"
)

// A setup that is killed anywhere leaves a hub that nobody owns, or one that its password opens and
// that says that nobody has its recovery code.
func TestKilledSetup(t *testing.T) {
	t.Parallel()
	ends := map[bool]int{}
	for _, stage := range []string{"+setup-unfinished", "+keys.json", "+telemetry-1.db", "-setup-unfinished", "the answer"} {
		dir := shortDir(t)
		answer := killedAt(t, dir, stage)
		p, c := running(t, dir)
		unclaimed := p.ready.State == wire.Unclaimed
		ends[unclaimed]++
		if unclaimed && answer == nil {
			t.Fatalf("killed at %s, an answered setup is gone", stage)
		}
		if unclaimed {
			for _, e := range must[[]os.DirEntry](t)(os.ReadDir(dir)) {
				if !slices.Contains([]string{"hub.sock", "lock", "door.json"}, e.Name()) {
					t.Errorf("left of it: %s", e.Name())
				}
			}
			if _, err := c.Setup(t.Context(), password); err != nil {
				t.Fatalf("once more: %v", explain(err))
			}
		} else {
			getsACode(t, c)
		}
		p.kill()
	}
	t.Logf("%d undone, %d done", ends[true], ends[false])
}

// killedAt claims a hub and kills it when a file of dir is there ("+name"), is gone again ("-name"), or
// at the answer, which it gives.
func killedAt(t *testing.T, dir, stage string) error {
	t.Helper()
	p, c := running(t, dir)
	return killedWhile(p, dir, stage, func() error {
		_, err := c.Setup(t.Context(), password)
		return err
	})
}

// killedWhile has a hub do something, and kills it at a stage of that.
func killedWhile(p *process, dir, stage string, do func() error) error {
	defer p.kill()
	answered := make(chan error, 1)
	go func() { answered <- do() }()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for was := false; ; {
		select {
		case err := <-answered:
			return err
		case <-look.C:
		}
		_, err := os.Stat(filepath.Join(dir, stage[1:]))
		was = was || err == nil
		if stage[0] == '+' && err == nil || stage[0] == '-' && err != nil && was {
			return errors.New("none yet")
		}
	}
}

// getsACode: the owner is told that nobody has the recovery code, and makes one.
func getsACode(t *testing.T, c *client.Client) {
	t.Helper()
	ctx := t.Context()
	if err := c.Unlock(ctx, password); err != nil {
		t.Fatal(explain(err))
	}
	troubles := must[[]wire.Trouble](t)(c.Troubles(ctx))
	if !slices.ContainsFunc(troubles, func(t wire.Trouble) bool { return t.Code == "recovery-unseen" }) {
		t.Error("nobody has the recovery code, and nobody is told")
	}
	made := must[wire.RecoveryCode](t)(c.NewRecoveryCode(ctx, password))
	if err := c.ConfirmRecovery(ctx, made.RecoveryCode); err != nil {
		t.Error(explain(err))
	}
	if err := c.Unlock(ctx, made.RecoveryCode); err != nil {
		t.Errorf("by the new code: %v", explain(err))
	}
}
