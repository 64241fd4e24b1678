package storage_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/ingle-home/ingle/storage"
)

func TestAcquire(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	lock, err := storage.Acquire(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := storage.Acquire(dir); err != storage.ErrInUse {
		t.Errorf("a second time: %v", err)
	}
	if err := lock.Release(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	lock, err = storage.Acquire(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Release()
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("a folder that was open to all is now %v, %v", info.Mode(), err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := storage.Acquire(file); err == nil || errors.Is(err, storage.ErrInUse) {
		t.Errorf("a file in place of the folder: %v", err)
	}
}

func TestFull(t *testing.T) {
	full := &fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}
	if err := storage.Full(full); !errors.Is(err, storage.ErrFull) || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("no space: %v", err)
	}
	if err := storage.Full(syscall.EACCES); errors.Is(err, storage.ErrFull) || storage.Full(nil) != nil {
		t.Errorf("another error: %v", err)
	}
}

// What is placed replaces what was there, whole, under no other name and for no other user.
func TestPlace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	for _, raw := range []string{"old and longer", "new"} {
		if err := storage.Place(path, []byte(raw)); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != raw {
			t.Errorf("%q, %v; want %q", got, err, raw)
		}
	}
	if all, err := os.ReadDir(filepath.Dir(path)); err != nil || len(all) != 1 {
		t.Errorf("%v, %v", all, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != storage.FileMode {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if err := storage.Place(filepath.Join(path, "x"), nil); err == nil {
		t.Error("a file in a file is placed")
	}
}

// A folder is found again through links, and whether or not what lies in it exists.
func TestInside(t *testing.T) {
	dir, link := t.TempDir(), filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{
		dir: true, link: true, filepath.Join(dir, "new", "x"): true, filepath.Join(link, "new", "x"): true,
		filepath.Dir(dir): false, dir + "-other": false, filepath.Join(filepath.Dir(link), "x"): false,
	} {
		if got := storage.Inside(dir, path); got != want {
			t.Errorf("%s in %s: %v", path, dir, got)
		}
	}
}
