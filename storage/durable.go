package storage

import (
	"errors"
	"fmt"
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
