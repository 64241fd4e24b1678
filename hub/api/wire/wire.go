// Package wire holds the types of the protocol between a hub and those who talk to it: the app, the
// commands and scripts. It is JSON over HTTP under /api/v1; refusals are problems as RFC 9457 has
// them. The package knows the vocabulary of traits and nothing else of the hub.
package wire

import (
	"encoding/json"
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
)

// State says whether a hub can be used.
type State string

// The states of a hub.
const (
	Unclaimed State = "unclaimed" // nobody has chosen a password yet
	Locked    State = "locked"    // its store is sealed until the password is given
	Open      State = "open"
	Claimed   State = "claimed" // locked or open: strangers are not told which
)

// Status is what a hub says about itself, and the line that serve and demo print when ready. A
// caller who is not an owner gets its Public part.
type Status struct {
	Ready        bool              `json:"ready"`
	Product      string            `json:"product,omitempty"` // for strangers
	State        State             `json:"state" enum:"unclaimed,locked,open,claimed"`
	Version      string            `json:"version,omitempty"`
	Updates      string            `json:"updates,omitempty"` // the last day with security updates, 2006-01-02
	Traffic      *Traffic          `json:"traffic,omitempty"` // what went where since midnight
	API          string            `json:"api,omitempty"`     // URL of the network listener
	Socket       string            `json:"socket,omitempty"`  // path of the socket on this machine
	Shut         *Problem          `json:"shut,omitempty"`    // why a claimed hub could not open its store
	HomeKit      []HomeKit         `json:"homekit,omitempty"`
	Protection   Protection        `json:"protection,omitempty" enum:"manual,tpm,medium,same-disk"` // of a claimed hub
	Language     string            `json:"language,omitempty"`                                      // of an open home
	ClaimTried   bool              `json:"claim_tried,omitempty"`                                   // somebody tried wrong claim codes
	Simulators   map[string]string `json:"simulators,omitempty"`                                    // name to address, demo only
	Control      string            `json:"control,omitempty"`                                       // URL that makes simulators act, demo only
	DemoPassword string            `json:"demo_password,omitempty"`                                 // demo only, in the ready line only
}

// Traffic is what the hub sent to things since midnight or, where that was later, since it started, in bytes.
type Traffic struct {
	Since   time.Time `json:"since"`
	Machine int64     `json:"machine"` // to this machine itself
	Home    int64     `json:"home"`    // to the home network
	Outside int64     `json:"outside"` // beyond it: to watches that called from a mobile network
	Refused int64     `json:"refused"` // calls that something in the hub wanted to make there, and was refused
}

// Public is what strangers are told: the product, and whether this one is claimed.
func (s Status) Public() Status {
	state := Claimed
	if s.State == Unclaimed {
		state = Unclaimed
	}
	return Status{Ready: s.Ready, Product: "Ingle", State: state}
}

// HomeKit is one HomeKit server of the hub and how to pair with it.
type HomeKit struct {
	ID          string     `json:"id"`
	Name        string     `json:"name"`
	Kind        string     `json:"kind" enum:"bridge,camera,private"`
	Port        int        `json:"port"`
	DeviceID    string     `json:"device_id"`
	SetupCode   string     `json:"setup_code,omitempty"`
	SetupURI    string     `json:"setup_uri,omitempty"` // X-HM://
	Paired      bool       `json:"paired,omitempty"`
	Controllers int        `json:"controllers,omitempty"` // that are paired
	ArmedUntil  *time.Time `json:"armed_until,omitempty"` // until when a private server answers; none: it does not
}

// ArmRequest has a private server answer for a while.
type ArmRequest struct {
	Seconds int `json:"seconds" minimum:"1" maximum:"86400"`
}

// SetupRequest claims an unclaimed hub.
type SetupRequest struct {
	Password    string `json:"password" maxLength:"1024"`
	StartLocked bool   `json:"start_locked,omitempty"`                                                               // wait for the password after each restart
	Language    string `json:"language,omitempty" maxLength:"32" doc:"of the home; without it, the hub's machine's"` // in which the hub names what is its own
}

// SetupAnswer is shown once: the recovery code opens the store when the password is lost. Whoever has
// it says so with RecoveryCode.
type SetupAnswer struct {
	RecoveryCode string     `json:"recovery_code"`
	Protection   Protection `json:"protection" enum:"manual,tpm,medium,same-disk"`
	HomeKit      []HomeKit  `json:"homekit,omitempty"`
}

// UnlockRequest opens a locked hub with the password or the recovery code.
type UnlockRequest struct {
	Password string `json:"password" maxLength:"1024"`
}

// Accessory is one thing in the home, or one that the hub derives: "Mia at Home".
type Accessory struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Driver    string    `json:"driver,omitempty"` // empty for what the hub derives
	Kind      string    `json:"kind"`             // camera, watch, toy; presence, switch for what the hub derives
	Room      string    `json:"room,omitempty"`
	Person    string    `json:"person,omitempty"`  // ID of who wears it or whom it is about
	Zone      string    `json:"zone,omitempty"`    // ID of the zone, for a presence
	Alone     bool      `json:"alone,omitempty"`   // a HomeKit server of its own
	Private   bool      `json:"private,omitempty"` // on the private HomeKit server
	Condition Condition `json:"condition"`
	Traits    []Value   `json:"traits,omitempty"` // all it offers, reported yet or not
	Camera    *Camera   `json:"camera,omitempty"` // of a camera: what the household decided
}

// Value gives the accessory's value of a trait; false where it offers none.
func (a Accessory) Value(id string) (Value, bool) {
	for _, v := range a.Traits {
		if v.Trait == id {
			return v, true
		}
	}
	return Value{}, false
}

// Condition says where the line to an accessory stands.
type Condition struct {
	State string     `json:"state"`          // opening, open, waiting, refused, unsupported, abandoned
	Code  string     `json:"code,omitempty"` // health code when it is not well
	Since *time.Time `json:"since,omitempty"`
}

// Value is the newest known value of a trait. Value is empty until the first report.
type Value struct {
	Trait    string          `json:"trait"`
	Value    json.RawMessage `json:"value,omitempty"`
	At       *time.Time      `json:"at,omitempty"`
	Settable bool            `json:"settable,omitempty"`
	Steps    int             `json:"steps,omitempty"` // between rest and full; 0 is continuous
}

// ValueOf puts a reading on the wire.
func ValueOf(r trait.Reading) Value {
	at := r.At.UTC()
	return Value{Trait: r.Trait.ID(), Value: r.JSON(), At: &at}
}

// Read gives the value as t has it; false for another trait, no value yet or one that does not fit.
func Read[T any](v Value, t trait.Trait[T]) (T, bool) {
	var zero T
	if v.Trait != t.ID() || len(v.Value) == 0 {
		return zero, false
	}
	r, err := t.Any().Reading(v.Value, time.Time{})
	if err != nil {
		return zero, false
	}
	return t.In(r)
}

// Do is a command: the trait shall have the value.
type Do struct {
	Trait string          `json:"trait" maxLength:"64"`
	Value json.RawMessage `json:"value"`
}

// Placement says which HomeKit server shows an accessory: the bridge, one of its own (Alone), or the
// private one, which works only while it is armed.
type Placement struct {
	Alone   bool `json:"alone,omitempty"`
	Private bool `json:"private,omitempty"`
}

// AddRequest brings a thing into the home. Secret holds the answers to the driver's secret fields.
type AddRequest struct {
	Driver  string            `json:"driver" maxLength:"64"`
	Name    string            `json:"name" maxLength:"64"`
	Address string            `json:"address,omitempty" maxLength:"2048"`
	Fields  map[string]string `json:"fields,omitempty"`
	Secret  map[string]string `json:"secret,omitempty"`
	Person  string            `json:"person,omitempty" maxLength:"64"` // ID
	Room    string            `json:"room,omitempty" maxLength:"64"`
	Alone   bool              `json:"alone,omitempty"`   // a HomeKit server of its own
	Private bool              `json:"private,omitempty"` // on the private HomeKit server; toys only
	Check   bool              `json:"check,omitempty"`   // the household agrees that the hub looks at its doors
}

// Person is one of the household. Role is owner, guardian, member or guest.
type Person struct {
	ID   string `json:"id,omitempty"`
	Name string `json:"name" maxLength:"64"`
	Role string `json:"role,omitempty" enum:"owner,guardian,member,guest"`
}

// Zone is a circle on the ground: degrees WGS84, radius in metres.
type Zone struct {
	ID     string  `json:"id,omitempty"`
	Name   string  `json:"name" maxLength:"64"`
	Lat    float64 `json:"lat" minimum:"-90" maximum:"90"`
	Lon    float64 `json:"lon" minimum:"-180" maximum:"180"`
	Radius float64 `json:"radius" exclusiveMinimum:"0" maximum:"100000"`
}

// Trouble is one thing that is wrong. "health.<code>" says what, "health.<code>.do" what to do.
type Trouble struct {
	Code     string            `json:"code"`
	Subject  string            `json:"subject,omitempty"` // ID of an accessory, or empty for the hub
	Args     map[string]string `json:"args,omitempty"`
	Severity string            `json:"severity" enum:"notice,warning,alarm"`
	Since    time.Time         `json:"since"`
}
