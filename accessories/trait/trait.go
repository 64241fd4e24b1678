// Package trait is the vocabulary of the home: what a thing can report and what it can be told.
//
// A Trait ties a name to a Go type, a unit, a privacy class and a kind, so that a battery cannot be
// set to true and a coordinate cannot reach a consumer that is cleared for household facts only.
// Every trait of the product is declared in vocabulary.go and nowhere else; HomeKit, the API and
// the app walk that one table.
package trait

import (
	"time"
)

// Class says how private a reading is. A consumer names the highest class that it may receive.
type Class uint8

// The classes, from what anyone at home may see to what only one person should.
const (
	Household Class = iota // anyone at home may know it
	Personal               // about one person: where, how far
	Intimate               // about a body: only that person
)

// String gives the class as it is written in the API.
func (c Class) String() string {
	return [...]string{"household", "personal", "intimate"}[min(c, Intimate)]
}

// Kind says how readings of a trait are carried: a State may be replaced by a newer one before it is
// delivered, an Event never is.
type Kind uint8

// The kinds of trait.
const (
	State Kind = iota
	Event
)

// Unit names the unit of a trait's values; empty where there is none.
type Unit string

// The units in use.
const (
	None    Unit = ""
	Percent Unit = "%"
	Count   Unit = "1"
	Beats   Unit = "1/min"
	Degrees Unit = "°"
)

// Trait is one thing that can be reported or commanded, with values of type T.
type Trait[T any] struct{ def *definition }

type definition struct {
	id    string
	unit  Unit
	class Class
	kind  Kind
	codec codec
}

func declare[T any](id string, unit Unit, class Class, kind Kind) Trait[T] {
	return Trait[T]{&definition{id: id, unit: unit, class: class, kind: kind, codec: codecOf[T]()}}
}

// ID is the trait's name on the wire, for example "speed".
func (t Trait[T]) ID() string { return t.def.id }

// Of makes a reading: the trait had value v at the given time.
func (t Trait[T]) Of(v T, at time.Time) Reading {
	return Reading{Trait: t.Any(), At: at.UTC(), value: v}
}

// In gives the value of a reading of this trait; false when the reading is of another one.
func (t Trait[T]) In(r Reading) (T, bool) { return match[T](t.def, r.Trait, r.value) }

// Set makes a command: the trait shall have value v.
func (t Trait[T]) Set(v T) Command { return Command{Trait: t.Any(), value: v} }

// Want gives the value of a command for this trait; false when the command is for another one.
func (t Trait[T]) Want(c Command) (T, bool) { return match[T](t.def, c.Trait, c.value) }

// Any gives the trait without its type, as it stands in tables and offers.
func (t Trait[T]) Any() Any { return Any{t.def} }

func match[T any](want *definition, got Any, value any) (T, bool) {
	if got.def != want {
		var zero T
		return zero, false
	}
	v, ok := value.(T)
	return v, ok
}

// Any is a trait whose type is known at run time only. Values of Any are comparable.
type Any struct{ def *definition }

// ID is the trait's name on the wire.
func (a Any) ID() string {
	if a.def == nil {
		return ""
	}
	return a.def.id
}

// Unit is the unit of its values.
func (a Any) Unit() Unit { return a.def.unit }

// Class is the privacy class of its readings.
func (a Any) Class() Class { return a.def.class }

// Kind says whether readings may be merged.
func (a Any) Kind() Kind { return a.def.kind }

// Reading is what a thing reported, and when (UTC).
type Reading struct {
	Trait Any
	At    time.Time
	value any
}

// Same says whether two readings carry the same value of the same trait, whatever their times.
func (r Reading) Same(o Reading) bool { return r.Trait == o.Trait && r.value == o.value }

// Command is what a thing shall do.
type Command struct {
	Trait Any
	value any
}
