// Package vault keeps the app's key: in the keyring of the system where there is one, else in a file that
// only its owner can read. It is never in the app's preferences, which are a plain file, and never in a log.
package vault

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/zalando/go-keyring"

	"github.com/ingle-home/ingle/hub/api/client"
)

const (
	program = "home.ingle.app"
	user    = "hub"
)

// Vault is a client.Vault.
type Vault struct{ file client.File }

// New keeps the key in the keyring, or in that file while there is none. What an earlier app left in the
// file goes on to count.
func New(file client.File) Vault { return Vault{file} }

// Load gives the key. A keyring that does not answer is no error: the key may be in the file.
func (v Vault) Load() (client.Self, error) {
	self, err := v.file.Load()
	if err != nil || len(self.Key) > 0 || !reachable() {
		return self, err
	}
	raw, err := keyring.Get(program, user)
	if err != nil {
		return client.Self{}, nil // it has none, or does not tell: then the app is paired anew
	}
	if err := json.Unmarshal([]byte(raw), &self); err != nil {
		return client.Self{}, errors.New("vault: the app's key in the keyring is damaged") // what json says would show it
	}
	return self, nil
}

// Save replaces the key: in the keyring, and then not in the file.
func (v Vault) Save(self client.Self) error {
	if len(self.Key) == 0 {
		return v.clear()
	}
	raw, err := json.Marshal(self)
	if err != nil {
		return fmt.Errorf("vault: %w", err)
	}
	if !reachable() || keyring.Set(program, user, string(raw)) != nil {
		return v.file.Save(self)
	}
	return v.drop()
}

// clear forgets the key wherever it is.
func (v Vault) clear() error {
	if reachable() {
		_ = keyring.Delete(program, user) // most often there is none
	}
	return v.drop()
}

func (v Vault) drop() error {
	if err := os.Remove(string(v.file)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("vault: %w", err)
	}
	return nil
}

// reachable says whether there may be a keyring. On Linux it is behind the session's bus, and asking where
// there is no bus would start one.
func reachable() bool {
	switch runtime.GOOS {
	case "darwin", "windows":
		return true
	case "linux", "freebsd", "openbsd", "netbsd":
		if os.Getenv("DBUS_SESSION_BUS_ADDRESS") != "" {
			return true
		}
		dir := os.Getenv("XDG_RUNTIME_DIR")
		_, err := os.Stat(filepath.Join(dir, "bus"))
		return dir != "" && err == nil
	}
	return false
}
