package probe

import (
	"crypto/tls"
	"time"
)

// limits of one knock. Within answerTime the kernel does not repeat the first packet of a connection.
const (
	limit      = 2 * time.Second
	answerTime = 900 * time.Millisecond
	maxBanner  = 64 // bytes
)

// Door is one of the ports that may be knocked at. There are no others: nobody outside can make one.
type Door struct {
	port   uint16
	name   string
	greets bool // speaks first when somebody connects
	secure bool
	bad    bool // no thing in a home needs it open
}

// Port is the door's TCP port.
func (d Door) Port() uint16 { return d.port }

// Name is what usually answers there.
func (d Door) Name() string { return d.name }

// Bad says that a thing in a home should not have this door open.
func (d Door) Bad() bool { return d.bad }

// Doors lists them, those first that matter most.
func Doors() []Door {
	return []Door{
		{port: 23, name: "telnet", greets: true, bad: true},
		{port: 2323, name: "telnet", greets: true, bad: true},
		{port: 21, name: "ftp", greets: true, bad: true},
		{port: 22, name: "ssh", greets: true, bad: true},
		{port: 34567, name: "dvrip", bad: true},
		{port: 37777, name: "dahua", bad: true},
		{port: 1883, name: "mqtt", bad: true},
		{port: 443, name: "https", secure: true},
		{port: 80, name: "http"},
		{port: 554, name: "rtsp"},
		{port: 8080, name: "http"},
		{port: 8000, name: "web or maker's own"},
		{port: 5000, name: "web or maker's own"},
		{port: 8554, name: "rtsp"},
	}
}

// State is how a door was found.
type State string

// The states of a door. Unasked doors are looked at the next day.
const (
	Open    State = "open"
	Shut    State = "shut"
	Silent  State = "silent"
	Unasked State = "unasked"
)

// Seen is what was seen of a door.
type Seen struct {
	Port   uint16       `json:"port"`
	State  State        `json:"state"`
	At     time.Time    `json:"at"`
	Banner string       `json:"banner,omitempty"` // what it said by itself, at most 64 bytes, as a quoted Go string has it
	TLS    *Certificate `json:"tls,omitempty"`    // where it was greeted in TLS
}

// Certificate is what one TLS greeting showed. Without a Version it was not understood.
type Certificate struct {
	Version    uint16    `json:"version,omitempty"`
	Key        string    `json:"key,omitempty"` // "RSA 2048", "ECDSA P-256", "Ed25519"
	Weak       bool      `json:"weak,omitempty"`
	From       time.Time `json:"from,omitzero"`
	Until      time.Time `json:"until,omitzero"`
	SelfSigned bool      `json:"self_signed,omitempty"`
	Trusted    bool      `json:"trusted,omitempty"` // by the roots that the hub knows
	Pin        string    `json:"pin,omitempty"`     // SHA-256 of its public key, in hexadecimal
}

// Old says that the version of TLS has been given up by everybody else.
func (c Certificate) Old() bool { return c.Version != 0 && c.Version < tls.VersionTLS12 }
