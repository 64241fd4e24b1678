// Package privacy is what a household can do about what is kept about it: see it, have it forgotten, and
// hold the proof.
//
//	kinds.go, columns.go   every kind of personal data, and every column that holds some
//	privacy.go             what is asked (Scope), and who keeps something (Holder)
//	plan.go                what would become of it
//	desk.go, journal.go    forgetting, which a power cut cannot end
//	choices.go             how long what is kept, whose recording pauses, who consented
//
// Whoever keeps anything about anybody is a Holder. The desk asks all of them, in an order that begins
// with the keys, writes down each that is done, looks a second time, and signs a receipt.
package privacy

import (
	"context"
	"slices"
	"time"
)

// Scope is what is asked for: everything, or what fits all that is set. It holds random IDs only, so that
// the journal names nobody.
type Scope struct {
	Everything bool      `json:"everything,omitempty"`
	Person     string    `json:"person,omitempty"`
	Device     string    `json:"device,omitempty"`
	Category   Category  `json:"category,omitempty"`
	Since      time.Time `json:"since,omitzero"`
	Until      time.Time `json:"until,omitzero"`

	// Of a person, found before the name is forgotten.
	Devices []string `json:"devices,omitempty"` // theirs
	Zones   []string `json:"zones,omitempty"`   // whose name names them
	Naming  []string `json:"naming,omitempty"`  // things that are not theirs, whose name or room names them
	Apps    []string `json:"apps,omitempty"`    // apps that are not theirs, whose name names them

	Ticket string `json:"ticket,omitempty"` // the ID of the forgetting, once it is one
}

// Name is what the scope is called: "everything", "person", "device", "category", "range".
func (s Scope) Name() string {
	switch {
	case s.Everything:
		return "everything"
	case s.Person != "":
		return "person"
	case s.Device != "":
		return "device"
	case s.Category != "":
		return "category"
	}
	return "range"
}

// Whole says whether somebody or something goes altogether, not only a category or a time of it.
func (s Scope) Whole() bool {
	return s.Everything || (s.Person != "" || s.Device != "") && s.Category == "" && s.Since.IsZero() && s.Until.IsZero()
}

// Things are the devices that go.
func (s Scope) Things() []string {
	if s.Device != "" {
		return []string{s.Device}
	}
	return s.Devices
}

// In says whether a moment is in the range; none fits all.
func (s Scope) In(at time.Time) bool {
	return (s.Since.IsZero() || !at.Before(s.Since)) && (s.Until.IsZero() || at.Before(s.Until))
}

// Takes says whether something of a kind, of a person and a device, is meant. Who keeps times looks at
// those besides.
func (s Scope) Takes(kind, person, device string) bool {
	k, known := Find(kind)
	switch {
	case s.Everything:
		return true
	case s.Category != "" && (!known || k.Category != s.Category):
		return false
	case !s.Whole() && !k.Alone():
		return false
	}
	theirs := s.Person != "" && (person == s.Person || slices.Contains(s.Devices, device) && device != "")
	its := s.Device != "" && device == s.Device
	return s.Person == "" && s.Device == "" || theirs || its
}

// Alone says whether data of a kind can be forgotten by category or time, and all else goes on.
func (k Kind) Alone() bool {
	return slices.Contains([]string{"location", "activity", "heart", "alarm", "clip"}, k.ID)
}

// Item is some of what is kept: how much of one kind, and since when.
type Item struct {
	Kind           string
	Where          Place
	Person, Device string // IDs; "" where it is nobody's
	Count          int
	Bytes          int64
	Oldest         time.Time // zero where nobody knows
	Until          time.Time // when it goes by itself; zero: it does not
}

// State is what became of what a holder had.
type State string

// The states. Waiting is tried again.
const (
	Gone       State = "gone"
	Waiting    State = "waiting"
	Impossible State = "impossible"
)

// Outcome is what a holder says after it forgot. Why is an i18n key where something is not gone.
type Outcome struct {
	State State  `json:"state"`
	Why   string `json:"why,omitempty"`
	Many  int    `json:"many,omitempty"` // how many devices, apps or files it is about
}

// Holder keeps something about somebody. Its methods may be called again after they were cut short, and
// are asked one at a time.
type Holder interface {
	// Name is of its i18n text, "privacy.holder.NAME".
	Name() string
	// Inventory lists what there is in the scope, from the source and not from a list of its own: it is
	// also the second look.
	Inventory(ctx context.Context, s Scope) ([]Item, error)
	// Forget does what it can. An error is of the hub's own making, and all of it is tried again.
	Forget(ctx context.Context, s Scope) (Outcome, error)
}

// Foreseer is a Holder that knows before it is asked that it will not succeed.
type Foreseer interface {
	Foresee(ctx context.Context, s Scope) ([]Outcome, error)
}
