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

// Format version 1 of keys.json. Every sealed part is XChaCha20-Poly1305; "bound
// to" names its additional data, each part preceded by its length (4 bytes, big
// endian), integers as 8 bytes big endian:
//
//	slots[].ct  the vault key, bound to v, vault, slot id, kind, at (only in
//	            slots whose kind begins with "boot-"), KDF, t, m_kib, p
//	dek.ct      the data key under the vault key, bound to v, vault, epoch
//	mac         HMAC-SHA256 over the same encoding of every other field, under
//	            HKDF-SHA256(data key, salt vault, info "hub/keys/mac")
const (
	formatVersion = 1
	keySize       = 32
	idSize        = 16
	saltSize      = 16
	sealedKeySize = keySize + chacha20poly1305.Overhead
	maxFile       = 64 << 10
	maxSlots      = 16
	maxWord       = 32      // of a slot's id, kind and KDF name
	maxPlace      = 1 << 10 // of where a boot slot's key lies
)

type keyFile struct {
	V     int    `json:"v"`
	Vault []byte `json:"vault"`
	Rev   uint64 `json:"rev"`
	Epoch uint64 `json:"epoch"`
	Slots []slot `json:"slots"`
	DEK   sealed `json:"dek"`
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
	case len(f.Vault) != idSize, len(f.MAC) != sha256.Size, f.Rev == 0, f.Epoch == 0, !f.DEK.fits():
		return fmt.Errorf("a field is out of shape")
	case len(f.Slots) == 0 || len(f.Slots) > maxSlots:
		return fmt.Errorf("%d slots", len(f.Slots))
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

func (s sealed) fits() bool {
	return len(s.Nonce) == chacha20poly1305.NonceSizeX && len(s.CT) == sealedKeySize
}

func (f *keyFile) sealDEK(vaultKey, dek *[keySize]byte) {
	f.DEK = sealKey(vaultKey[:], dek, f.dekAAD())
}

func (f *keyFile) openDEK(vaultKey *[keySize]byte) (*[keySize]byte, bool) {
	return openKey(vaultKey[:], f.DEK, f.dekAAD())
}

func (f *keyFile) dekAAD() []byte {
	var e encoding
	e.number(uint64(f.V))
	e.bytes(f.Vault)
	e.number(f.Epoch)
	return e.out
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
	e.number(uint64(len(f.Slots)))
	for i := range f.Slots {
		s := &f.Slots[i]
		e.identity(s)
		e.bytes(s.Salt)
		e.bytes(s.Nonce)
		e.bytes(s.CT)
	}
	e.bytes(f.DEK.Nonce)
	e.bytes(f.DEK.CT)
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

// sealKey seals one 32-byte key under another of 32 bytes.
func sealKey(under []byte, key *[keySize]byte, aad []byte) sealed {
	a, err := chacha20poly1305.NewX(under)
	if err != nil {
		panic("vault: " + err.Error()) // every key here has 32 bytes
	}
	nonce := random(a.NonceSize())
	return sealed{Nonce: nonce, CT: a.Seal(nil, nonce, key[:], aad)}
}

func openKey(under []byte, s sealed, aad []byte) (*[keySize]byte, bool) {
	a, err := chacha20poly1305.NewX(under)
	if err != nil {
		return nil, false
	}
	key := new([keySize]byte)
	if _, err := a.Open(key[:0], s.Nonce, s.CT, aad); err != nil {
		return nil, false
	}
	return key, true
}
