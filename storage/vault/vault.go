// Package vault holds the keys of a hub's storage.
//
// A random data key seals everything. It lies in keys.json, sealed to a pair of
// keys once per slot, and the pair lies there too: under the household's password
// (Argon2id), under the recovery code (128 random bits) and, if the household
// wants the hub to start by itself, under a random key that a Boot keeps
// elsewhere. There is no other way in, and two vaults share no byte of secret. Keys for a use are derived from the data key by purpose; what must be
// forgettable gets a random key instead, wrapped under a purpose key, because a
// derived key can be derived again.
//
// Slots change without touching what is stored: see change.go and boot.go. A
// rotation draws a new data key, for which what is stored must be written anew:
// see rotate.go. It is sealed to the slots of that day, so a secret that was
// replaced before opens nothing of what is sealed afterwards, not even with a copy
// of keys.json from when it did.
//
// keys.json has a twin, keys.twin.json, of the same revision: one damaged copy
// still opens, and an older generation, which an old password would open, is
// never kept. The format is described in keyfile.go.
package vault

import (
	"bytes"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"time"

	"github.com/ingle-home/ingle/storage/ram"
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
	id  string
	dir string
	min cost // that its file's slots must have

	mu    sync.RWMutex
	epoch uint64
	keys  *keys // nil once closed
	out   []*Copy
}

// keys are behind a pointer of their own, so that %v never prints them, and on a page
// of their own, see ram.
type keys struct {
	data [keySize]byte
	way  pair // by which the vault was opened: a rotation is tried with it
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

// CreateFor is Create with a password slot of which one try takes about as long
// as effort on this machine; see Effort.
func CreateFor(dir, password string, effort time.Duration) (v *Vault, recoveryCode string, err error) {
	if err := Judge(password, nil); err != nil { // before it costs anything
		return nil, "", err
	}
	c, err := calibrate(dir, effort)
	if err != nil {
		return nil, "", err
	}
	return create(dir, password, c)
}

// Open opens the vault in dir with the household's password: ErrWrong,
// ErrDamaged, or fs.ErrNotExist if there is none. It takes the time and memory
// of one Argon2id computation (two if the copies differ) and waits for others
// on the same folder.
func Open(dir, password string) (*Vault, error) {
	return open(dir, floor, func(f *keyFile) (*pair, error) {
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
	return open(dir, min, func(f *keyFile) (*pair, error) {
		return f.unlockRecovery(secret)
	})
}

// ID is the vault's random identity, 16 bytes. It is no secret.
func (v *Vault) ID() []byte { return []byte(v.id) }

// Epoch counts the rotations of the data key, from 1. It is part of the
// database files' names.
func (v *Vault) Epoch() uint64 {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.epoch
}

// Outdated tells whether keys of a later epoch lie beside those that were opened. Somebody
// put an old copy there, and what opens it is an older secret; or the other is forged.
// What is stored tells which.
func (v *Vault) Outdated() bool {
	found, err := readCopies(v.dir, v.min)
	return err == nil && (&keyFile{Vault: v.ID(), Epoch: v.Epoch()}).outdated(found)
}

// Key derives the 32-byte key of one purpose, such as "hub/blind-index". The
// same purpose gives the same key as long as the data key lives. After Close
// it is nil, which no cipher accepts.
func (v *Vault) Key(purpose string) []byte {
	v.mu.RLock()
	defer v.mu.RUnlock()
	if v.keys == nil {
		return nil
	}
	return derive(v.keys.data[:], []byte(v.id), purpose)
}

// Close wipes the vault's keys. Those that were derived before live on with those
// who asked for them.
func (v *Vault) Close() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.keys != nil {
		ram.Free(v.keys)
		v.keys = nil
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
	k := new(keys)
	rand.Read(k.data[:])
	way, err := f.addPassword(dir, password, c, &k.data)
	if err != nil {
		return nil, "", err
	}
	k.way = *way
	secret := random(codeSize)
	if err := f.addRecovery(secret, &k.data); err != nil {
		return nil, "", err
	}
	f.MAC = f.mac(&k.data)
	if err := f.write(dir); err != nil {
		return nil, "", err
	}
	return f.opened(dir, c, k), formatCode(secret), nil
}

// opened is the vault of a file whose keys are known, and which it takes.
func (f *keyFile) opened(dir string, min cost, k *keys) *Vault {
	held, _ := ram.New[keys]() // who may not lock a page has swap to think of anyway
	*held, *k = *k, keys{}
	return &Vault{id: string(f.Vault), dir: dir, min: min, epoch: f.Epoch, keys: held}
}

// open tries the copies, the newer first: a copy whose writing was cut short or
// that was tampered with must not keep the other from opening.
func open(dir string, min cost, unlock func(*keyFile) (*pair, error)) (*Vault, error) {
	found, err := readCopies(dir, min)
	if err != nil {
		return nil, err
	}
	verdict := ErrWrong
	for _, f := range found {
		way, err := unlock(f)
		if errors.Is(err, ErrWrong) {
			continue
		}
		if err != nil {
			return nil, err
		}
		newest, dek, err := settled(dir, min, f.known(way))
		if err != nil {
			return nil, err
		}
		if newest == nil {
			verdict = ErrDamaged
			continue
		}
		k := &keys{data: *dek, way: *way}
		clear(dek[:])
		*way = pair{}
		return newest.opened(dir, min, k), nil
	}
	return nil, verdict
}

// known are the keys that a pair gives of this copy.
func (f *keyFile) known(way *pair) *keys {
	k := &keys{way: *way}
	if dek, ok := f.openWith(way); ok && f.authentic(dek) {
		k.data = *dek
	}
	return k
}

// settled reads the copies again, since a change may have been made while the
// secret was tried, and brings both to the newest that these keys prove
// authentic; nil if there is none.
func settled(dir string, min cost, k *keys) (*keyFile, *[keySize]byte, error) {
	unlock, err := lockDir(dir)
	if err != nil {
		return nil, nil, err
	}
	defer unlock()
	found, err := readCopies(dir, min)
	if err != nil {
		return nil, nil, err
	}
	newest, dek := newestOf(found, k)
	if newest != nil && !newest.outdated(found) {
		// A full or read-only disk is no reason to keep the household out;
		// the next opening heals the twin, and so does the next change.
		_ = newest.heal(dir)
	}
	return newest, dek, nil
}

// outdated tells whether there is a copy of a later epoch, which whoever opened this
// one could not prove. Somebody put an old copy beside it: written over, the only
// way to what is stored since would be gone.
func (f *keyFile) outdated(found []*keyFile) bool {
	return slices.ContainsFunc(found, func(o *keyFile) bool { return o.Epoch > f.Epoch && bytes.Equal(o.Vault, f.Vault) })
}

// newestOf gives the newest copy that these keys prove authentic, and its data
// key; the copies are sorted. A write that a crash cut short left two copies. If it
// was that of a rotation their slots are the same and their data keys are not; after
// any other it is the other way round.
func newestOf(found []*keyFile, k *keys) (*keyFile, *[keySize]byte) {
	for _, f := range found {
		if dek, ok := f.openWith(&k.way); ok && f.authentic(dek) {
			return f, dek
		}
		if dek := k.data; dek != [keySize]byte{} && f.authentic(&dek) {
			return f, &dek
		}
	}
	return nil, nil
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
