package vault

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"

	"golang.org/x/crypto/chacha20poly1305"
)

// Format version 2 of keys.json. Every sealed part is XChaCha20-Poly1305; "bound
// to" names its additional data, each part preceded by its length (4 bytes, big
// endian), integers as 8 bytes big endian. A slot's words are its id, kind, at
// (only in slots whose kind begins with "boot-"), KDF, t, m_kib, p:
//
//	slots[].ct        the slot's private key and its shared key, under the slot
//	                  key, bound to v, vault and the slot's words
//	slots[].share.ct  the shared key again, under the key of purpose
//	                  "hub/keys/slots", bound to the same
//	slots[].dek.ct    the data key, under HKDF-SHA256(X25519 of eph and pub,
//	                  then the shared key; salt vault; info "hub/slot/dek", eph,
//	                  pub), bound to the same and the epoch
//	mac               HMAC-SHA256 over the same encoding of every other field,
//	                  under the key of purpose "hub/keys/mac"
const (
	formatVersion = 2
	keySize       = 32
	idSize        = 16
	saltSize      = 16
	maxFile       = 64 << 10
	maxWord       = 32      // of a slot's id, kind and KDF name
	maxPlace      = 1 << 10 // of where a boot slot's key lies
)

// As many slots of a kind as a file can need: trying one costs up to a second, or
// asks a device. A second recovery slot is one that nobody has confirmed yet.
const (
	maxPassword = 1
	maxRecovery = 2
	maxBoot     = 1
)

type keyFile struct {
	V     int    `json:"v"`
	Vault []byte `json:"vault"`
	Rev   uint64 `json:"rev"`
	Epoch uint64 `json:"epoch"`
	Stale bool   `json:"stale"` // a slot was taken out since the data key was drawn
	Slots []slot `json:"slots"`
	MAC   []byte `json:"mac"`
}

type sealed struct {
	Nonce []byte `json:"nonce"`
	CT    []byte `json:"ct"`
}

// parseKeyFile checks the shape and every bound, so that nothing that a later
// step allocates or computes is chosen by whoever wrote the file. Whether it is
// authentic shows only after unlocking.
func parseKeyFile(raw []byte, min cost) (*keyFile, error) {
	if len(raw) > maxFile {
		return nil, fmt.Errorf("%w: too long", ErrDamaged)
	}
	var format struct {
		V int `json:"v"`
	}
	if json.Unmarshal(raw, &format) == nil && format.V != formatVersion { // say so, rather than what else is unknown
		return nil, fmt.Errorf("%w: format version %d", ErrDamaged, format.V)
	}
	f := new(keyFile)
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(f); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("%w: more than one value", ErrDamaged)
	}
	if err := f.check(min); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return f, nil
}

func (f *keyFile) check(min cost) error {
	switch {
	case f.V != formatVersion:
		return fmt.Errorf("format version %d", f.V)
	case len(f.Vault) != idSize, len(f.MAC) != sha256.Size, f.Rev == 0, f.Epoch == 0:
		return fmt.Errorf("a field is out of shape")
	case len(f.Slots) == 0 || len(f.Slots) > maxPassword+maxRecovery+maxBoot:
		return fmt.Errorf("%d slots", len(f.Slots))
	case f.count(isKind(kindPassword)) > maxPassword, f.count(isKind(kindRecovery)) > maxRecovery, f.count((*slot).isBoot) > maxBoot:
		return fmt.Errorf("too many slots of a kind")
	}
	seen := make(map[string]bool, len(f.Slots))
	for i := range f.Slots {
		s := &f.Slots[i]
		if err := s.check(min); err != nil {
			return fmt.Errorf("slot %d: %w", i, err)
		}
		if seen[s.ID] {
			return fmt.Errorf("slot %d: its id is taken", i)
		}
		seen[s.ID] = true
	}
	return nil
}

func (f *keyFile) count(which func(*slot) bool) (n int) {
	for i := range f.Slots {
		if which(&f.Slots[i]) {
			n++
		}
	}
	return n
}

// fits tells whether s has the shape of n sealed bytes.
func (s sealed) fits(n int) bool {
	return len(s.Nonce) == chacha20poly1305.NonceSizeX && len(s.CT) == n+chacha20poly1305.Overhead
}

func (f *keyFile) authentic(dek *[keySize]byte) bool {
	return hmac.Equal(f.MAC, f.mac(dek))
}

func (f *keyFile) mac(dek *[keySize]byte) []byte {
	var e encoding
	e.number(uint64(f.V))
	e.bytes(f.Vault)
	e.number(f.Rev)
	e.number(f.Epoch)
	e.truth(f.Stale)
	e.number(uint64(len(f.Slots)))
	for i := range f.Slots {
		s := &f.Slots[i]
		e.identity(s)
		for _, b := range [][]byte{s.Salt, s.Nonce, s.CT, s.Pub, s.Share.Nonce, s.Share.CT, s.DEK.Eph, s.DEK.Nonce, s.DEK.CT} {
			e.bytes(b)
		}
	}
	m := hmac.New(sha256.New, derive(dek[:], f.Vault, "hub/keys/mac"))
	m.Write(e.out)
	return m.Sum(nil)
}

// encoding joins fields so that no two lists of fields give the same bytes.
type encoding struct{ out []byte }

func (e *encoding) bytes(b []byte) {
	e.out = binary.BigEndian.AppendUint32(e.out, uint32(len(b)))
	e.out = append(e.out, b...)
}

func (e *encoding) number(n uint64) { e.bytes(binary.BigEndian.AppendUint64(nil, n)) }

func (e *encoding) truth(b bool) {
	if b {
		e.number(1)
	} else {
		e.number(0)
	}
}

func (e *encoding) identity(s *slot) {
	e.bytes([]byte(s.ID))
	e.bytes([]byte(s.Kind))
	if s.isBoot() {
		e.bytes([]byte(s.At))
	}
	e.bytes([]byte(s.KDF.Name))
	e.number(uint64(s.KDF.T))
	e.number(uint64(s.KDF.MKiB))
	e.number(uint64(s.KDF.P))
}

// seal seals plain under a key of 32 bytes.
func seal(under, plain, aad []byte) sealed {
	a, err := chacha20poly1305.NewX(under)
	if err != nil {
		panic("vault: " + err.Error()) // every key here has 32 bytes
	}
	nonce := random(a.NonceSize())
	return sealed{Nonce: nonce, CT: a.Seal(nil, nonce, plain, aad)}
}

func (s sealed) open(under, aad []byte) ([]byte, bool) {
	a, err := chacha20poly1305.NewX(under)
	if err != nil {
		return nil, false
	}
	plain, err := a.Open(nil, s.Nonce, s.CT, aad)
	return plain, err == nil
}
