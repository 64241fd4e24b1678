package keys_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/keys"
	"github.com/ingle-home/ingle/storage"
	"github.com/ingle-home/ingle/storage/vault"
)

const (
	password = "quiet otters paint seven lanterns"
	another  = "seven lanterns over a loud harbour"
)

// house stands for the open house.
type house struct {
	recovery  []keys.Recovery
	rotated   []*vault.Vault
	unbooted  bool
	uncounted error
	deaf      bool   // its disk takes no notes
	within    func() // what happens during a rotation
}

func (h *house) NoteBoot(well bool) { h.unbooted = !well }

func (h *house) NoteTries(err error) { h.uncounted = err }

func (h *house) Names() []string { return []string{"Lindenhofer"} }

func (h *house) NoteRecovery(_ context.Context, s keys.Recovery) error {
	if h.deaf {
		return storage.ErrFull
	}
	h.recovery = append(h.recovery, s)
	return nil
}

func (h *house) Rotate(_ context.Context, v *vault.Vault) error {
	if h.within != nil {
		h.within()
	}
	h.rotated = append(h.rotated, v)
	return v.Rotate().Commit()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// machine gives the test a machine of its own, which keeps keys in a file.
func machine(t *testing.T) (dir string) {
	t.Helper()
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	t.Setenv("PATH", t.TempDir()) // without systemd-creds
	return t.TempDir()
}

func ring(t *testing.T, dir string) *keys.Ring {
	t.Helper()
	r, err := keys.New(keys.Options{Dir: dir, Log: slog.New(slog.DiscardHandler)})
	must(t, err)
	return r
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	var list []string
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

// A setup that a crash cut short before it settled leaves an unclaimed hub: the
// next start finds nothing of it, inside the folder or outside, and what was
// there before stays.
func TestUnsettledSetup(t *testing.T) {
	dir, ctx := machine(t), t.Context()
	must(t, os.WriteFile(filepath.Join(dir, "lock"), nil, 0o600))
	v, code, err := ring(t, dir).Create(ctx, wire.SetupRequest{Password: password})
	if err != nil || code == "" {
		t.Fatalf("setup: %v", err)
	}
	must(t, v.Close())
	_, key := vault.BootSlot(dir)
	key, _, _ = strings.Cut(key, "#") // the file
	if _, err := os.Stat(key); err != nil {
		t.Fatalf("control: the key for starting by itself: %v", err)
	}
	for _, name := range []string{"core-1.db", "core-1.db-wal", "telemetry-1.db", "keys.json.new"} {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600))
	}
	r := ring(t, dir) // the restart
	if left := names(t, dir); !slices.Equal(left, []string{"lock"}) {
		t.Errorf("left: %v", left)
	}
	if _, err := os.Stat(key); !os.IsNotExist(err) {
		t.Errorf("the key outside: %v", err)
	}
	v, _, err = r.Create(ctx, wire.SetupRequest{Password: password})
	must(t, err)
	must(t, r.Settle())
	must(t, v.Close())
	if r = ring(t, dir); r.Protection() != wire.ProtectionSameDisk {
		t.Errorf("protection %s", r.Protection())
	}
	if v, ok := r.Boot(ctx); !ok || v.Epoch() != 1 {
		t.Error("a settled setup does not start by itself")
	}
}

// Databases without keys are somebody's: a setup does not touch them.
func TestSetupBesideAStore(t *testing.T) {
	dir := filepath.Join(machine(t), "a[b]c") // which is a name and no pattern
	must(t, os.Mkdir(dir, 0o700))
	store := filepath.Join(dir, "core-3.db")
	must(t, os.WriteFile(store, []byte("sealed"), 0o600))
	r := ring(t, dir)
	if _, _, err := r.Create(t.Context(), wire.SetupRequest{Password: password}); !errors.Is(err, vault.ErrDamaged) {
		t.Errorf("setup: %v", err)
	}
	must(t, r.Undo(t.Context()))
	if raw, err := os.ReadFile(store); err != nil || string(raw) != "sealed" {
		t.Errorf("the store: %q, %v", raw, err)
	}
}

func TestAPasswordIsJudgedBeforeAnythingIsMade(t *testing.T) {
	dir := machine(t)
	r := ring(t, dir)
	if _, _, err := r.Create(t.Context(), wire.SetupRequest{Password: "short"}); wire.Code(keys.Problem(err)) != "password.too_short" {
		t.Errorf("setup: %v", err)
	}
	if left := names(t, dir); len(left) != 0 {
		t.Errorf("made: %v", left)
	}
}

func claimed(t *testing.T, wish wire.SetupRequest) (r *keys.Ring, h *house, dir, code string) {
	t.Helper()
	dir = machine(t)
	r, h = ring(t, dir), &house{}
	v, code, err := r.Create(t.Context(), wish)
	must(t, err)
	must(t, r.Settle())
	r.Hold(v, h)
	t.Cleanup(func() { _ = r.Release() })
	return r, h, dir, code
}

func TestChanges(t *testing.T) {
	r, h, _, code := claimed(t, wire.SetupRequest{Password: password, StartLocked: true})
	ctx := keys.From(t.Context(), keys.Console)
	if r.Protection() != wire.ProtectionManual {
		t.Errorf("protection %s", r.Protection())
	}
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"wrong password":   {r.ChangePassword(ctx, wire.PasswordRequest{Password: another, New: another}), wire.CodePassword},
		"too short":        {r.ChangePassword(ctx, wire.PasswordRequest{Password: password, New: "short"}), "password.too_short"},
		"a name":           {r.ChangePassword(ctx, wire.PasswordRequest{Password: password, New: "LindenhoferLindenhofer"}), "password.name"},
		"rotate, wrong":    {r.Rotate(ctx, wire.UnlockRequest{Password: another}), wire.CodePassword},
		"confirm, wrong":   {r.ConfirmRecovery(ctx, wire.RecoveryCode{RecoveryCode: strings.Repeat("0", 28)}), "recovery.unknown"},
		"confirm, rubbish": {r.ConfirmRecovery(ctx, wire.RecoveryCode{RecoveryCode: "?"}), "recovery.unknown"},
	} {
		if got := wire.Code(c.err); got != c.want {
			t.Errorf("%s: %v", name, c.err)
		}
	}
	must(t, r.ChangePassword(ctx, wire.PasswordRequest{Password: code, New: another}))
	must(t, r.Rotate(ctx, wire.UnlockRequest{Password: another}))
	must(t, r.Renew(ctx))
	made, err := r.NewRecoveryCode(ctx, wire.UnlockRequest{Password: another})
	must(t, err)
	if _, byCode, err := r.Unlock(keys.Console, code); err != nil || !byCode {
		t.Errorf("the old code before the new one is confirmed: %v", err)
	}
	must(t, r.ConfirmRecovery(ctx, made))
	if _, _, err := r.Unlock(keys.Console, code); wire.Code(err) != wire.CodePassword {
		t.Errorf("the old code: %v", err)
	}
	if !slices.Equal(h.recovery, []keys.Recovery{keys.Used, keys.Kept}) || len(h.rotated) != 2 {
		t.Errorf("the house heard %q and rotated %d times", h.recovery, len(h.rotated))
	}
	must(t, r.Release())
	if err := r.Rotate(ctx, wire.UnlockRequest{Password: another}); wire.Code(err) != wire.CodeLocked {
		t.Errorf("a locked hub: %v", err)
	}
}

func TestHowItStarts(t *testing.T) {
	r, _, dir, _ := claimed(t, wire.SetupRequest{Password: password})
	ctx := keys.From(t.Context(), keys.Console)
	stick := filepath.Join(t.TempDir(), "ingle.key")
	for _, c := range []struct {
		q    wire.BootRequest
		want wire.Protection
		code string
		open bool
	}{
		{wire.BootRequest{How: wire.BootLocked}, wire.ProtectionManual, "", false},
		{wire.BootRequest{How: wire.BootItself}, wire.ProtectionSameDisk, "", true},
		{wire.BootRequest{How: wire.BootKeyFile, Path: "stick"}, "", "boot.path", true},
		{wire.BootRequest{How: wire.BootKeyFile, Path: "/proc/none/x"}, wire.ProtectionSameDisk, wire.CodeBoot, true},
		{wire.BootRequest{How: wire.BootKeyFile, Path: stick}, wire.ProtectionSameDisk, "", true},
		{wire.BootRequest{How: wire.BootItself}, wire.ProtectionSameDisk, "", true},
	} {
		c.q.Password = password
		got, err := r.SetBoot(ctx, c.q)
		if wire.Code(err) != c.code || got.Protection != c.want {
			t.Errorf("%+v: %s, %v", c.q, got.Protection, err)
		}
		if _, open := ring(t, dir).Boot(ctx); open != c.open {
			t.Errorf("%+v: it starts by itself: %v", c.q, open)
		}
	}
	if _, err := os.Stat(stick); !os.IsNotExist(err) {
		t.Errorf("a key that is no use any more: %v", err)
	}
}

// With --key-file the key lies there from the start, and may lie elsewhere
// tomorrow, where the disk is mounted then.
func TestKeyFileFromTheStart(t *testing.T) {
	dir, ctx := machine(t), t.Context()
	today, tomorrow := filepath.Join(t.TempDir(), "ingle.key"), filepath.Join(t.TempDir(), "ingle.key")
	with := func(path string) *keys.Ring {
		r, err := keys.New(keys.Options{Dir: dir, KeyFile: path, Log: slog.New(slog.DiscardHandler)})
		must(t, err)
		return r
	}
	r := with(today)
	v, _, err := r.Create(ctx, wire.SetupRequest{Password: password})
	must(t, err)
	must(t, errors.Join(r.Settle(), v.Close()))
	if kind, at := vault.BootSlot(dir); kind != "boot-keyfile" || !strings.HasPrefix(at, today+"#") {
		t.Errorf("%s at %s", kind, at)
	}
	must(t, os.Rename(today, tomorrow))
	for path, want := range map[string]bool{today: false, tomorrow: true, "": false} {
		r, h := with(path), &house{}
		if _, open := r.Boot(ctx); open != want {
			t.Errorf("with %q it starts by itself: %v", path, open)
		}
		if r.Hold(v, h); h.unbooted == want { // a person opened it in the end
			t.Errorf("with %q the house hears that it did not: %v", path, h.unbooted)
		}
	}
}

// A key disk can be mounted elsewhere today, and the key on it is the one that is made anew: it is not
// dropped as the old one.
func TestTheSameKeyFileElsewhere(t *testing.T) {
	dir, ctx := machine(t), t.Context()
	disk, mounted := t.TempDir(), filepath.Join(t.TempDir(), "mounted")
	r, err := keys.New(keys.Options{Dir: dir, KeyFile: filepath.Join(disk, "ingle.key"), Log: slog.New(slog.DiscardHandler)})
	must(t, err)
	v, _, err := r.Create(ctx, wire.SetupRequest{Password: password})
	must(t, err)
	must(t, r.Settle())
	r.Hold(v, &house{})
	must(t, os.Symlink(disk, mounted))
	path := filepath.Join(mounted, "ingle.key")
	_, err = r.SetBoot(ctx, wire.BootRequest{Password: password, How: wire.BootKeyFile, Path: path})
	must(t, err)
	r, err = keys.New(keys.Options{Dir: dir, KeyFile: path, Log: slog.New(slog.DiscardHandler)})
	must(t, err)
	if _, open := r.Boot(ctx); !open {
		t.Error("it does not start by itself any more")
	}
}

// A setup that is undone takes the key along that it made, and leaves one that was there before: it may
// be another hub's.
func TestAnUndoneSetupLeavesTheKeysOfOthers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ingle.key")
	setUp := func() *keys.Ring {
		r, err := keys.New(keys.Options{Dir: machine(t), KeyFile: path, Log: slog.New(slog.DiscardHandler)})
		must(t, err)
		v, _, err := r.Create(t.Context(), wire.SetupRequest{Password: password})
		must(t, err)
		must(t, v.Close())
		return r
	}
	must(t, setUp().Undo(t.Context()))
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("its own key: %v", err)
	}
	other := setUp()
	must(t, other.Settle())
	must(t, setUp().Undo(t.Context()))
	if _, open := other.Boot(t.Context()); !open {
		t.Error("another hub does not start by itself any more")
	}
}

// Two hubs whose keys lie in one file: what one does with its own leaves the other's.
func TestTwoHubsShareAKeyFile(t *testing.T) {
	dirs, path, ctx := []string{machine(t), t.TempDir()}, filepath.Join(t.TempDir(), "ingle.key"), keys.From(t.Context(), keys.Console)
	var rings [2]*keys.Ring
	var codes [2]string
	for i, dir := range dirs {
		rings[i] = ring(t, dir)
		v, code, err := rings[i].Create(ctx, wire.SetupRequest{Password: password, StartLocked: true})
		must(t, errors.Join(err, rings[i].Settle()))
		codes[i] = code
		rings[i].Hold(v, &house{})
		_, err = rings[i].SetBoot(ctx, wire.BootRequest{Password: code, How: wire.BootKeyFile, Path: path})
		must(t, err)
	}
	starts := func(step string, want ...bool) {
		t.Helper()
		for i, dir := range dirs {
			if _, open := ring(t, dir).Boot(ctx); open != want[i] {
				t.Errorf("%s: hub %d starts by itself: %v", step, i, open)
			}
		}
	}
	starts("both", true, true)
	_, err := rings[0].SetBoot(ctx, wire.BootRequest{Password: codes[0], How: wire.BootKeyFile, Path: path})
	must(t, err)
	starts("made again", true, true)
	_, err = rings[0].SetBoot(ctx, wire.BootRequest{Password: codes[0], How: wire.BootLocked})
	must(t, err)
	starts("one is locked", false, true)
}
