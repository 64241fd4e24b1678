package boot_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ingle-home/ingle/storage/vault"
	"github.com/ingle-home/ingle/storage/vault/boot"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestKeyFile(t *testing.T) {
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "stick", "ingle.key")
	b := boot.KeyFile(path)
	if _, err := b.Key(ctx); err == nil {
		t.Error("a key that nobody made")
	}
	key, err := b.Make(ctx)
	if err != nil || len(key) != 32 || bytes.Equal(key, make([]byte, 32)) {
		t.Fatalf("made: %x, %v", key, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file: %v, %v", info, err)
	}
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
		t.Errorf("files: %v, %v", entries, err)
	}
	for name, get := range map[string]func(context.Context) ([]byte, error){"read": b.Key, "made again": b.Make} {
		if again, err := get(ctx); err != nil || !bytes.Equal(again, key) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if found := boot.Finder("/nowhere")(b.Kind(), b.At()); found == nil {
		t.Error("it is not found again")
	} else if again, err := found.Key(ctx); err != nil || !bytes.Equal(again, key) {
		t.Errorf("found: %v", err)
	}
	must(t, b.Drop(ctx))
	must(t, b.Drop(ctx))
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("after it was dropped: %v", err)
	}
}

// What is no key file is neither taken for one nor touched.
func TestNoKeyFile(t *testing.T) {
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "letter.txt")
	for _, raw := range []string{"", "Dear Noor", "ingle-boot-key-1 zz", "ingle-boot-key-1 " + strings.Repeat("0", 62), strings.Repeat("0", 64), strings.Repeat("x", 1<<20)} {
		must(t, os.WriteFile(path, []byte(raw), 0o600))
		b := boot.KeyFile(path)
		if _, err := b.Key(ctx); err == nil {
			t.Errorf("%.30q holds a key", raw)
		}
		if _, err := b.Make(ctx); err == nil {
			t.Errorf("%.30q was used", raw)
		}
		must(t, b.Drop(ctx))
		if now, err := os.ReadFile(path); err != nil || string(now) != raw {
			t.Errorf("%.30q is now %.30q, %v", raw, now, err)
		}
	}
	for _, at := range []string{filepath.Dir(path), "/dev/zero", filepath.Join(path, "below a file")} {
		if _, err := boot.KeyFile(at).Make(ctx); err == nil {
			t.Errorf("%s: no error", at)
		}
	}
}

func TestFinder(t *testing.T) {
	find := boot.Finder(t.TempDir())
	for _, c := range [][2]string{{"", ""}, {"boot-keyfile", "relative"}, {"boot-systemd-creds", "moon"}, {"boot-tpm9", ""}, {"boot-tpm2", ""}, {"boot-tpm2", "pcr8"}} {
		if b := find(c[0], c[1]); b != nil {
			t.Errorf("%v is %T", c, b)
		}
	}
}

func TestLevels(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		kind, at string
		want     boot.Level
	}{
		{"", "", boot.Manual},
		{"boot-systemd-creds", "tpm2", boot.TPM},
		{"boot-systemd-creds", "host", boot.SameDisk},
		{"boot-tpm2", "pcr7", boot.TPM},
		{"boot-tpm2", "none", boot.SameDisk},
		{"boot-keyfile", filepath.Join(dir, "x"), boot.SameDisk},
		{"boot-keyfile", "/nowhere/at/all", boot.SameDisk}, // cannot be told: the weakest
		{"boot-keyfile", "/dev/shm/x", boot.SameDisk},      // memory is no disk of its own
		{"boot-new", "", boot.SameDisk},
	} {
		if got := boot.LevelOf(dir, c.kind, c.at); got != c.want {
			t.Errorf("%s at %s: %s, want %s", c.kind, c.at, got, c.want)
		}
	}
}

// noChip is a machine without a TPM, also where the tests run on one that has it.
func noChip(t *testing.T) boot.Opener { return boot.Device(filepath.Join(t.TempDir(), "none")) }

// hosts gives machines of their own to systemd-creds.
func host(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("systemd-creds needs root")
	}
	if _, err := exec.LookPath("systemd-creds"); err != nil {
		t.Skip("there is no systemd-creds")
	}
	t.Setenv("SYSTEMD_CREDENTIAL_SECRET", filepath.Join(t.TempDir(), "secret"))
}

const password = "quokka umbrella tarmac violin"

// A vault that opens by the machine's credential opens neither in a copy nor on
// another machine.
func TestSystemdCredential(t *testing.T) {
	host(t)
	dir, ctx := t.TempDir(), t.Context()
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	v, _, err := vault.Create(dir, password)
	must(t, err)
	want := v.Key("x")
	find := boot.Finder(dir)
	must(t, boot.BestWith(ctx, dir, noChip(t), func(ctx context.Context, b vault.Boot) error { return v.SetBoot(ctx, b, find) }))
	kind, at := vault.BootSlot(dir)
	if kind != "boot-systemd-creds" {
		t.Fatalf("the best is %s at %s", kind, at)
	}
	again, err := vault.OpenBoot(ctx, dir, find)
	if err != nil || !bytes.Equal(again.Key("x"), want) {
		t.Fatalf("it does not open: %v", err)
	}
	sealed := filepath.Join(dir, "boot-"+at+".cred")
	if info, err := os.Stat(sealed); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the credential: %v, %v", info, err)
	}
	asUnit(t, dir, sealed, want)

	elsewhere := t.TempDir()
	for _, name := range []string{"keys.json", "keys.twin.json", filepath.Base(sealed)} {
		raw, err := os.ReadFile(filepath.Join(dir, name))
		must(t, err)
		must(t, os.WriteFile(filepath.Join(elsewhere, name), raw, 0o600))
	}
	if again, err := vault.OpenBoot(ctx, elsewhere, boot.Finder(elsewhere)); err != nil || !bytes.Equal(again.Key("x"), want) {
		t.Fatalf("control: a copy on the same machine: %v", err)
	}
	t.Run("another machine", func(t *testing.T) {
		host(t)
		if _, err := vault.OpenBoot(t.Context(), elsewhere, boot.Finder(elsewhere)); !errors.Is(err, vault.ErrBoot) {
			t.Errorf("it opens elsewhere: %v", err)
		}
		if _, err := vault.Open(elsewhere, password); err != nil {
			t.Errorf("control: the password elsewhere: %v", err)
		}
	})
	must(t, v.SetBoot(ctx, nil, find))
	if _, err := os.Stat(sealed); !os.IsNotExist(err) {
		t.Errorf("the credential stays: %v", err)
	}
}

// asUnit opens as a unit does whose manager opened the credential.
func asUnit(t *testing.T, dir, sealed string, want []byte) {
	t.Helper()
	given := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "systemd-creds", "decrypt", "--name=ingle-boot", sealed, filepath.Join(given, "ingle-boot"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Setenv("CREDENTIALS_DIRECTORY", given)
	v, err := vault.OpenBoot(t.Context(), dir, boot.Finder(dir))
	if err != nil || !bytes.Equal(v.Key("x"), want) {
		t.Errorf("by the credential that the unit was given: %v", err)
	}
	for _, wrong := range []string{"", "words", hex.EncodeToString(make([]byte, 32))} {
		must(t, os.WriteFile(filepath.Join(given, "ingle-boot"), []byte(wrong), 0o600))
		if _, err := vault.OpenBoot(t.Context(), dir, boot.Finder(dir)); !errors.Is(err, vault.ErrBoot) {
			t.Errorf("by %q: %v", wrong, err)
		}
	}
	must(t, os.Unsetenv("CREDENTIALS_DIRECTORY")) // until the test ends, which puts it back
}

// Without systemd-creds the key lies beside the folder, never in it.
func TestBestWithoutSystemd(t *testing.T) {
	dir, ctx := t.TempDir(), t.Context()
	config := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", config)
	t.Setenv("PATH", t.TempDir())
	var got vault.Boot
	take := func(ctx context.Context, b vault.Boot) error {
		if _, err := b.Make(ctx); err != nil {
			return errors.Join(vault.ErrBoot, err)
		}
		got = b
		return nil
	}
	must(t, boot.BestWith(ctx, dir, noChip(t), take))
	if got.Kind() != "boot-keyfile" || !strings.HasPrefix(got.At(), config) {
		t.Errorf("%s at %s", got.Kind(), got.At())
	}
	if boot.LevelOf(dir, got.Kind(), got.At()) != boot.SameDisk {
		t.Error("it claims to be more than it is")
	}
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(dir, "config"))
	if err := boot.BestWith(ctx, dir, noChip(t), take); err == nil {
		t.Error("the key lies in the folder that it protects")
	}
	full := errors.New("full")
	if err := boot.BestWith(ctx, dir, noChip(t), func(context.Context, vault.Boot) error { return full }); err != full {
		t.Errorf("an error that another place does not mend: %v", err)
	}
}
