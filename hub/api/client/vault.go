package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// File is a Vault in a file that only its owner can read (0600). The keyring of the system would be
// another one.
type File string

// DefaultVault is where this user's app keeps its key.
func DefaultVault() File {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "ingle-app.json"
	}
	return File(filepath.Join(dir, "ingle", "app.json"))
}

// Load reads the file. One that others can read is refused: its key is no secret any more.
func (f File) Load() (Self, error) {
	info, err := os.Stat(string(f))
	if errors.Is(err, fs.ErrNotExist) {
		return Self{}, nil
	} else if err != nil {
		return Self{}, fmt.Errorf("client: the app's key: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 && os.PathSeparator == '/' {
		return Self{}, fmt.Errorf("client: others can read %s (%v)", string(f), mode)
	}
	raw, err := os.ReadFile(string(f))
	if err != nil {
		return Self{}, fmt.Errorf("client: the app's key: %w", err)
	}
	var s Self
	if err := json.Unmarshal(raw, &s); err != nil {
		return Self{}, fmt.Errorf("client: the app's key: %w", err)
	}
	return s, nil
}

// Save replaces the file, whole and durable.
func (f File) Save(s Self) error {
	raw, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("client: the app's key: %w", err)
	}
	dir := filepath.Dir(string(f))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("client: the app's key: %w", err)
	}
	t, err := os.CreateTemp(dir, ".app-*") // mode 0600
	if err != nil {
		return fmt.Errorf("client: the app's key: %w", err)
	}
	_, err = t.Write(raw)
	if err == nil {
		err = t.Sync()
	}
	if err = errors.Join(err, t.Close()); err == nil {
		err = os.Rename(t.Name(), string(f))
	}
	if err != nil {
		return fmt.Errorf("client: the app's key: %w", errors.Join(err, os.Remove(t.Name())))
	}
	return nil
}
