package vault

import (
	"crypto/ecdh"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

// errUntrue says that a slot was made and does not open.
var errUntrue = errors.New("vault: a slot does not open as it was made")

const (
	kindPassword = "password"
	kindRecovery = "recovery"
	kindBoot     = "boot-" // and who keeps the key
	kdfArgon2id  = "argon2id"
	kdfHKDF      = "hkdf-sha256"
	sharePurpose = "hub/keys/slots"
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

// slot is one way in. What a person knows, or what a Boot keeps, opens its pair of
// keys; the data key is sealed to the pair, so that an open vault can seal another
// one for a secret that it does not know. Whoever has opened a slot once knows the
// pair for ever, and that helps only as long as the slot is in the file.
//
// Anybody can seal to a public key, so the shared key takes part: only an open
// vault and the pair's owner know it. Without it somebody who can write the file
// could put a data key of their own into it.
type slot struct {
	ID   string `json:"id"`
	Kind string `json:"kind"`
	At   string `json:"at,omitempty"` // where a Boot keeps its key
	KDF  kdf    `json:"kdf"`
	Salt []byte `json:"salt"`
	sealed
	Pub   []byte `json:"pub"`
	Share sealed `json:"share"`
	DEK   letter `json:"dek"`
}

// letter is the data key as it is sealed to one slot.
type letter struct {
	Eph []byte `json:"eph"`
	sealed
}

// pair is what opens a slot's letters. The zero pair is of no slot.
type pair struct {
	slot            word
	private, shared [keySize]byte
}

// word is a slot's id where it lies with keys: on a page of ram.New there are no texts.
type word [maxWord]byte

func wordOf(id string) (w word) {
	copy(w[:], id)
	return w
}

func (s *slot) check(min cost) error {
	if len(s.ID) == 0 || len(s.ID) > maxWord || len(s.Salt) != saltSize || !s.fits(2*keySize) ||
		len(s.Pub) != keySize || !s.Share.fits(keySize) || len(s.DEK.Eph) != keySize || !s.DEK.fits(keySize) {
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

// letterAAD is aad and the epoch.
func (f *keyFile) letterAAD(s *slot) []byte {
	e := encoding{f.aad(s)}
	e.number(f.Epoch)
	return e.out
}

// add makes a slot that key opens, which it wipes, and tries it.
func (f *keyFile) add(kind, at string, k kdf, salt, key []byte, dek *[keySize]byte) (*pair, error) {
	defer clear(key)
	private, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("vault: %w", err)
	}
	s := slot{ID: hex.EncodeToString(random(8)), Kind: kind, At: at, KDF: k, Salt: salt, Pub: private.PublicKey().Bytes()}
	p := &pair{slot: wordOf(s.ID), private: [keySize]byte(private.Bytes()), shared: [keySize]byte(random(keySize))}
	plain := append(p.private[:len(p.private):len(p.private)], p.shared[:]...)
	defer clear(plain)
	s.sealed = seal(key, plain, f.aad(&s))
	if err := f.deliver(&s, p.shared[:], dek); err != nil {
		return nil, err
	}
	if err := s.check(cost{}); err != nil {
		return nil, fmt.Errorf("vault: a new slot: %w", err)
	}
	f.Slots = append(f.Slots, s)
	return p, f.try(&f.Slots[len(f.Slots)-1], key, dek)
}

// try tells whether a slot gives the data key to whoever has the slot's key.
func (f *keyFile) try(s *slot, key []byte, dek *[keySize]byte) error {
	p, ok := f.pairOf(s, key)
	if !ok {
		return errUntrue
	}
	return f.prove(p, dek)
}

// prove tells whether a pair opens the file, if its slot is still there.
func (f *keyFile) prove(p *pair, dek *[keySize]byte) error {
	if f.count(func(s *slot) bool { return wordOf(s.ID) == p.slot }) == 0 {
		return nil
	}
	if got, ok := f.openWith(p); !ok || *got != *dek {
		return errUntrue
	}
	return nil
}

// deliver seals the data key to a slot, of which it needs no secret but the
// shared key.
func (f *keyFile) deliver(s *slot, shared []byte, dek *[keySize]byte) error {
	pub, err := ecdh.X25519().NewPublicKey(s.Pub)
	if err != nil {
		return fmt.Errorf("vault: slot %s: %w", s.ID, err)
	}
	eph, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return fmt.Errorf("vault: %w", err)
	}
	point, err := eph.ECDH(pub)
	if err != nil {
		return fmt.Errorf("vault: slot %s: %w", s.ID, err)
	}
	s.DEK.Eph = eph.PublicKey().Bytes()
	key := f.letterKey(s, point, shared)
	defer clear(key)
	s.DEK.sealed = seal(key, dek[:], f.letterAAD(s))
	s.Share = seal(derive(dek[:], f.Vault, sharePurpose), shared, f.aad(s))
	return nil
}

func (f *keyFile) letterKey(s *slot, point, shared []byte) []byte {
	var e encoding
	e.bytes([]byte("hub/slot/dek"))
	e.bytes(s.DEK.Eph)
	e.bytes(s.Pub)
	secret := slices.Concat(point, shared)
	defer clear(secret)
	return derive(secret, f.Vault, string(e.out))
}

// renew seals another data key to every slot, for the epoch that f says. The file
// must have been authentic: it is the MAC that vouches for the public keys.
func (f *keyFile) renew(old, dek *[keySize]byte, epoch uint64) error {
	f.Epoch, f.Stale = epoch, false
	under := derive(old[:], f.Vault, sharePurpose)
	defer clear(under)
	for i := range f.Slots {
		s := &f.Slots[i]
		shared, ok := s.Share.open(under, f.aad(s))
		if !ok {
			return fmt.Errorf("%w: slot %s", ErrDamaged, s.ID)
		}
		err := f.deliver(s, shared, dek)
		clear(shared)
		if err != nil {
			return err
		}
	}
	return nil
}

func (f *keyFile) addPassword(dir, password string, c cost, dek *[keySize]byte) (*pair, error) {
	salt := random(saltSize)
	key, err := stretch(dir, password, salt, c)
	if err != nil {
		return nil, err
	}
	return f.add(kindPassword, "", kdf{kdfArgon2id, c}, salt, key, dek)
}

func (f *keyFile) addRecovery(secret []byte, dek *[keySize]byte) error {
	salt := random(saltSize)
	_, err := f.add(kindRecovery, "", kdf{Name: kdfHKDF}, salt, recoveryKey(secret, salt), dek)
	return err
}

func (f *keyFile) unlockPassword(dir, password string) (*pair, error) {
	return f.unlock(isKind(kindPassword), func(s *slot) ([]byte, error) {
		return stretch(dir, password, s.Salt, s.KDF.cost)
	})
}

func (f *keyFile) unlockRecovery(secret []byte) (*pair, error) {
	return f.unlock(isKind(kindRecovery), func(s *slot) ([]byte, error) {
		return recoveryKey(secret, s.Salt), nil
	})
}

func isKind(kind string) func(*slot) bool { return func(s *slot) bool { return s.Kind == kind } }

// unlock gives the pair of the slot that one of the keys opens.
func (f *keyFile) unlock(which func(*slot) bool, keyOf func(*slot) ([]byte, error)) (*pair, error) {
	for i := range f.Slots {
		s := &f.Slots[i]
		if !which(s) {
			continue
		}
		key, err := keyOf(s)
		if err != nil {
			return nil, err
		}
		p, ok := f.pairOf(s, key)
		clear(key)
		if ok {
			return p, nil
		}
	}
	return nil, ErrWrong
}

func (f *keyFile) pairOf(s *slot, key []byte) (*pair, bool) {
	plain, ok := s.sealed.open(key, f.aad(s))
	if !ok {
		return nil, false
	}
	defer clear(plain)
	return &pair{wordOf(s.ID), [keySize]byte(plain[:keySize]), [keySize]byte(plain[keySize:])}, true
}

// openWith gives the data key to a pair's owner. Whether it is the vault's the MAC
// says.
func (f *keyFile) openWith(p *pair) (*[keySize]byte, bool) {
	for i := range f.Slots {
		s := &f.Slots[i]
		if wordOf(s.ID) != p.slot {
			continue
		}
		private, err := ecdh.X25519().NewPrivateKey(p.private[:])
		if err != nil {
			return nil, false
		}
		eph, err := ecdh.X25519().NewPublicKey(s.DEK.Eph)
		if err != nil {
			return nil, false
		}
		point, err := private.ECDH(eph)
		if err != nil {
			return nil, false
		}
		key := f.letterKey(s, point, p.shared[:])
		defer clear(key)
		plain, ok := s.DEK.open(key, f.letterAAD(s))
		if !ok {
			return nil, false
		}
		defer clear(plain)
		dek := [keySize]byte(plain)
		return &dek, true
	}
	return nil, false
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
