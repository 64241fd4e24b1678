// Package vaulttest has keys for the tests of a package: making a vault costs an Argon2id computation,
// opening a copy of one by its recovery code nothing.
package vaulttest

import (
	"errors"
	"fmt"
	"os"

	"github.com/ingle-home/ingle/storage/vault"
)

// Password is that of the vault.
const Password = "quokka umbrella tarmac violin"

// Child processes have the keys of their parent.
const (
	envKeys = "INGLE_TEST_KEYS" // the folder with keys.json
	envCode = "INGLE_TEST_CODE" // its recovery code
)

// Main runs tests that use the keys, and gives their exit code: os.Exit(vaulttest.Main(m.Run)).
func Main(run func() int) int {
	if os.Getenv(envKeys) != "" {
		return run()
	}
	end, err := begin()
	if err != nil {
		fmt.Fprintln(os.Stderr, "vaulttest:", err)
		return 1
	}
	defer end()
	return run()
}

func begin() (end func(), err error) {
	dir, err := os.MkdirTemp("", "ingle-keys-")
	if err != nil {
		return nil, err
	}
	end = func() { _ = os.RemoveAll(dir) } // a test that leaves it open has failed already
	v, code, err := vault.Create(dir, Password)
	if err == nil {
		err = errors.Join(v.Close(), os.Setenv(envKeys, dir), os.Setenv(envCode, code))
	}
	if err != nil {
		end()
	}
	return end, err
}

// Code is the recovery code of the vault.
func Code() string { return os.Getenv(envCode) }

// Give puts the keys into a folder.
func Give(dir string) error { return os.CopyFS(dir, os.DirFS(os.Getenv(envKeys))) }

// Open opens the keys in a folder that has them.
func Open(dir string) (*vault.Vault, error) { return vault.OpenRecovery(dir, Code()) }
