// Package claim is how an app and a hub that never met come to trust each other: a person reads a
// code off the hub and types it into the app, and both prove to each other that they know it, bound
// to the channel on which they do. Afterwards each knows the other by its public key ([Pin]), and no
// code is needed again.
//
// It runs on a TLS 1.3 connection with the protocol name [Protocol] (ALPN), on which both sides show
// a self-signed certificate with an Ed25519 key. A message is a type in 1 byte, the length of what
// follows in 2 bytes, big-endian, and at most 512 bytes:
//
//	1  C1  app  version (1 byte: 1), length of the name (1), name (UTF-8), length of the platform (1), platform
//	2  H2  hub  salt (16 bytes), B (384)
//	3  C3  app  A (384), proofA (32)
//	4  H4  hub  proofH (32), role (the rest, ASCII)
//	5      hub  instead of H2 or H4: why not: busy, none, wrong, version (ASCII); behind none a space and the
//	              seconds until there may be a new code, behind wrong the tries that are left
//
// A, B and the shared key K (64 bytes) are those of SRP-6a with the 3072-bit group of RFC 5054, g = 5
// and SHA-512, everything padded to 384 bytes, for the user "ingle-claim" and the ten signs of the
// code as the password. SRP's own proofs are not sent, since they do not cover the channel:
//
//	X      = TLS exporter, label "EXPORTER-Channel-Binding" (RFC 9266), no context, 32 bytes
//	T      = SHA-256("ingle claim 1" ‖ X ‖ SHA-256(hub's SPKI) ‖ SHA-256(app's SPKI) ‖ salt ‖ A ‖ B ‖ SHA-256(C1))
//	proofA = HMAC-SHA-256(HKDF-SHA-512(K, salt T, info "app confirms", 32 bytes), T)
//	proofH = HMAC-SHA-256(HKDF-SHA-512(K, salt T, info "hub confirms", 32 bytes), T)
//
// where C1 is the whole message with its type and length. Whoever relays between two TLS channels sees
// two different X, so its proofs fail, and each failure is one of the ten tries. The hub counts a try
// durably before it looks at the proof, and sends nothing that was made with K before proofA is right.
// testdata/vector.json holds an exchange with every value.
package claim

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Protocol is the name of the protocol in TLS (ALPN).
const Protocol = "ingle-claim/1"

const (
	// Valid is how long the code of an unclaimed hub may be used.
	Valid = 15 * time.Minute
	// Invited is how long a code may be used with which an app of a claimed hub lets another one in.
	Invited = 5 * time.Minute
	// Most is how many tries a code stands.
	Most = 10

	wholeTime = 30 * time.Second // of one exchange
	firstWait = time.Minute      // before there is a new code after ten wrong tries; each time it doubles
	longest   = time.Hour
)

// What a claim can end with, beside an error of the line.
var (
	ErrCode    = errors.New("claim: this is no code") // ten signs, of Crockford's base 32
	ErrBusy    = errors.New("claim: another claim is under way")
	ErrNone    = errors.New("claim: the hub has no code that is valid now")
	ErrWrong   = errors.New("claim: the code is wrong, or somebody stands between")
	ErrVersion = errors.New("claim: the other side speaks another version")
	ErrMessage = errors.New("claim: a message that does not fit the protocol")
)

const (
	signs  = "0123456789ABCDEFGHJKMNPQRSTVWXYZ" // Crockford's base 32
	length = 10
)

// Code is the ten signs that a person reads off the hub: 50 bits.
type Code string

// newCode draws a code.
func newCode() Code {
	raw := make([]byte, length)
	rand.Read(raw)
	for i, b := range raw {
		raw[i] = signs[b%32]
	}
	return Code(raw)
}

// ParseCode takes what a person typed: small letters, hyphens and spaces do not matter, nor do O for
// 0 and I or L for 1. ErrCode.
func ParseCode(typed string) (Code, error) {
	if len(typed) > 64 {
		return "", ErrCode
	}
	plain := strings.NewReplacer("-", "", " ", "", "O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(typed))
	if len(plain) != length || strings.Trim(plain, signs) != "" {
		return "", ErrCode
	}
	return Code(plain), nil
}

// Shown is the code as people read it: five signs, a hyphen, five signs.
func (c Code) Shown() string { return string(c[:5]) + "-" + string(c[5:]) }

// String hides the code: it stands in no log.
func (c Code) String() string { return "[secret]" }

// GoString hides the code too.
func (c Code) GoString() string { return c.String() }

// Wait says that ten wrong tries made a code void and that the next one comes later.
type Wait struct{ For time.Duration }

// Error says how long.
func (w *Wait) Error() string { return fmt.Sprintf("claim: no new code for %v", w.For) }
