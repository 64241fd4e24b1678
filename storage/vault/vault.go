// Package vault holds the keys of a hub's storage.
//
// A random data key seals everything. It lies in keys.json, sealed under a
// random vault key, which lies there once per slot: under the household's
// password (Argon2id) and under the recovery code (128 random bits). There is
// no other way in, and two vaults share no byte of secret. Keys for a use are
// derived from the data key by purpose; what must be forgettable gets a random
// key instead, wrapped under a purpose key, because a derived key can be
// derived again.
//
// keys.json has a twin, keys.twin.json, of the same revision: one damaged copy
// still opens, and an older generation, which an old password would open, is
// never kept. The format is described in keyfile.go.
package vault

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
)

var (
	// ErrWrong is the one answer to every secret that opens nothing, whatever
	// is wrong with it.
	ErrWrong = errors.New("vault: this password or recovery code does not open it")
	// ErrDamaged says that no copy of keys.json is whole and authentic.
	ErrDamaged = errors.New("vault: keys.json and its twin are damaged")
)

// Vault is an open vault. It is safe for concurrent use.
type Vault struct {
	id    string
	epoch uint64

	mu  sync.RWMutex
	dek *[keySize]byte // a pointer, so that %v never prints it; nil once closed
}

// Exists tells whether dir holds a vault, whole or not.
func Exists(dir string) bool {
	return slices.ContainsFunc(copies(dir), isFile)
}

// Create makes a vault in dir, which must exist, and opens it. The recovery
// code is returned this one time and kept nowhere. A password that Judge
// refuses gives its *Refusal, a second vault fs.ErrExist, a full disk
// storage.ErrFull.
func Create(dir, password string) (v *Vault, recoveryCode string, err error) {
	return create(dir, password, floor)
}

// Open opens the vault in dir with the household's password: ErrWrong,
// ErrDamaged, or fs.ErrNotExist if there is none. It takes the time and memory
// of one Argon2id computation (two if the copies differ) and waits for others
// on the same folder.
func Open(dir, password string) (*Vault, error) {
	return open(dir, floor, func(f *keyFile) (*[keySize]byte, error) {
		return f.unlockPassword(dir, password)
	})
}

// OpenRecovery opens the vault in dir with the recovery code, as printed or as
// a person types it: case, spaces, hyphens and the look-alikes O, I and L do
// not matter. Errors as Open.
func OpenRecovery(dir, code string) (*Vault, error) {
	return openRecovery(dir, code, floor)
}

func openRecovery(dir, code string, min cost) (*Vault, error) {
	secret, err := parseCode(code)
	if err != nil && Exists(dir) {
		return nil, ErrWrong
	}
	return open(dir, min, func(f *keyFile) (*[keySize]byte, error) {
		return f.unlockRecovery(secret)
	})
}

// ID is the vault's random identity, 16 bytes. It is no secret.
func (v *Vault) ID() []byte { return []byte(v.id) }

// Epoch counts the rotations of the data key, from 1. It is part of the
// database files' names.
func (v *Vault) Epoch() uint64 { return v.epoch }

// Key derives the 32-byte key of one purpose, such as "hub/blind-index". The
// same purpose gives the same key as long as the data key lives. After Close
// it is nil, which no cipher accepts.
func (v *Vault) Key(purpose string) []byte {
	v.mu.RLock()
	defer v.mu.RUnlock()
	if v.dek == nil {
		return nil
	}
	return derive(v.dek[:], []byte(v.id), purpose)
}

// Close wipes the data key. Keys that were derived before live on with those
// who asked for them.
func (v *Vault) Close() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.dek != nil {
		clear(v.dek[:])
		v.dek = nil
	}
	return nil
}

func create(dir, password string, c cost) (*Vault, string, error) {
	if err := Judge(password, nil); err != nil {
		return nil, "", err
	}
	if Exists(dir) {
		return nil, "", fmt.Errorf("vault: %w", fs.ErrExist)
	}
	f := &keyFile{V: formatVersion, Vault: random(idSize), Rev: 1, Epoch: 1}
	vaultKey, dek := new([keySize]byte), new([keySize]byte)
	rand.Read(vaultKey[:])
	rand.Read(dek[:])
	defer clear(vaultKey[:])

	if err := f.addPassword(dir, password, c, vaultKey); err != nil {
		return nil, "", err
	}
	secret := random(codeSize)
	f.addRecovery(secret, vaultKey)
	f.sealDEK(vaultKey, dek)
	f.MAC = f.mac(dek)
	if err := f.write(dir); err != nil {
		return nil, "", err
	}
	return &Vault{id: string(f.Vault), epoch: f.Epoch, dek: dek}, formatCode(secret), nil
}

// open tries the copies, the newer first: a copy whose writing was cut short or
// that was tampered with must not keep the other from opening.
func open(dir string, min cost, unlock func(*keyFile) (*[keySize]byte, error)) (*Vault, error) {
	found, err := readCopies(dir, min)
	if err != nil {
		return nil, err
	}
	verdict := ErrWrong
	for _, f := range found {
		vaultKey, err := unlock(f)
		if errors.Is(err, ErrWrong) {
			continue
		}
		if err != nil {
			return nil, err
		}
		dek, ok := f.openDEK(vaultKey)
		clear(vaultKey[:])
		if !ok || !f.authentic(dek) {
			verdict = ErrDamaged
			continue
		}
		newest := f
		for _, other := range found {
			if other.Rev > newest.Rev && other.authentic(dek) {
				newest = other
			}
		}
		// A full or read-only disk is no reason to keep the household out;
		// the next opening heals the twin.
		_ = newest.heal(dir)
		return &Vault{id: string(newest.Vault), epoch: newest.Epoch, dek: dek}, nil
	}
	return nil, verdict
}

func derive(secret, salt []byte, purpose string) []byte {
	key, err := hkdf.Key(sha256.New, secret, salt, purpose, keySize)
	if err != nil {
		// Only a length over 8160 bytes fails; ours is constant.
		panic("vault: hkdf: " + err.Error())
	}
	return key
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}
