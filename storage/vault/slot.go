package vault

import (
	"encoding/hex"
	"fmt"
	"os"
	"runtime/debug"
	"syscall"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

const (
	kindPassword = "password"
	kindRecovery = "recovery"
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

// slot is one way in: the vault key, sealed under what a person knows.
type slot struct {
	ID   string `json:"id"`
	Kind string `json:"kind"`
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
	case kindRecovery:
		if k.Name != kdfHKDF || k.cost != (cost{}) {
			return fmt.Errorf("key derivation out of bounds")
		}
	default:
		return fmt.Errorf("unknown kind")
	}
	return nil
}

// aad binds a slot to its vault and to what it says about itself, so that
// cheaper parameters cannot be written into it.
func (f *keyFile) aad(s *slot) []byte {
	var e encoding
	e.number(uint64(f.V))
	e.bytes(f.Vault)
	e.identity(s)
	return e.out
}

func (f *keyFile) add(kind string, k kdf, salt, key []byte, vaultKey *[keySize]byte) {
	s := slot{ID: hex.EncodeToString(random(8)), Kind: kind, KDF: k, Salt: salt}
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
	f.add(kindPassword, kdf{kdfArgon2id, c}, salt, key, vaultKey)
	return nil
}

func (f *keyFile) addRecovery(secret []byte, vaultKey *[keySize]byte) {
	salt := random(saltSize)
	f.add(kindRecovery, kdf{Name: kdfHKDF}, salt, recoveryKey(secret, salt), vaultKey)
}

func (f *keyFile) unlockPassword(dir, password string) (*[keySize]byte, error) {
	return f.unlock(kindPassword, func(s *slot) ([]byte, error) {
		return stretch(dir, password, s.Salt, s.KDF.cost)
	})
}

func (f *keyFile) unlockRecovery(secret []byte) (*[keySize]byte, error) {
	return f.unlock(kindRecovery, func(s *slot) ([]byte, error) {
		return recoveryKey(secret, s.Salt), nil
	})
}

func (f *keyFile) unlock(kind string, keyOf func(*slot) ([]byte, error)) (*[keySize]byte, error) {
	for i := range f.Slots {
		s := &f.Slots[i]
		if s.Kind != kind {
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
	d, err := os.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("vault: %w", err)
	}
	defer d.Close()
	for {
		err := syscall.Flock(int(d.Fd()), syscall.LOCK_EX)
		if err == nil {
			break
		}
		if err != syscall.EINTR {
			return nil, fmt.Errorf("vault: lock: %w", err)
		}
	}
	plain := norm.NFKC.Bytes([]byte(password))
	defer clear(plain)
	defer debug.FreeOSMemory() // 64 MiB that nothing needs again: a small computer has 1 GiB in all
	return argon2.IDKey(plain, salt, c.T, c.MKiB, c.P, keySize), nil
}
