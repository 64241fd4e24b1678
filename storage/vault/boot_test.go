package vault

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ingle-home/ingle/storage"
)

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
	return key, storage.Place(p.path(), key)
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
