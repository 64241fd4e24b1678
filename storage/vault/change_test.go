package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
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

// A change that reaches one copy only is taken back: the old password is the one
// that opens, and the old epoch the one that counts.
func TestHalfAChangeIsNone(t *testing.T) {
	for i := range 2 {
		dir, code, v := cheapVault(t)
		before, err := os.ReadFile(copies(dir)[0])
		must(t, err)
		inTheWay := copies(dir)[i] + ".new"
		must(t, os.MkdirAll(filepath.Join(inTheWay, "x"), 0o700))
		if err := v.ChangePassword(another, nil, 0); err == nil {
			t.Errorf("copy %d cannot be written: no error", i)
		}
		if _, err := v.NewRecoveryCode(); err == nil {
			t.Errorf("copy %d cannot be written: a new code", i)
		}
		if err := v.Rotate().Commit(); err == nil || v.Epoch() != 1 {
			t.Errorf("copy %d cannot be written: %v, epoch %d", i, err, v.Epoch())
		}
		for _, path := range copies(dir) {
			if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, before) {
				t.Errorf("copy %d cannot be written: %s changed, %v", i, path, err)
			}
		}
		must(t, os.RemoveAll(inTheWay))
		if _, err := openCheap(dir, another); err != ErrWrong {
			t.Errorf("the password that was refused: %v", err)
		}
		if _, err := openCheap(dir, secret); err != nil {
			t.Errorf("the old password: %v", err)
		}
		if _, err := cheapRecovery(dir, code); err != nil {
			t.Errorf("the old code: %v", err)
		}
		must(t, v.ChangePassword(another, nil, 0))
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

// A change of the password and a rotation, each cut short between the copies: every
// secret of either copy opens the newer one.
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
	for older, password := range []string{secret, another} {
		newer := states[older+1]
		for i := range 2 {
			must(t, os.WriteFile(copies(dir)[i], newer, 0o600))
			must(t, os.WriteFile(copies(dir)[1-i], states[older], 0o600))
			again, err := openCheap(dir, password)
			if err != nil || again.Epoch() != uint64(older+1) {
				t.Errorf("state %d in copy %d: %v", older, 1-i, err)
				continue
			}
			if now, err := os.ReadFile(copies(dir)[1-i]); err != nil || !bytes.Equal(now, newer) {
				t.Errorf("state %d in copy %d stays", older, 1-i)
			}
		}
	}
}

// Somebody puts an old keys.json into the folder and types the password of its day. The twin
// has the only way to what is stored: it stays as it is, whatever is tried.
func TestAnOldCopyBesideANewerOne(t *testing.T) {
	for i := range 2 {
		dir, _, v := cheapVault(t)
		old, err := os.ReadFile(copies(dir)[i])
		must(t, err)
		must(t, v.ChangePassword(another, nil, 0))
		must(t, v.Rotate().Commit())
		newer, err := os.ReadFile(copies(dir)[1-i])
		must(t, err)
		must(t, os.WriteFile(copies(dir)[i], old, 0o600))
		if past, err := openCheap(dir, secret); err == nil { // it may open, but what is stored does not
			if err := past.ChangePassword("der mond kocht heute linsensuppe", nil, 0); !errors.Is(err, ErrDamaged) {
				t.Errorf("a change of an old copy: %v", err)
			}
			if err := past.Rotate().Commit(); !errors.Is(err, ErrDamaged) {
				t.Errorf("a rotation of an old copy: %v", err)
			}
		}
		if now, err := os.ReadFile(copies(dir)[1-i]); err != nil || !bytes.Equal(now, newer) {
			t.Fatalf("copy %d was written over by an older one: %v", 1-i, err)
		}
		again, err := openCheap(dir, another)
		must(t, err)
		if !bytes.Equal(again.Key("x"), v.Key("x")) {
			t.Error("it opened as another")
		}
		if healed, err := os.ReadFile(copies(dir)[i]); err != nil || !bytes.Equal(healed, newer) {
			t.Errorf("copy %d was not healed: %v", i, err)
		}
	}
}

// Where a change was cut short and could not be healed, the next one begins by
// healing: no two copies are ever two changes apart.
func TestChangesDoNotPileUp(t *testing.T) {
	dir, _, v := cheapVault(t)
	first, err := os.ReadFile(copies(dir)[1])
	must(t, err)
	must(t, v.ChangePassword(another, nil, 0))
	must(t, os.WriteFile(copies(dir)[1], first, 0o600)) // the change was cut short
	inTheWay := copies(dir)[1] + ".new"
	must(t, os.MkdirAll(filepath.Join(inTheWay, "x"), 0o700))
	again, err := openCheap(dir, another)
	must(t, err)
	held, err := os.Open(copies(dir)[0]) // so that no other file gets its number
	must(t, err)
	defer held.Close()
	before, err := held.Stat()
	must(t, err)
	if err := again.Rotate().Commit(); err == nil || again.Epoch() != 1 {
		t.Errorf("a rotation upon a change that was cut short: %v, epoch %d", err, again.Epoch())
	}
	if now, err := os.Stat(copies(dir)[0]); err != nil || !os.SameFile(now, before) {
		t.Errorf("the newer copy was written, %v: a crash would leave two changes", err)
	}
	must(t, os.RemoveAll(inTheWay))
	must(t, again.Rotate().Commit())
	if _, err := openCheap(dir, secret); err != ErrWrong {
		t.Errorf("the old password: %v", err)
	}
}

// shaped fills a slot's secrets with what has their lengths.
func shaped(s slot) *slot {
	part := func(n int) sealed { return seal(random(keySize), random(n), nil) }
	s.Salt, s.Pub, s.sealed, s.Share = random(saltSize), random(keySize), part(2*keySize), part(keySize)
	s.DEK = letter{random(keySize), part(keySize)}
	return &s
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
		s := slot{ID: "x", Kind: kindPassword, KDF: kdf{kdfArgon2id, got}}
		if err := shaped(s).check(floor); err != nil {
			t.Errorf("%+v would be refused: %v", got, err)
		}
	}
	if memoryKiB() < 64<<10 {
		t.Errorf("this machine has %d KiB", memoryKiB())
	}
}

// A try at a secret takes a second, and what is changed meanwhile stands: the old state must not be
// written over it.
func TestOpeningKeepsWhatWasChangedMeanwhile(t *testing.T) {
	for what, change := range map[string]func(*Vault) error{
		"password": func(v *Vault) error { return v.ChangePassword(another, nil, 0) },
		"data key": func(v *Vault) error { return v.Rotate().Commit() },
	} {
		dir, _, v := cheapVault(t)
		late, err := open(dir, cheap, func(f *keyFile) (*pair, error) {
			key, err := f.unlockPassword(dir, secret)
			must(t, change(v))
			return key, err
		})
		must(t, err)
		if late.Epoch() != v.Epoch() || !bytes.Equal(late.Key("x"), v.Key("x")) {
			t.Errorf("%s: epoch %d, want %d", what, late.Epoch(), v.Epoch())
		}
		for _, path := range copies(dir) {
			if f := load(t, path); f.Rev != 2 || f.Epoch != v.Epoch() {
				t.Errorf("%s: %s has revision %d of epoch %d", what, path, f.Rev, f.Epoch)
			}
		}
	}
}
