package vault

import (
	"encoding/hex"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"syscall"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

const (
	kindPassword = "password"
	kindRecovery = "recovery"
	kindBoot     = "boot-" // and who keeps the key
	kdfArgon2id  = "argon2id"
	kdfHKDF      = "hkdf-sha256"
)

// cost is what one try at a password takes.
type cost struct {
	T    uint32 `json:"t"`     // passes
	MKiB uint32 `json:"m_kib"` // memory, KiB
	P    uint8  `json:"p"`     // lanes
}

// floor is RFC 9106's second recommended choice and the least that a password
// slot may have; ceiling is the most that a file may ask of us.
var (
	floor   = cost{T: 3, MKiB: 64 << 10, P: 4}
	ceiling = cost{T: 10, MKiB: 256 << 10, P: 8}
)

type kdf struct {
	Name string `json:"name"`
	cost
}

// slot is one way in: the vault key, sealed under what a person knows, or under
// what a Boot keeps.
type slot struct {
	ID   string `json:"id"`
	Kind string `json:"kind"`
	At   string `json:"at,omitempty"` // where a Boot keeps its key
	KDF  kdf    `json:"kdf"`
	Salt []byte `json:"salt"`
	sealed
}

func (s *slot) check(min cost) error {
	if len(s.ID) == 0 || len(s.ID) > maxWord || len(s.Salt) != saltSize || !s.fits() {
		return fmt.Errorf("a field is out of shape")
	}
	switch k := s.KDF; s.Kind {
	case kindPassword:
		if k.Name != kdfArgon2id || k.T < min.T || k.MKiB < min.MKiB || k.P < 1 ||
			k.T > ceiling.T || k.MKiB > ceiling.MKiB || k.P > ceiling.P {
			return fmt.Errorf("key derivation out of bounds")
		}
	default:
		if s.Kind != kindRecovery && !s.isBoot() {
			return fmt.Errorf("unknown kind")
		}
		if k.Name != kdfHKDF || k.cost != (cost{}) {
			return fmt.Errorf("key derivation out of bounds")
		}
	}
	if len(s.Kind) > maxWord || len(s.At) > maxPlace || s.At != "" && !s.isBoot() {
		return fmt.Errorf("a field is out of shape")
	}
	return nil
}

func (s *slot) isBoot() bool { return strings.HasPrefix(s.Kind, kindBoot) }

// aad binds a slot to its vault and to what it says about itself, so that
// cheaper parameters cannot be written into it.
func (f *keyFile) aad(s *slot) []byte {
	var e encoding
	e.number(uint64(f.V))
	e.bytes(f.Vault)
	e.identity(s)
	return e.out
}

// add seals the vault key under key, which it wipes.
func (f *keyFile) add(kind, at string, k kdf, salt, key []byte, vaultKey *[keySize]byte) {
	s := slot{ID: hex.EncodeToString(random(8)), Kind: kind, At: at, KDF: k, Salt: salt}
	s.sealed = sealKey(key, vaultKey, f.aad(&s))
	clear(key)
	f.Slots = append(f.Slots, s)
}

func (f *keyFile) addPassword(dir, password string, c cost, vaultKey *[keySize]byte) error {
	salt := random(saltSize)
	key, err := stretch(dir, password, salt, c)
	if err != nil {
		return err
	}
	f.add(kindPassword, "", kdf{kdfArgon2id, c}, salt, key, vaultKey)
	return nil
}

func (f *keyFile) addRecovery(secret []byte, vaultKey *[keySize]byte) {
	salt := random(saltSize)
	f.add(kindRecovery, "", kdf{Name: kdfHKDF}, salt, recoveryKey(secret, salt), vaultKey)
}

func (f *keyFile) unlockPassword(dir, password string) (*[keySize]byte, error) {
	return f.unlock(isKind(kindPassword), func(s *slot) ([]byte, error) {
		return stretch(dir, password, s.Salt, s.KDF.cost)
	})
}

func (f *keyFile) unlockRecovery(secret []byte) (*[keySize]byte, error) {
	return f.unlock(isKind(kindRecovery), func(s *slot) ([]byte, error) {
		return recoveryKey(secret, s.Salt), nil
	})
}

func isKind(kind string) func(*slot) bool { return func(s *slot) bool { return s.Kind == kind } }

func (f *keyFile) unlock(which func(*slot) bool, keyOf func(*slot) ([]byte, error)) (*[keySize]byte, error) {
	for i := range f.Slots {
		s := &f.Slots[i]
		if !which(s) {
			continue
		}
		key, err := keyOf(s)
		if err != nil {
			return nil, err
		}
		vaultKey, ok := openKey(key, s.sealed, f.aad(s))
		clear(key)
		if ok {
			return vaultKey, nil
		}
	}
	return nil, ErrWrong
}

// recoveryKey needs no slow derivation: 128 random bits cannot be tried out.
func recoveryKey(secret, salt []byte) []byte {
	return derive(secret, salt, "hub/slot/recovery")
}

// stretch is Argon2id over the NFKC form of the password: the same characters
// typed on another keyboard must open the same slot. The folder is locked
// meanwhile, so that however many ask, one computation's memory is in use.
func stretch(dir, password string, salt []byte, c cost) ([]byte, error) {
	unlock, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	defer unlock()
	plain := norm.NFKC.Bytes([]byte(password))
	defer clear(plain)
	defer debug.FreeOSMemory() // 64 MiB that nothing needs again: a small computer has 1 GiB in all
	return argon2.IDKey(plain, salt, c.T, c.MKiB, c.P, keySize), nil
}

// lockDir waits for the folder's flock, which is not the lock of a running hub.
func lockDir(dir string) (unlock func(), err error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("vault: %w", err)
	}
	for {
		err := syscall.Flock(int(d.Fd()), syscall.LOCK_EX)
		if err == nil {
			return func() { d.Close() }, nil
		}
		if err != syscall.EINTR {
			d.Close()
			return nil, fmt.Errorf("vault: lock: %w", err)
		}
	}
}
