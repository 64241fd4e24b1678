package boot_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
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
	for _, raw := range []string{"Dear Noor", "Dear Noor\n", "ingle-boot-key-1 zz\n", "ingle-boot-key-1 " + strings.Repeat("0", 62) + "\n", "ingle-boot-key-2 0 " + strings.Repeat("0", 64) + "\n",
		strings.Repeat("0", 64), strings.Repeat("x", 1<<20)} {
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

// One disk with one key file serves two hubs: each finds its own key, and takes away only that.
func TestTwoHubsWithOneKeyFile(t *testing.T) {
	ctx, path := t.Context(), filepath.Join(t.TempDir(), "ingle.key")
	made := func() (vault.Boot, []byte) {
		b := boot.KeyFile(path)
		key, err := b.Make(ctx)
		must(t, err)
		return boot.Finder("/nowhere")(b.Kind(), b.At()), key // as after a restart
	}
	has := func(name string, b vault.Boot, want []byte) {
		t.Helper()
		if got, err := b.Key(ctx); (err == nil) != (want != nil) || !bytes.Equal(got, want) {
			t.Errorf("%s: %x, %v; want %x", name, got, err, want)
		}
	}
	one, first := made()
	two, second := made()
	if bytes.Equal(first, second) || one.At() == two.At() {
		t.Fatal("both have one key")
	}
	moved := filepath.Join(t.TempDir(), "elsewhere.key")
	must(t, os.Link(path, moved))
	has("mounted elsewhere", boot.KeyFileNow(moved, one.At()), first)
	must(t, one.Drop(ctx))
	has("the one that was dropped", one, nil)
	has("the other", two, second)
	if raw, err := os.ReadFile(path); err != nil || bytes.Contains(raw, []byte(hex.EncodeToString(first))) {
		t.Errorf("the dropped key is in the file: %v", err)
	}
	before, err := os.Stat(path)
	must(t, err)
	three, third := made()
	if after, err := os.Stat(path); err != nil || after.Size() != before.Size() {
		t.Errorf("it grows from %d to %d bytes, %v", before.Size(), after.Size(), err)
	}
	has("the other", two, second)
	has("a third", three, third)
	must(t, errors.Join(two.Drop(ctx), three.Drop(ctx)))
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("without a key it stays: %v", err)
	}
}

// Two hubs of one machine that make and drop keys at once lose none.
func TestKeyFileAtOnce(t *testing.T) {
	path, ended := filepath.Join(t.TempDir(), "ingle.key"), make(chan error, 8)
	for range cap(ended) {
		go func() {
			for range 20 {
				b := boot.KeyFile(path)
				key, err := b.Make(t.Context())
				again, errAgain := b.Key(t.Context())
				if err := errors.Join(err, errAgain, b.Drop(t.Context())); err != nil || !bytes.Equal(key, again) {
					ended <- fmt.Errorf("%x, then %x: %w", key, again, err)
					return
				}
			}
			ended <- nil
		}()
	}
	for range cap(ended) {
		must(t, <-ended)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the file is left: %v", err)
	}
}

// A key without a name may be the key of several hubs: it opens as before, and nobody takes it away. A
// line that a power cut left unfinished is written over.
func TestOldAndTornKeyFiles(t *testing.T) {
	ctx, path := t.Context(), filepath.Join(t.TempDir(), "ingle.key")
	old := "ingle-boot-key-1 " + strings.Repeat("07", 32) + "\n"
	must(t, os.WriteFile(path, []byte(old+"ingle-boot-key-2 00112233"), 0o600))
	unnamed := boot.Finder("/nowhere")("boot-keyfile", path)
	for range 2 {
		if key, err := unnamed.Key(ctx); err != nil || !bytes.Equal(key, bytes.Repeat([]byte{7}, 32)) {
			t.Fatalf("the old key: %x, %v", key, err)
		}
		must(t, unnamed.Drop(ctx))
	}
	b := boot.KeyFile(path)
	if key, err := b.Make(ctx); err != nil || bytes.Equal(key, bytes.Repeat([]byte{7}, 32)) {
		t.Fatalf("a key of its own: %x, %v", key, err)
	}
	must(t, b.Drop(ctx))
	if key, err := unnamed.Key(ctx); err != nil || len(key) != 32 {
		t.Errorf("the old key, in the end: %v", err)
	}
	for _, torn := range []string{"", "ing", "ingle-boot-key-2 0011223344556677 07"} {
		must(t, os.WriteFile(path, []byte(torn), 0o600))
		b := boot.KeyFile(path)
		_, err := b.Make(ctx)
		must(t, err)
		if _, err := b.Key(ctx); err != nil {
			t.Errorf("over %q: %v", torn, err)
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
