package vault

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
)

// loot is all that somebody has who kept a copy of keys.json and a secret of its
// day: the pair of that slot, the data key, and with it every slot's shared key.
type loot struct {
	pair   pair
	dek    *[keySize]byte
	shared [][]byte
}

func looted(t *testing.T, f *keyFile, unlock func(*keyFile) (*pair, error)) loot {
	t.Helper()
	p, err := unlock(f)
	must(t, err)
	dek, ok := f.openWith(p)
	if !ok || !f.authentic(dek) {
		t.Fatal("control: the secret does not open the file of its day")
	}
	l := loot{pair: *p, dek: dek}
	for i := range f.Slots {
		s := &f.Slots[i]
		shared, ok := s.Share.open(derive(dek[:], f.Vault, sharePurpose), f.aad(s))
		if !ok {
			t.Fatalf("control: the shared key of slot %d", i)
		}
		l.shared = append(l.shared, shared)
	}
	return l
}

// letters tells whether the loot opens the data key in any slot of f.
func (l loot) letters(f *keyFile) bool {
	for i := range f.Slots {
		for _, shared := range append(l.shared, l.pair.shared[:]) {
			p := pair{wordOf(f.Slots[i].ID), l.pair.private, [keySize]byte(shared)}
			if _, ok := f.openWith(&p); ok {
				return true
			}
		}
	}
	return false
}

// anything tells whether the loot opens or vouches for anything in f.
func (l loot) anything(f *keyFile) bool {
	under := derive(l.dek[:], f.Vault, sharePurpose)
	for i := range f.Slots {
		if _, ok := f.Slots[i].Share.open(under, f.aad(&f.Slots[i])); ok {
			return true
		}
	}
	return l.letters(f) || f.authentic(l.dek)
}

// Somebody kept a copy of the folder and knew a secret. It was replaced, and the
// data key was renewed: they can open nothing that is sealed today.
func TestAReplacedSecretOpensNothingNew(t *testing.T) {
	ctx := t.Context()
	dir, code, v := cheapVault(t)
	find, p := pockets(dir)
	p.name = "first"
	must(t, v.SetBoot(ctx, p, find))
	old := load(t, copies(dir)[0])
	thieves := make(map[string]loot)
	for _, who := range []string{"password", "code", "boot"} {
		thieves[who] = thiefOf(t, who, dir, code, p)
	}
	changes := map[string]func(){
		"password": func() { must(t, v.ChangePassword(another, nil, 0)) },
		"code": func() {
			next, err := v.NewRecoveryCode()
			must(t, err)
			if !thieves["code"].letters(load(t, copies(dir)[0])) {
				t.Error("control: the old code opens until the new one is confirmed")
			}
			must(t, v.ConfirmRecovery(next))
		},
		"boot": func() {
			p.name = "second"
			must(t, v.SetBoot(ctx, p, find))
		},
	}
	must(t, v.Rotate().Commit())
	isStale(t, v, false)
	for who, l := range thieves {
		if !l.letters(load(t, copies(dir)[0])) {
			t.Errorf("control: the %s was not replaced and must open", who)
		}
		changes[who]()
		isStale(t, v, true)
		for _, path := range copies(dir) {
			if l.letters(load(t, path)) {
				t.Errorf("%s holds the data key for the old %s", path, who)
			}
		}
	}
	c, err := v.Copy()
	must(t, err)
	defer c.Close()
	must(t, v.Rotate().Commit())
	isStale(t, v, false)
	backup, err := parseKeyFile(c.File(), cheap)
	if err != nil || backup.Stale {
		t.Fatalf("a copy, which has a data key of its own: %v", err)
	}
	for who, l := range thieves {
		for _, f := range []*keyFile{load(t, copies(dir)[0]), load(t, copies(dir)[1]), backup} {
			if l.anything(f) {
				t.Errorf("the old %s opens something", who)
			}
		}
		if bytes.Equal(derive(l.dek[:], old.Vault, "x"), v.Key("x")) {
			t.Errorf("the old %s has the keys of today", who)
		}
	}
}

func isStale(t *testing.T, v *Vault, want bool) {
	t.Helper()
	if stale, err := v.Stale(); err != nil || stale != want {
		t.Errorf("stale %v, want %v, %v", stale, want, err)
	}
}

// Anybody can seal to a public key. Who can write the file and knows no secret
// cannot put a data key of their own into it, which the household's secrets would
// open.
func TestNobodyElseSealsADataKey(t *testing.T) {
	for _, known := range []bool{false, true} {
		dir, code, v := cheapVault(t)
		f := load(t, copies(dir)[0])
		f.Rev++
		var theirs [keySize]byte
		rand.Read(theirs[:])
		for i := range f.Slots {
			s := &f.Slots[i]
			shared := random(keySize)
			if known { // the control: it is the shared key that keeps them out
				shared, _ = s.Share.open(derive(v.keys.data[:], f.Vault, sharePurpose), f.aad(s))
			}
			must(t, f.deliver(s, shared, &theirs))
		}
		f.MAC = f.mac(&theirs)
		for _, path := range copies(dir) {
			save(t, path, f)
		}
		for how, open := range map[string]func() (*Vault, error){
			"password": func() (*Vault, error) { return openCheap(dir, secret) },
			"code":     func() (*Vault, error) { return cheapRecovery(dir, code) },
		} {
			if _, err := open(); (err == nil) != known || err != nil && !errors.Is(err, ErrDamaged) {
				t.Errorf("with the shared keys %v: by %s: %v", known, how, err)
			}
		}
	}
}

// A hub holds one Vault while it changes the keys with another.
func TestVaultsSideBySide(t *testing.T) {
	dir, code, held := cheapVault(t)
	find, p := pockets(dir)
	proven, err := openCheap(dir, secret)
	must(t, err)
	must(t, proven.ChangePassword(another, nil, 0))
	if !bytes.Equal(held.Key("x"), proven.Key("x")) {
		t.Error("a change of the password changed the data key")
	}
	p.name = "first"
	must(t, held.SetBoot(t.Context(), p, find))
	next, err := proven.NewRecoveryCode()
	must(t, err)
	must(t, held.ConfirmRecovery(next))
	must(t, held.Rotate().Commit())
	want := held.Key("x")
	for how, open := range map[string]func() (*Vault, error){
		"password": func() (*Vault, error) { return openCheap(dir, another) },
		"code":     func() (*Vault, error) { return cheapRecovery(dir, next) },
		"boot":     func() (*Vault, error) { return cheapBoot(dir, find) },
	} {
		if again, err := open(); err != nil || !bytes.Equal(again.Key("x"), want) {
			t.Errorf("by %s: %v", how, err)
		}
	}
	if _, err := cheapRecovery(dir, code); err != ErrWrong {
		t.Errorf("the old code: %v", err)
	}
	// The other one has the data key of before and says so, rather than that the file is damaged.
	before := load(t, copies(dir)[0])
	for what, change := range map[string]func() error{
		"password": func() error { return proven.ChangePassword(secret, nil, 0) },
		"boot":     func() error { return proven.SetBoot(t.Context(), nil, find) },
		"rotation": func() error { return proven.Rotate().Commit() },
		"copy":     func() error { _, err := proven.Copy(); return err },
	} {
		if err := change(); err == nil || errors.Is(err, ErrWrong) {
			t.Errorf("%s by the vault of before: %v", what, err)
		}
	}
	if now := load(t, copies(dir)[0]); now.Rev != before.Rev {
		t.Error("the vault of before changed the file")
	}
}

// Many at once: each change stands on the one before, whoever made it.
func TestChangesAtOnce(t *testing.T) {
	dir, code, v := cheapVault(t)
	find, p := pockets(dir)
	p.name = "first"
	must(t, v.SetBoot(t.Context(), p, find))
	const each = 5
	var all sync.WaitGroup
	passwords := make([]string, 3)
	for i := range passwords {
		one, err := cheapBoot(dir, find)
		must(t, err)
		all.Go(func() {
			for n := range each {
				passwords[i] = fmt.Sprintf("%s %c%d", another, 'a'+i, n)
				if err := one.ChangePassword(passwords[i], nil, 0); err != nil {
					t.Error(err)
				}
				c, err := one.Copy()
				if err != nil {
					t.Error(err)
					return
				}
				c.Close()
			}
		})
	}
	all.Go(func() {
		for range each {
			if again, err := cheapRecovery(dir, code); err != nil || !bytes.Equal(again.Key("x"), v.Key("x")) {
				t.Errorf("meanwhile: %v", err)
			}
		}
	})
	all.Wait()
	f := load(t, copies(dir)[0])
	if want := uint64(2 + len(passwords)*each); f.Rev != want || len(f.Slots) != 3 {
		t.Errorf("revision %d, want %d; %d slots", f.Rev, want, len(f.Slots))
	}
	opens := slices.DeleteFunc(passwords, func(p string) bool { _, err := openCheap(dir, p); return err != nil })
	if len(opens) != 1 {
		t.Errorf("%d of the last passwords open it", len(opens))
	}
	must(t, v.Rotate().Commit())
}

// A rotation that the way by which the vault was opened would not open does not
// happen.
func TestARotationIsTried(t *testing.T) {
	dir, _, v := cheapVault(t)
	before, err := os.ReadFile(copies(dir)[0])
	must(t, err)
	v.keys.way.shared[3] ^= 1
	if err := v.Rotate().Commit(); !errors.Is(err, errUntrue) || v.Epoch() != 1 {
		t.Errorf("%v, epoch %d", err, v.Epoch())
	}
	if _, err := v.Copy(); !errors.Is(err, errUntrue) {
		t.Errorf("a copy: %v", err)
	}
	if now, err := os.ReadFile(copies(dir)[0]); err != nil || !bytes.Equal(now, before) {
		t.Errorf("the file changed: %v", err)
	}
	v.keys.way.shared[3] ^= 1
	must(t, v.Rotate().Commit())
}

// A copy opens by the secrets of its day, and without one only by the vault that
// has just drawn it.
func TestCopy(t *testing.T) {
	dir, code, v := cheapVault(t)
	find, p := pockets(dir)
	must(t, v.SetBoot(t.Context(), p, find))
	c, err := v.Copy()
	must(t, err)
	to := t.TempDir()
	for _, path := range copies(to) {
		must(t, os.WriteFile(path, c.File(), 0o600))
	}
	must(t, v.ChangePassword(another, nil, 0))
	want := c.Key("x")
	byItself, err := v.OpenCopy(to)
	if err != nil || !bytes.Equal(byItself.Key("x"), want) || byItself.Epoch() != 2 {
		t.Fatalf("by the vault: %v", err)
	}
	for how, open := range map[string]func() (*Vault, error){
		"password": func() (*Vault, error) { return openCheap(to, secret) },
		"code":     func() (*Vault, error) { return cheapRecovery(to, code) },
	} {
		again, err := open()
		if err != nil || !bytes.Equal(again.Key("x"), want) {
			t.Fatalf("by %s: %v", how, err)
		}
		must(t, again.Rotate().Commit()) // it is a vault like any
		want = again.Key("x")
	}
	if _, err := openCheap(to, another); err != ErrWrong {
		t.Errorf("a password of after: %v", err)
	}
	if _, err := cheapBoot(to, find); err != ErrNoBoot {
		t.Errorf("the boot slot: %v", err)
	}
	for _, path := range copies(to) {
		must(t, os.WriteFile(path, c.File(), 0o600))
	}
	_, _, other := cheapVault(t)
	if _, err := other.OpenCopy(to); err != ErrWrong {
		t.Errorf("by another vault: %v", err)
	}
	c.Close()
	if _, err := v.OpenCopy(to); err != ErrWrong {
		t.Errorf("once it is closed: %v", err)
	}
}

// What is due for a new data key stays so, whatever is changed before that is drawn.
func TestStaleStays(t *testing.T) {
	_, _, v := cheapVault(t)
	must(t, v.ChangePassword(another, nil, 0))
	isStale(t, v, true)
	code, err := v.NewRecoveryCode() // which takes no slot out yet
	must(t, err)
	isStale(t, v, true)
	must(t, v.Rotate().Commit())
	isStale(t, v, false)
	must(t, v.ConfirmRecovery(code))
	isStale(t, v, true)
}
