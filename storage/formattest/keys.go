// Package formattest reads a store by docs/FORMAT.md alone.
//
// It uses Go's standard library and golang.org/x/crypto and nothing of the packages
// that write a store, so that a test can show that the page suffices and that the
// store is what the page says. It is slow and simple on purpose.
package formattest

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/chacha20poly1305"
	"golang.org/x/crypto/curve25519"
)

// ErrRefused says that something is not as docs/FORMAT.md demands, or does not open.
var ErrRefused = errors.New("formattest: refused")

// Keys are the opened keys of a store.
type Keys struct {
	Vault []byte // its identity
	Epoch uint64
	dek   []byte
}

type keyFile struct {
	V     uint64 `json:"v"`
	Vault []byte `json:"vault"`
	Rev   uint64 `json:"rev"`
	Epoch uint64 `json:"epoch"`
	Stale bool   `json:"stale"`
	Slots []slot `json:"slots"`
	MAC   []byte `json:"mac"`
}

type sealed struct {
	Nonce []byte `json:"nonce"`
	CT    []byte `json:"ct"`
}

type slot struct {
	ID   string `json:"id"`
	Kind string `json:"kind"`
	At   string `json:"at"`
	KDF  struct {
		Name string `json:"name"`
		T    uint64 `json:"t"`
		MKiB uint64 `json:"m_kib"`
		P    uint64 `json:"p"`
	} `json:"kdf"`
	Salt []byte `json:"salt"`
	sealed
	Pub   []byte `json:"pub"`
	Share sealed `json:"share"`
	DEK   struct {
		Eph []byte `json:"eph"`
		sealed
	} `json:"dek"`
}

// WithCode opens the keys of the store in dir with the printed recovery code.
func WithCode(dir, code string) (*Keys, error) {
	secret, err := recoverySecret(code)
	if err != nil {
		return nil, err
	}
	return open(dir, "recovery", func(s slot) ([]byte, error) {
		return derive(secret, s.Salt, "hub/slot/recovery")
	})
}

// WithPassword opens them with the household's password, which must be in form NFKC.
func WithPassword(dir, password string) (*Keys, error) {
	return open(dir, "password", func(s slot) ([]byte, error) {
		k := s.KDF
		if k.T < 3 || k.T > 10 || k.MKiB < 65536 || k.MKiB > 262144 || k.P < 1 || k.P > 8 {
			return nil, fmt.Errorf("%w: parameters of Argon2id", ErrRefused)
		}
		return argon2.IDKey([]byte(password), s.Salt, uint32(k.T), uint32(k.MKiB), uint8(k.P), 32), nil
	})
}

func open(dir, kind string, keyOf func(slot) ([]byte, error)) (best *Keys, err error) {
	err, rev := fmt.Errorf("%w: no copy of the keys", ErrRefused), uint64(0)
	for _, name := range []string{"keys.json", "keys.twin.json"} {
		raw, wrong := os.ReadFile(filepath.Join(dir, name))
		if wrong != nil {
			continue
		}
		k, r, wrong := openCopy(raw, kind, keyOf)
		if wrong != nil {
			err = wrong
		} else if r > rev {
			best, rev = k, r
		}
	}
	if best != nil {
		return best, nil
	}
	return nil, err
}

func openCopy(raw []byte, kind string, keyOf func(slot) ([]byte, error)) (*Keys, uint64, error) {
	var f keyFile
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	err := d.Decode(&f)
	if err == nil && len(bytes.Trim(raw[d.InputOffset():], " \t\r\n")) > 0 {
		err = errors.New("more than one value")
	}
	if err != nil || len(raw) > 65536 || f.V != 2 || len(f.Vault) != 16 || !f.fewSlots() {
		return nil, 0, fmt.Errorf("%w: shape of the keys: %v", ErrRefused, err)
	}
	err = fmt.Errorf("%w: no slot of kind %s", ErrRefused, kind)
	for _, s := range f.Slots {
		if s.Kind != kind {
			continue
		}
		key, wrong := keyOf(s)
		if wrong != nil {
			return nil, 0, wrong
		}
		dek, shared, wrong := f.dataKey(s, key)
		if wrong != nil {
			err = wrong
			continue
		}
		k := &Keys{Vault: f.Vault, Epoch: f.Epoch, dek: dek}
		return k, f.Rev, errors.Join(f.authentic(k), f.renewable(k, s, shared))
	}
	return nil, 0, err
}

// renewable tells whether the holder of the data key can seal another to this slot.
func (f *keyFile) renewable(k *Keys, s slot, shared []byte) error {
	key, err := k.For("hub/keys/slots")
	if err != nil {
		return err
	}
	again, err := unseal(key, s.Share.Nonce, s.Share.CT, join(append([]any{f.V, f.Vault}, s.words()...)...))
	if err != nil || !bytes.Equal(again, shared) {
		return fmt.Errorf("%w: the shared key: %v", ErrRefused, err)
	}
	return nil
}

// fewSlots tells whether there are no more slots of a kind than there may be.
func (f *keyFile) fewSlots() bool {
	left := map[string]int{"password": 1, "recovery": 2, "boot": 1}
	ids := make(map[string]bool)
	for _, s := range f.Slots {
		kind := s.Kind
		if strings.HasPrefix(kind, "boot-") {
			kind = "boot"
		}
		if left[kind]--; left[kind] < 0 || ids[s.ID] {
			return false
		}
		ids[s.ID] = true
	}
	return len(f.Slots) > 0
}

// dataKey takes the three steps from the slot key to the data key.
func (f *keyFile) dataKey(s slot, key []byte) (dek, shared []byte, err error) {
	words := append([]any{f.V, f.Vault}, s.words()...)
	pair, err := unseal(key, s.Nonce, s.CT, join(words...))
	if err != nil {
		return nil, nil, fmt.Errorf("slot: %w", err)
	}
	if len(pair) != 64 {
		return nil, nil, fmt.Errorf("%w: a pair of %d bytes", ErrRefused, len(pair))
	}
	point, err := x25519(pair[:32], s.DEK.Eph)
	if err != nil {
		return nil, nil, err
	}
	letter, err := derive(append(point, pair[32:]...), f.Vault, string(join("hub/slot/dek", s.DEK.Eph, s.Pub)))
	if err != nil {
		return nil, nil, err
	}
	dek, err = unseal(letter, s.DEK.Nonce, s.DEK.CT, join(append(words, f.Epoch)...))
	if err != nil {
		return nil, nil, fmt.Errorf("data key: %w", err)
	}
	return dek, pair[32:], nil
}

func x25519(private, public []byte) ([]byte, error) {
	point, err := curve25519.X25519(private, public)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return point, nil
}

// words are the fields from id to p.
func (s slot) words() []any {
	fields := []any{s.ID, s.Kind}
	if strings.HasPrefix(s.Kind, "boot-") {
		fields = append(fields, s.At)
	}
	return append(fields, s.KDF.Name, s.KDF.T, s.KDF.MKiB, s.KDF.P)
}

func (f *keyFile) authentic(k *Keys) error {
	stale := uint64(0)
	if f.Stale {
		stale = 1
	}
	all := []any{f.V, f.Vault, f.Rev, f.Epoch, stale, uint64(len(f.Slots))}
	for _, s := range f.Slots {
		all = append(append(all, s.words()...), s.Salt, s.Nonce, s.CT, s.Pub, s.Share.Nonce, s.Share.CT, s.DEK.Eph, s.DEK.Nonce, s.DEK.CT)
	}
	key, err := k.For("hub/keys/mac")
	if err != nil {
		return err
	}
	m := hmac.New(sha256.New, key)
	m.Write(join(all...))
	if !hmac.Equal(m.Sum(nil), f.MAC) {
		return fmt.Errorf("%w: the keys are not authentic", ErrRefused)
	}
	return nil
}

// For derives the key of a purpose.
func (k *Keys) For(purpose string) ([]byte, error) { return derive(k.dek, k.Vault, purpose) }

func derive(key, salt []byte, info string) ([]byte, error) {
	return hkdf.Key(sha256.New, key, salt, info, 32)
}

// join is E of docs/FORMAT.md: fields of type string, []byte or uint64.
func join(fields ...any) (out []byte) {
	for _, field := range fields {
		var b []byte
		switch f := field.(type) {
		case string:
			b = []byte(f)
		case []byte:
			b = f
		case uint64:
			b = binary.BigEndian.AppendUint64(nil, f)
		}
		out = binary.BigEndian.AppendUint32(out, uint32(len(b)))
		out = append(out, b...)
	}
	return out
}

func unseal(key, nonce, sealed, bound []byte) ([]byte, error) {
	a, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, err
	}
	if len(nonce) != a.NonceSize() {
		return nil, fmt.Errorf("%w: a nonce of %d bytes", ErrRefused, len(nonce))
	}
	plain, err := a.Open(nil, nonce, sealed, bound)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return plain, nil
}

// unsealWhole opens nonce ‖ ciphertext ‖ tag.
func unsealWhole(key, whole, bound []byte) ([]byte, error) {
	if len(whole) < 24 {
		return nil, fmt.Errorf("%w: %d sealed bytes", ErrRefused, len(whole))
	}
	return unseal(key, whole[:24], whole[24:], bound)
}

func recoverySecret(code string) ([]byte, error) {
	const signs = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	code = strings.NewReplacer("-", "", " ", "", "O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(code))
	var bits []byte
	for _, sign := range code {
		v := strings.IndexRune(signs, sign)
		if v < 0 {
			return nil, fmt.Errorf("%w: the sign %q", ErrRefused, sign)
		}
		for i := 4; i >= 0; i-- {
			bits = append(bits, byte(v>>i&1))
		}
	}
	if len(bits) != 28*5 {
		return nil, fmt.Errorf("%w: a code of %d signs", ErrRefused, len(code))
	}
	secret, check := pack(bits[:128]), bits[130:]
	sum := sha256.Sum256(append([]byte("ingle recovery code 1"), secret...))
	if bits[128]|bits[129] != 0 || !bytes.Equal(pack(check), []byte{sum[0], sum[1] & 0xc0}) {
		return nil, fmt.Errorf("%w: the checksum of the code", ErrRefused)
	}
	return secret, nil
}

// pack joins bits to bytes, the last one filled up with zero bits.
func pack(bits []byte) []byte {
	out := make([]byte, (len(bits)+7)/8)
	for i, bit := range bits {
		out[i/8] |= bit << (7 - i%8)
	}
	return out
}
