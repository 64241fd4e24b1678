package keys_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"testing"

	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/keys"
	"github.com/ingle-home/ingle/storage/cuttest"
	"github.com/ingle-home/ingle/storage/vault"
)

func TestMain(m *testing.M) {
	cuttest.Begin(setUpWhileCut, judgeSetup)
	os.Exit(m.Run())
}

// setup is what holds of one: the recovery code once it counts, and what it may be before.
type setup struct{ Code, Soon string }

// setUpWhileCut leaves a setup unsettled, undoes it at the next start, and sets up once more.
func setUpWhileCut(t cuttest.Teller, dir, _ string) error {
	var now setup
	for n := range 2 {
		if err := t.Say(now); err != nil {
			return err
		}
		r, err := keys.New(keys.Options{Dir: dir, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			return err
		}
		v, code, err := r.Create(context.Background(), wire.SetupRequest{Password: password, StartLocked: true})
		if err != nil {
			return err
		}
		_ = v.Close()
		if n == 0 {
			continue
		}
		if err := t.Say(setup{Soon: code}); err != nil {
			return err
		}
		if err := r.Settle(); err != nil {
			return err
		}
		now.Code = code
	}
	return t.Say(now)
}

// judgeSetup starts the hub: it has the home that was promised, or is as good as new.
func judgeSetup(dir string, said setup) error {
	if _, err := keys.New(keys.Options{Dir: dir, Log: slog.New(slog.DiscardHandler)}); err != nil {
		return err
	}
	if said.Code == "" && !vault.Exists(dir) {
		return nil
	}
	v, err := vault.OpenRecovery(dir, said.Code+said.Soon)
	if err != nil {
		return fmt.Errorf("there are keys that nobody can use: %w", err)
	}
	return v.Close()
}
