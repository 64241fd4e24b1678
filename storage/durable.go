package storage

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// SyncDir makes the names in a folder survive a power cut, where its file system
// has a way to. Errors as those of Full.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("storage: %w", err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.ENOTSUP) {
		return fmt.Errorf("storage: %w", Full(err))
	}
	return nil
}

// errNoFile says that something else has a file's name.
var errNoFile = errors.New("not a file")

// ReadFile gives up to most bytes of a file. Of a pipe or a device by its name it reads
// nothing: whoever opens those may wait for ever.
func ReadFile(path string, most int64) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("storage: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errNoFile
	}
	if err != nil {
		return nil, fmt.Errorf("storage: %s: %w", path, err)
	}
	return io.ReadAll(io.LimitReader(f, most))
}

// Inside tells whether path, which need not exist, is dir or lies in it, however
// links lead there.
func Inside(dir, path string) bool {
	rel, err := filepath.Rel(resolved(dir), resolved(path))
	return err == nil && filepath.IsLocal(rel)
}

// resolved follows the links of as much of path as exists.
func resolved(path string) string {
	real, err := filepath.EvalSymlinks(path)
	if parent := filepath.Dir(path); err != nil && parent != path {
		return filepath.Join(resolved(parent), filepath.Base(path))
	}
	if err != nil {
		return path
	}
	return real
}

// Rename gives a file another name, but never that of another file: fs.ErrExist then.
// It is durable after SyncDir.
func Rename(from, to string) error {
	err := os.Link(from, to)
	if err == nil {
		return os.Remove(from)
	}
	if errors.Is(err, fs.ErrExist) {
		return err
	}
	if _, there := os.Lstat(to); there == nil { // a file system without links
		return fs.ErrExist
	}
	return os.Rename(from, to)
}

// Place puts raw at path, mode 0600: after a power cut either what was there
// before or raw is there, whole. Errors as those of Full.
func Place(path string, raw []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".ingle-*")
	if err != nil {
		return fmt.Errorf("storage: %w", Full(err))
	}
	_, err = f.Write(raw)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("storage: %w", errors.Join(Full(err), os.Remove(f.Name())))
	}
	return SyncDir(filepath.Dir(path))
}
