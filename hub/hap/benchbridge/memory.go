package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"

	"github.com/ingle-home/ingle/hub/archive"
	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/storage"
	"github.com/ingle-home/ingle/storage/records"
	"github.com/ingle-home/ingle/storage/vault"
)

// sealed is the memory of a bridge with a store: the document that the hub keeps of its main bridge.
type sealed struct{ archive.Document[hap.State] }

func (s sealed) Load(ctx context.Context) (hap.State, error) {
	state, err := s.Document.Load(ctx)
	if errors.Is(err, archive.ErrNone) {
		return state, hap.ErrNoState
	}
	return state, err
}

// openMemory opens the store in dir, or makes one; without dir nothing is kept.
func openMemory(dir string) (_ hap.Memory, closeAll func() error, err error) {
	if dir == "" {
		return &hap.Fleeting{}, func() error { return nil }, nil
	}
	lock, err := storage.Acquire(dir)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", dir, err)
	}
	v, err := openVault(dir)
	if err != nil {
		return nil, nil, errors.Join(err, lock.Release())
	}
	store, err := records.Open(dir, v, archive.Personal()...)
	if err != nil {
		return nil, nil, errors.Join(err, v.Close(), lock.Release())
	}
	closeAll = func() error { return errors.Join(store.Close(), v.Close(), lock.Release()) }
	return sealed{archive.Document[hap.State]{Store: store, Name: "homekit/main"}}, closeAll, nil
}

// openVault opens the vault in dir with the recovery code that lies there. That takes no time; a
// password takes half a second, which is the price of a word that people can remember and no matter
// of HomeKit.
func openVault(dir string) (*vault.Vault, error) {
	path := filepath.Join(dir, "recovery-code")
	if vault.Exists(dir) {
		code, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		return vault.OpenRecovery(dir, string(code))
	}
	v, code, err := vault.Create(dir, rand.Text())
	if err != nil {
		return nil, err
	}
	debug.FreeOSMemory() // the password's 64 MiB, which no later start needs
	if err := writeSynced(path, code); err != nil {
		return nil, errors.Join(err, v.Close())
	}
	return v, nil
}

func writeSynced(path, text string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Sync(), f.Close())
}
