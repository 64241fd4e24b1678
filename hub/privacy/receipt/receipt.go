// Package receipt is the proof of a forgetting: what was asked, how much there was before and after, what
// became of each place, what remains and why. A receipt names nobody. It is signed with the hub's key, whose
// fingerprint the paired apps know as the hub's pin, and can be judged without a hub.
package receipt

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

const (
	version = 1
	maxFile = 1 << 20
	context = "ingle receipt 1\n" // signed before the text, so that the signature is good for nothing else
)

// What is wrong with a file. Each is also an i18n code.
var (
	ErrForm   = errors.New("receipt.form")   // it is no receipt
	ErrForged = errors.New("receipt.forged") // it was changed, or signed by no such key
)

// Receipt is what a hub says of a forgetting. Codes are i18n keys.
type Receipt struct {
	Version int       `json:"receipt"`
	ID      string    `json:"id"`
	Scope   string    `json:"scope"` // "person", "device", "category", "range", "everything"
	Begun   time.Time `json:"begun"`
	Made    time.Time `json:"made"` // when it was last signed: what waited may be done since
	Done    bool      `json:"done"` // nothing waits any more
	Counts  []Count   `json:"counts"`
	Places  []Place   `json:"places"`
	Keys    []string  `json:"keys_destroyed"` // fingerprints of what the keys were for
	Epochs  [2]uint64 `json:"epochs"`         // of the store's data key: before, after
	Emptied bool      `json:"logs_emptied"`   // no database is left from before, and no log of one
	Search  Search    `json:"search"`
	Remains []Remain  `json:"remains,omitempty"`
}

// Count is how much there was of a kind, and is.
type Count struct {
	Kind   string `json:"kind"`
	Where  string `json:"where"`
	Before int    `json:"before"`
	Bytes  int64  `json:"bytes_before"`
	After  int    `json:"after"`
}

// Place is what became of the data in one place: "gone", "waiting" or "impossible".
type Place struct {
	Holder  string `json:"holder"`
	Outcome string `json:"outcome"`
	Why     string `json:"why,omitempty"`
	Many    int    `json:"many,omitempty"` // how many devices, apps or files it is about
}

// Search is the second look at every byte of the hub's folder for the names that were forgotten.
type Search struct {
	Words int   `json:"words"` // 0: none was known any more, after a restart
	Bytes int64 `json:"bytes"`
	Found int   `json:"found"`
}

// Remain is what is left, and why.
type Remain struct {
	What string `json:"what"`
	Why  string `json:"why"`
}

// file is a receipt with its signature.
type file struct {
	Receipt   json.RawMessage `json:"receipt"`
	Key       []byte          `json:"key"` // Ed25519
	Signature []byte          `json:"signature"`
}

// Sign gives the receipt as the file that a household keeps.
func Sign(r Receipt, key ed25519.PrivateKey) ([]byte, error) {
	r.Version = version
	text, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("receipt: %w", err)
	}
	public, _ := key.Public().(ed25519.PublicKey)
	raw, err := json.MarshalIndent(file{text, public, ed25519.Sign(key, append([]byte(context), text...))}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("receipt: %w", err)
	}
	return append(raw, '\n'), nil
}

// Verified is a receipt that is what its hub has signed. Pin is the hub's, as its apps know it.
type Verified struct {
	Receipt
	Pin string
}

// Verify judges a file. Errors: ErrForm, ErrForged.
func Verify(raw []byte) (Verified, error) {
	var f file
	if len(raw) > maxFile || strict(raw, &f) != nil || len(f.Key) != ed25519.PublicKeySize || !f.is(raw) {
		return Verified{}, ErrForm
	}
	var text bytes.Buffer
	if err := json.Compact(&text, f.Receipt); err != nil {
		return Verified{}, ErrForm
	}
	if !ed25519.Verify(f.Key, append([]byte(context), text.Bytes()...), f.Signature) {
		return Verified{}, ErrForged
	}
	var v Verified
	if strict(text.Bytes(), &v.Receipt) != nil || v.Version != version || v.ID == "" {
		return Verified{}, ErrForm
	}
	spki, err := x509.MarshalPKIXPublicKey(ed25519.PublicKey(f.Key))
	if err != nil {
		return Verified{}, ErrForm
	}
	pin := sha256.Sum256(spki)
	v.Pin = hex.EncodeToString(pin[:])
	return v, nil
}

// is says whether a file says this and nothing besides: JSON may say the same thing twice, and people would
// read the one that was not signed.
func (f file) is(raw []byte) bool {
	var said, meant bytes.Buffer
	text, err := json.Marshal(f)
	return err == nil && json.Compact(&said, raw) == nil && json.Compact(&meant, text) == nil && bytes.Equal(said.Bytes(), meant.Bytes())
}

// strict takes nothing that it does not know: what a person reads must be all that was signed.
func strict(raw []byte, to any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(to); err != nil {
		return err
	}
	if d.More() {
		return ErrForm
	}
	return nil
}

// Outcomes of a place.
const (
	Gone       = "gone"
	Waiting    = "waiting"
	Impossible = "impossible"
)
