// Package pairing decides who may control a server: pair-setup with the code,
// pair-verify for each connection, and the list of pairings (HomeKit Accessory
// Protocol, chapter 5). It knows messages and keys, no sockets: a request body
// goes in, an Answer comes out, and what was acknowledged is durable.
package pairing

import (
	"context"
	"crypto/ed25519"
	"errors"

	"github.com/ingle-home/ingle/hub/hap/tlv8"
)

// MaxPeers is how many controllers may be paired with one server.
const MaxPeers = 16

// MaxTries is how many wrong codes are heard out until a new code is set.
const MaxTries = 100

// Peer is one controller that may open sessions.
type Peer struct {
	ID    string
	Key   []byte // Ed25519 public key, 32 bytes
	Admin bool
}

// Record is the durable state that pairing reads and changes.
type Record struct {
	Code  string // XXX-XX-XXX, never changed here
	Peers []Peer
	Tries int  // wrong codes since the last success
	Shut  bool // nobody may pair for now; never changed here

	// Unanswered says that the only peer may not know of its pairing: a cut may
	// have come between the disk and the answer. Then it may be replaced.
	Unanswered bool
}

// Store keeps the record of one server. It is safe for concurrent use.
type Store interface {
	// Identity is the device ID and long-term key, which never change.
	Identity() (id string, key ed25519.PrivateKey)
	// Record is a copy of what was last saved.
	Record() Record
	// Update lets change work on a copy and returns when the result would
	// survive a power cut. Updates run one after another. An error of change
	// comes back as it is; after any error the old record stands.
	Update(ctx context.Context, change func(*Record) error) error
}

// Answer is what goes back to the controller, as application/pairing+tlv8.
type Answer struct {
	Status int // of HTTP: 200, or 400 for what HAP does not allow
	Body   []byte
	Event  Event
}

// Event is what the household should know of an exchange.
type Event uint8

// The events; most exchanges have none.
const (
	WrongCode Event = iota + 1
	Added           // a controller is paired
	Removed         // one or more are not any more
)

// Types of pairing items (HomeKit Accessory Protocol, table 5-6).
const (
	typeMethod      = 0
	typeIdentifier  = 1
	typeSalt        = 2
	typePublicKey   = 3
	typeProof       = 4
	typeEncrypted   = 5
	typeState       = 6
	typeError       = 7
	typeSignature   = 10
	typePermissions = 11
	typeSeparator   = 255
)

// refusal is an error code of HAP (table 5-5); it ends an exchange.
type refusal byte

const (
	refuseUnknown        refusal = 1
	refuseAuthentication refusal = 2
	refuseMaxPeers       refusal = 4
	refuseMaxTries       refusal = 5
	refuseUnavailable    refusal = 6
)

func (r refusal) Error() string { return "pairing: refused" }

// errMalformed is a message that HAP does not allow here; HTTP says 400.
var errMalformed = errors.New("pairing: message not allowed")

// accept answers with the state and further items.
func accept(state byte, items []byte) Answer {
	return Answer{Status: 200, Body: append(tlv8.AppendUint8(nil, typeState, state), items...)}
}

// refuse answers with the state and an error code.
func refuse(state byte, err error) Answer {
	a := Answer{Status: 200}
	code := refuseUnknown
	if !errors.As(err, &code) && errors.Is(err, errMalformed) {
		a.Status = 400
	}
	a.Body = tlv8.AppendUint8(tlv8.AppendUint8(nil, typeState, state), typeError, byte(code))
	return a
}

// stored is the outcome of an Update: a refusal of ours stays what it is, a disk
// that failed is Error 1 and leaves nothing changed.
func stored(err error) error {
	var r refusal
	if err == nil || errors.As(err, &r) || errors.Is(err, errMalformed) {
		return err
	}
	return refuseUnknown
}
