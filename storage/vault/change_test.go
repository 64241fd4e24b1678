package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const another = "seven lanterns over a quiet harbour"

// cheapBoot opens by a boot slot below the floor.
func cheapBoot(dir string, find Find) (*Vault, error) {
	return openBoot(context.Background(), dir, find, cheap)
}

func cheapRecovery(dir, code string) (*Vault, error) { return openRecovery(dir, code, cheap) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestChangePassword(t *testing.T) {
	dir, code, v := cheapVault(t)
	want := v.Key("x")
	other := filepath.Join(dir, "core-1.db")
	must(t, os.WriteFile(other, []byte("the databases stay as they are"), 0o600))
	stamp, err := os.Stat(other)
	must(t, err)

	var refused *Refusal
	if err := v.ChangePassword("Mia and Noor and Sam", []string{"Mia", "Noor", "Sam", "and"}, 0); !errors.As(err, &refused) || refused.Code != name {
		t.Errorf("names: %v", err)
	}
	must(t, v.ChangePassword(another, nil, 0))
	for _, path := range copies(dir) {
		info, err := os.Stat(path)
		must(t, err)
		if f := load(t, path); f.Rev != 2 || f.Epoch != 1 || len(f.Slots) != 2 || info.Size() > 4096 {
			t.Errorf("%s: revision %d, epoch %d, %d slots, %d bytes", path, f.Rev, f.Epoch, len(f.Slots), info.Size())
		}
		// Each copy alone knows the new one only.
		alone := t.TempDir()
		raw, err := os.ReadFile(path)
		must(t, err)
		must(t, os.WriteFile(copies(alone)[0], raw, 0o600))
		if _, err := openCheap(alone, secret); err != ErrWrong {
			t.Errorf("%s: the old password: %v", path, err)
		}
		if again, err := openCheap(alone, another); err != nil || !bytes.Equal(again.Key("x"), want) {
			t.Errorf("%s: the new password: %v", path, err)
		}
	}
	if again, err := cheapRecovery(dir, code); err != nil || !bytes.Equal(again.Key("x"), want) {
		t.Errorf("the recovery code: %v", err)
	}
	if now, err := os.Stat(other); err != nil || !now.ModTime().Equal(stamp.ModTime()) {
		t.Error("a database was touched")
	}
	must(t, v.Close())
	if err := v.ChangePassword(secret, nil, 0); err == nil {
		t.Error("a closed vault was changed")
	}
}

// What a copy held before lies on the disk no more, unless the file has another
// name somewhere.
func TestOldCopiesAreOverwritten(t *testing.T) {
	dir, _, v := cheapVault(t)
	kept := filepath.Join(dir, "kept")
	must(t, os.Link(copies(dir)[1], kept))
	var old []*os.File
	for _, path := range copies(dir) {
		f, err := os.Open(path)
		must(t, err)
		defer f.Close()
		old = append(old, f)
	}
	must(t, v.Rotate().Commit())
	for i, f := range old {
		raw, err := io.ReadAll(f)
		must(t, err)
		if len(raw) < 500 || bytes.Equal(raw, make([]byte, len(raw))) != (i == 0) {
			t.Errorf("copy %d is %d bytes %.20q", i, len(raw), raw)
		}
	}
	if f := load(t, kept); f.Epoch != 1 {
		t.Errorf("the copy of somebody else is of epoch %d", f.Epoch)
	}
}

func TestNewRecoveryCode(t *testing.T) {
	dir, first, v := cheapVault(t)
	opens := func(code string) bool {
		_, err := cheapRecovery(dir, code)
		if err != nil && err != ErrWrong {
			t.Fatal(err)
		}
		return err == nil
	}
	lost, err := v.NewRecoveryCode() // its answer never came
	must(t, err)
	second, err := v.NewRecoveryCode()
	must(t, err)
	if !opens(first) || opens(lost) || !opens(second) {
		t.Errorf("before it is confirmed: first %v, lost %v, second %v", opens(first), opens(lost), opens(second))
	}
	for _, wrong := range []string{"", lost, flipped(second)} {
		if err := v.ConfirmRecovery(wrong); err != ErrWrong {
			t.Errorf("confirm %q: %v", wrong, err)
		}
	}
	if !opens(first) {
		t.Error("a wrong confirmation took the first code")
	}
	must(t, v.ConfirmRecovery(strings.ToLower(second)))
	must(t, v.ConfirmRecovery(second)) // and again
	if opens(first) || !opens(second) {
		t.Errorf("after: first %v, second %v", opens(first), opens(second))
	}
	if _, err := openCheap(dir, secret); err != nil {
		t.Errorf("the password: %v", err)
	}
}

func flipped(code string) string {
	if code[0] == 'A' {
		return "B" + code[1:]
	}
	return "A" + code[1:]
}

// pocket is a Boot that keeps its key in a file, and can be told to fail.
type pocket struct {
	dir, name  string
	gives      []byte // in place of the key, if not nil
	fails      error
	made, gone *int
}

func (p pocket) Kind() string { return "boot-pocket" }
func (p pocket) At() string   { return p.name }
func (p pocket) path() string { return filepath.Join(p.dir, "pocket "+p.name) }

func (p pocket) Key(context.Context) ([]byte, error) {
	if p.gives != nil {
		return bytes.Clone(p.gives), nil
	}
	return os.ReadFile(p.path())
}

func (p pocket) Make(ctx context.Context) ([]byte, error) {
	if p.fails != nil {
		return nil, p.fails
	}
	if key, err := os.ReadFile(p.path()); err == nil {
		return key, nil
	}
	*p.made++
	key := random(keySize)
	return key, os.WriteFile(p.path(), key, 0o600)
}

func (p pocket) Drop(context.Context) error {
	*p.gone++
	return os.Remove(p.path())
}

func pockets(dir string) (find Find, p pocket) {
	p = pocket{dir: dir, made: new(int), gone: new(int)}
	return func(kind, at string) Boot {
		if kind != p.Kind() {
			return nil
		}
		p := p
		p.name = at
		return p
	}, p
}

func TestBootSlot(t *testing.T) {
	dir, code, v := cheapVault(t)
	ctx, want := t.Context(), v.Key("x")
	find, left := pockets(dir)
	if _, err := cheapBoot(dir, find); err != ErrNoBoot {
		t.Errorf("none yet: %v", err)
	}
	left.name = "left"
	must(t, v.SetBoot(ctx, left, find))
	if kind, at := BootSlot(dir); kind != "boot-pocket" || at != "left" {
		t.Errorf("the file says %s at %s", kind, at)
	}
	if again, err := cheapBoot(dir, find); err != nil || !bytes.Equal(again.Key("x"), want) {
		t.Errorf("by the boot slot: %v", err)
	}
	right := left
	right.name = "right"

	// A new one that does not hold is no reason to lose the old one.
	unwell := errors.New("unwell")
	for name, bad := range map[string]func(p *pocket){
		"fails":       func(p *pocket) { p.fails = unwell },
		"another key": func(p *pocket) { p.gives = random(keySize) },
		"short key":   func(p *pocket) { p.gives = random(7) },
		"long place":  func(p *pocket) { p.name = strings.Repeat("x", maxPlace+1); p.dir = t.TempDir() },
	} {
		p := right
		bad(&p)
		if err := v.SetBoot(ctx, p, find); err == nil {
			t.Errorf("%s: taken", name)
		}
		if again, err := cheapBoot(dir, find); err != nil || !bytes.Equal(again.Key("x"), want) || *left.gone != 0 {
			t.Errorf("%s: the old slot: %v, %d dropped", name, err, *left.gone)
		}
	}
	must(t, v.SetBoot(ctx, right, find))
	must(t, v.SetBoot(ctx, right, find)) // the same place keeps its key
	if *left.gone != 1 {
		t.Errorf("%d keys dropped, want the old one", *left.gone)
	}
	if _, err := os.Stat(left.path()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the old key: %v", err)
	}
	if again, err := cheapBoot(dir, find); err != nil || !bytes.Equal(again.Key("x"), want) {
		t.Errorf("by the new one: %v", err)
	}
	wrongBoot(t, dir, find, right)
	must(t, v.SetBoot(ctx, nil, find))
	if _, err := cheapBoot(dir, find); err != ErrNoBoot {
		t.Errorf("none any more: %v", err)
	}
	for _, open := range []func() (*Vault, error){func() (*Vault, error) { return openCheap(dir, secret) }, func() (*Vault, error) { return cheapRecovery(dir, code) }} {
		if _, err := open(); err != nil {
			t.Error(err)
		}
	}
}

// wrongBoot: without the right key a boot slot is as good as none.
func wrongBoot(t *testing.T, dir string, find Find, p pocket) {
	t.Helper()
	none := func(string, string) Boot { return nil }
	if _, err := cheapBoot(dir, none); !errors.Is(err, ErrBoot) {
		t.Errorf("no such place here: %v", err)
	}
	key, err := os.ReadFile(p.path())
	must(t, err)
	for _, wrong := range [][]byte{nil, random(keySize), key[:31]} {
		must(t, os.WriteFile(p.path(), wrong, 0o600))
		if _, err := cheapBoot(dir, find); !errors.Is(err, ErrBoot) {
			t.Errorf("a key of %d wrong bytes: %v", len(wrong), err)
		}
	}
	must(t, os.WriteFile(p.path(), key, 0o600))
	for _, path := range copies(dir) { // the place is part of the seal
		f := load(t, path)
		f.Slots[len(f.Slots)-1].At = "elsewhere"
		save(t, path, f)
	}
	must(t, os.WriteFile(strings.Replace(p.path(), "right", "elsewhere", 1), key, 0o600))
	if _, err := cheapBoot(dir, find); !errors.Is(err, ErrBoot) {
		t.Errorf("moved: %v", err)
	}
	for _, path := range copies(dir) {
		f := load(t, path)
		f.Slots[len(f.Slots)-1].At = "right"
		save(t, path, f)
	}
}

func TestRotation(t *testing.T) {
	dir, code, v := cheapVault(t)
	old := v.Key("x")
	before, err := os.ReadFile(copies(dir)[0])
	must(t, err)
	n := v.Rotate()
	if n.Epoch() != 2 || bytes.Equal(n.Key("x"), old) || bytes.Equal(n.Key("x"), v.Rotate().Key("x")) || !bytes.Equal(n.ID(), v.ID()) {
		t.Error("the next epoch is not a new one of the same vault")
	}
	want := n.Key("x")
	if s := fmt.Sprintf("%v %+v", n, *n); strings.Contains(s, fmt.Sprint(n.key[:])) {
		t.Error("it prints its key")
	}
	must(t, n.Commit())
	if v.Epoch() != 2 || !bytes.Equal(v.Key("x"), want) {
		t.Errorf("epoch %d", v.Epoch())
	}
	if err := n.Commit(); err == nil {
		t.Error("committed twice")
	}
	for name, open := range map[string]func() (*Vault, error){
		"password": func() (*Vault, error) { return openCheap(dir, secret) },
		"code":     func() (*Vault, error) { return cheapRecovery(dir, code) },
	} {
		again, err := open()
		if err != nil || again.Epoch() != 2 || !bytes.Equal(again.Key("x"), want) {
			t.Errorf("by %s: %v", name, err)
		}
	}
	// Cut short between the copies: the newer one wins although their keys differ.
	for i, path := range copies(dir) {
		after, err := os.ReadFile(path)
		must(t, err)
		must(t, os.WriteFile(path, before, 0o600))
		again, err := openCheap(dir, secret)
		if err != nil || again.Epoch() != 2 || !bytes.Equal(again.Key("x"), want) {
			t.Errorf("copy %d of the epoch before: %v", i, err)
		}
		if healed, err := os.ReadFile(path); err != nil || !bytes.Equal(healed, after) {
			t.Errorf("copy %d was not healed: %v", i, err)
		}
	}
}

// A rotation and a change of the password, each cut short between the copies, in
// either order: every secret of either copy opens the newer one.
func TestMixedCopies(t *testing.T) {
	dir, _, v := cheapVault(t)
	states := [][]byte{}
	keep := func() {
		raw, err := os.ReadFile(copies(dir)[0])
		must(t, err)
		states = append(states, raw)
	}
	keep()
	must(t, v.ChangePassword(another, nil, 0))
	keep()
	must(t, v.Rotate().Commit())
	keep()
	want := v.Key("x")
	for older, password := range []string{secret, another} {
		for i := range 2 {
			must(t, os.WriteFile(copies(dir)[i], states[2], 0o600))
			must(t, os.WriteFile(copies(dir)[1-i], states[older], 0o600))
			again, err := openCheap(dir, password)
			if err != nil || again.Epoch() != 2 || !bytes.Equal(again.Key("x"), want) {
				t.Errorf("state %d in copy %d: %v", older, 1-i, err)
			}
		}
	}
}

func TestCalibrate(t *testing.T) {
	for _, c := range []struct {
		took, effort time.Duration
		room         uint64
		want         cost
	}{
		{100 * time.Millisecond, time.Second, 8 << 20, cost{7, 256 << 10, 4}},    // memory to the ceiling, the rest by passes
		{300 * time.Millisecond, time.Second, 8 << 20, cost{3, 213 << 10, 4}},    // memory alone
		{100 * time.Millisecond, time.Second, 128 << 10, cost{10, 128 << 10, 4}}, // a quarter of a small machine, then passes up to the ceiling
		{3 * time.Second, time.Second, 8 << 20, floor},                           // slow: the floor holds
		{100 * time.Millisecond, time.Second, 0, cost{10, 64 << 10, 4}},          // memory unknown
		{0, time.Second, 1 << 40, cost{10, 256 << 10, 4}},                        // absurdly fast: still what a file may ask
	} {
		got := floor.scale(c.took, c.effort, c.room)
		if got != c.want {
			t.Errorf("%v for %v: %+v, want %+v", c.took, c.effort, got, c.want)
		}
		s := slot{ID: "x", Kind: kindPassword, KDF: kdf{kdfArgon2id, got}, Salt: random(saltSize), sealed: sealKey(random(keySize), new([keySize]byte), nil)}
		if err := s.check(floor); err != nil {
			t.Errorf("%+v would be refused: %v", got, err)
		}
	}
	if memoryKiB() < 64<<10 {
		t.Errorf("this machine has %d KiB", memoryKiB())
	}
}
