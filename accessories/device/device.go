// Package device is the seam between the hub and the things in a home. A driver knows one protocol;
// it finds things (Discover) and opens a Session with one of them. Everything that a driver needs
// from the world it gets in a Config, and everything that it learns it reports as traits. Drivers
// know nothing of HomeKit, storage or the app.
//
// Privacy and evidence are methods of every session, so that an author cannot forget them.
package device

import (
	"context"
	"errors"
	"time"

	"github.com/ingle-home/ingle/accessories/media"
	"github.com/ingle-home/ingle/accessories/trait"
)

// The three kinds of failure. Drivers wrap one with %w; any other error counts as ErrUnreachable.
var (
	ErrUnreachable = errors.New("the device does not answer")          // the hub tries again
	ErrRefused     = errors.New("the device refused")                  // a person has to act
	ErrUnsupported = errors.New("the device or driver cannot do this") // nobody tries again
)

// Kind is what sort of thing an accessory is, for icons and words.
type Kind string

// The kinds of thing.
const (
	Camera Kind = "camera"
	Watch  Kind = "watch"
	Toy    Kind = "toy"
)

// Driver speaks one protocol. It is safe for concurrent use; it may share listeners between its
// sessions but keeps nothing once they are closed.
type Driver interface {
	About() About
	// Discover calls found for each thing that it sees until ctx ends (nil). It listens or multicasts
	// and never logs in. ErrUnsupported where the protocol has no discovery.
	Discover(ctx context.Context, n Net, found func(Candidate)) error
	// Open logs in and learns what the thing offers.
	Open(ctx context.Context, c Config) (Session, error)
}

// Session is one open thing, safe for concurrent use. It ends when Run returns.
type Session interface {
	Offer() Offer
	// Run reports until ctx ends (nil) or the line breaks (why), and closes the session; it never
	// tries again by itself. For an Event report returns only when the event is stored, or why it
	// could not be: a driver acknowledges an alarm to the device only after nil.
	Run(ctx context.Context, report func(trait.Reading) error) error
	// Do returns when the device has done it, or why not.
	Do(ctx context.Context, cmd trait.Command) error
	// Holds lists the personal data that are kept ON the device.
	Holds(ctx context.Context) ([]Holding, error)
	// Erase deletes what Holds lists; it may be called again. It says what could not go, and why.
	Erase(ctx context.Context) ([]Erased, error)
	// Evidence is what the security label is made of.
	Evidence(ctx context.Context) ([]Evidence, error)
}

// Viewable is a session with pictures.
type Viewable interface {
	// Views lists the ways in which the camera shows itself, the largest first; at least one.
	Views() []media.View
	// Watch streams one view, and its sound only where that is asked for, until ctx ends (nil) or the
	// line breaks; out must not block. Without sound the camera is not even asked to send it.
	Watch(ctx context.Context, view string, sound bool, out func(*media.Unit)) error
}

// Refreshable is a session that can ask for a key picture in a view that is being watched.
type Refreshable interface {
	Refresh(ctx context.Context, view string) error
}

// Snapper is a session whose device makes a still picture by itself. Snap gives a JPEG.
type Snapper interface {
	Snap(ctx context.Context) ([]byte, error)
}

// Talker is a session whose device has a loudspeaker. Talk plays what next gives, 20 ms of G.711
// µ-law at 8 kHz (160 bytes) at a time, until next fails or ctx ends (nil both) or the line breaks.
type Talker interface {
	Talk(ctx context.Context, next func(context.Context) ([]byte, error)) error
}

// Rekeyable is a session whose device can be given passwords of its own. Rekey makes accounts for
// the hub alone, proves them, shuts the one that it came with, and proves that too. Before it sends a
// new secret it calls keep, which returns only when the secret is stored. It may be interrupted at
// any step and called again: with what was kept last, Open finds a way in.
type Rekeyable interface {
	Rekey(ctx context.Context, keep func(Keys) error) error
}

// Resettable is a session whose device can be told to become as it left the factory: accounts, settings
// and what it keeps of its user go, and with them the way in. The hub asks for it only when the device is
// forgotten. Reset returns when the device has taken the order: ErrUnreachable to try again,
// ErrUnsupported where this unit has no such order. It may be called again.
type Resettable interface {
	Reset(ctx context.Context) error
}

// Identifiable is a session whose device can show which one it is.
type Identifiable interface {
	Identify(ctx context.Context) error
}

// About describes a driver: its ID in commands, the kinds of thing it opens, what it must be told.
type About struct {
	ID     string
	Kinds  []Kind
	Fields []Field
	Models []string // tested models
}

// Keys are answers to a driver's questions, to be kept in place of those with the same key.
type Keys struct {
	Fields  map[string]string // "" removes one
	Secrets map[string]Secret // the zero Secret removes one
}

// Field is one question of setup. The hub shows it under the i18n key "field.<driver>.<key>".
type Field struct {
	Key      string
	Secret   bool
	Optional bool
}

// Candidate is a thing that discovery saw.
type Candidate struct {
	Driver  string
	Name    string
	Model   string
	Address string
	Fields  map[string]string
}

// Config is all that a session gets from the world.
type Config struct {
	Address string              // host:port, URL or ID, as the driver's README says
	Fields  map[string]string   // answers to the fields that are not secret
	Secret  func(string) Secret // answers to those that are; the zero Secret when there is none
	Net     Net
	Log     Logger
	Now     func() time.Time
}

// Offer is what this very unit is and can do.
type Offer struct {
	Maker, Model, Serial, Firmware string
	Traits                         []Offered
}

// Offered is one trait of a unit.
type Offered struct {
	Trait    trait.Any
	Settable bool
	Steps    int // number of steps between rest and full for a Percent trait; 0 = continuous
}

// Offers says whether the unit offers the trait.
func (o Offer) Offers(t trait.Any) (Offered, bool) {
	for _, have := range o.Traits {
		if have.Trait == t {
			return have, true
		}
	}
	return Offered{}, false
}

// Holding is one kind of personal data that lies on a device.
type Holding struct {
	What  string // i18n key, for example "holding.positions"
	Class trait.Class
}

// Erased says what became of one holding.
type Erased struct {
	What string
	Gone bool
	Why  string // i18n key, when it is not gone
}

// Answer is one of three: not knowing is an honest answer.
type Answer uint8

// The answers to a claim.
const (
	Unknown Answer = iota
	Yes
	No
)

// Evidence is one line of the security label.
type Evidence struct {
	Claim  string // for example "own-password"
	Answer Answer
	How    string // "measured", "said by the device", "inferred"
	At     time.Time
}
