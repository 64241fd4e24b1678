package boot

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ingle-home/ingle/storage"
	"github.com/ingle-home/ingle/storage/vault"
)

const kindKeyFile = "boot-keyfile"

// keyLabel opens a key file, so that no other file is taken for one.
const keyLabel = "ingle-boot-key-1 "

// KeyFile keeps the key in a file of its own, mode 0600, at an absolute path. A
// file that is there already is used if it is a key file, and never changed.
func KeyFile(path string) vault.Boot { return keyFile(path) }

type keyFile string

func (f keyFile) Kind() string { return kindKeyFile }
func (f keyFile) At() string   { return string(f) }

func (f keyFile) Key(context.Context) ([]byte, error) {
	info, err := os.Stat(string(f))
	if err != nil {
		return nil, fmt.Errorf("boot: key file: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("boot: key file: %s is no file", f)
	}
	raw, err := readKey(string(f))
	if err != nil {
		return nil, fmt.Errorf("boot: key file: %w", err)
	}
	key, ok := parseKeyFile(raw)
	if !ok {
		return nil, fmt.Errorf("boot: key file: %s holds no key", f)
	}
	return key, nil
}

func parseKeyFile(raw []byte) (key []byte, ok bool) {
	signs, ok := bytes.CutPrefix(bytes.TrimSpace(raw), []byte(keyLabel))
	if !ok || len(signs) != hex.EncodedLen(keySize) {
		return nil, false
	}
	key, err := hex.DecodeString(string(signs))
	return key, err == nil
}

func formatKeyFile(key []byte) []byte { return []byte(keyLabel + hex.EncodeToString(key) + "\n") }

func (f keyFile) Make(ctx context.Context) ([]byte, error) {
	key, err := f.Key(ctx)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	key = make([]byte, keySize)
	rand.Read(key)
	if err := os.MkdirAll(filepath.Dir(string(f)), storage.DirMode); err != nil {
		return nil, fmt.Errorf("boot: key file: %w", err)
	}
	if err := storage.Place(string(f), formatKeyFile(key)); err != nil {
		return nil, fmt.Errorf("boot: key file: %w", err)
	}
	return key, nil
}

func (f keyFile) Drop(ctx context.Context) error {
	if _, err := f.Key(ctx); err != nil { // never a file that is none of ours
		return nil
	}
	if err := os.Remove(string(f)); err != nil {
		return fmt.Errorf("boot: key file: %w", err)
	}
	return storage.SyncDir(filepath.Dir(string(f)))
}
