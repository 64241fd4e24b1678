// Package label makes the security label of a thing, and of the hub, out of evidence: what the hub itself
// measured without asking the device, what the driver learned, what was seen at the doors, what a
// signed list says.
//
// A line is ok, to be fixed, unknown or not applicable. Unknown is an answer of its own and never counts as
// good; there is no mark for the whole that could hide it. Every line says how it is known and since when,
// and after thirty days it is unknown again. This package does nothing but judge: what it is given comes
// from hub/label/desk, which keeps it, and hub/label/probe, which knocks.
package label

import (
	"slices"
	"time"

	"github.com/ingle-home/ingle/hub/label/probe"
)

// lasts is how long a line is believed, and ahead by how much a clock may be wrong.
const (
	lasts = 30 * 24 * time.Hour
	ahead = time.Hour
)

// State is how a line stands.
type State string

// The states.
const (
	OK            State = "ok"
	Fix           State = "fix"
	Unknown       State = "unknown"
	NotApplicable State = "not-applicable"
)

// Method is how a line is known.
type Method string

// The methods.
const (
	Measured Method = "measured"
	Said     Method = "said"     // by the device
	Listed   Method = "listed"   // by the signed list
	Inferred Method = "inferred" // by the hub, from what the device is
)

// Line is one line. Text, Step and the place names of Args are i18n; Raw is for experts.
type Line struct {
	Name   string
	State  State
	Text   string
	Args   map[string]string
	Step   string // "" where there is nothing to do
	Method Method
	At     time.Time // zero where there was nothing to find
	Until  time.Time
	Source string
	Raw    []string
}

// Answer is what evidence says to a claim.
type Answer string

// The answers.
const (
	Yes     Answer = "yes"
	No      Answer = "no"
	NotSeen Answer = "unknown"
)

// Evidence is what a driver says.
type Evidence struct {
	Claim  string    `json:"claim"`
	Answer Answer    `json:"answer"`
	How    string    `json:"how"`
	At     time.Time `json:"at"`
}

// Pin is the key that a device showed at a port.
type Pin struct {
	Key    string    `json:"key"`
	Since  time.Time `json:"since"`
	Before string    `json:"before,omitempty"` // the key that it showed earlier
}

// Offline is a test without the internet.
type Offline struct {
	Since  time.Time     `json:"since,omitzero"` // it runs
	Done   time.Time     `json:"done,omitzero"`  // the last one ended
	Took   time.Duration `json:"took,omitempty"`
	Worked bool          `json:"worked,omitempty"`
}

// Change is a line that came to stand otherwise.
type Change struct {
	At    time.Time `json:"at"`
	Line  string    `json:"line"`
	State State     `json:"state"`
	Text  string    `json:"text"`
}

// Record is what the hub keeps of a device for its label. It goes with the device.
type Record struct {
	Maker    string         `json:"maker,omitempty"`
	Model    string         `json:"model,omitempty"`
	Firmware string         `json:"firmware,omitempty"`
	Told     time.Time      `json:"told,omitzero"` // when it said so; zero if never
	Evidence []Evidence     `json:"evidence,omitempty"`
	Senses   []string       `json:"senses,omitempty"`
	Holds    []string       `json:"holds"` // nil if not known
	Doors    []probe.Seen   `json:"doors,omitempty"`
	Looked   time.Time      `json:"looked,omitzero"`
	Pins     map[uint16]Pin `json:"pins,omitempty"`
	Consent  time.Time      `json:"consent,omitzero"`
	Host     string         `json:"host,omitempty"` // at which the thing was when the household agreed
	Offline  Offline        `json:"offline,omitzero"`
	History  []Change       `json:"history,omitempty"`
}

// Learn takes in what a look at the doors found; what was not asked this time stays as it was.
func (r *Record) Learn(f probe.Found) {
	r.Looked = f.At
	for _, s := range f.Doors {
		i := slices.IndexFunc(r.Doors, func(old probe.Seen) bool { return old.Port == s.Port })
		switch {
		case i < 0:
			r.Doors = append(r.Doors, s)
		case s.State != probe.Unasked:
			r.Doors[i] = s
		}
		if s.TLS != nil && s.TLS.Pin != "" {
			r.pin(s)
		}
	}
}

func (r *Record) pin(s probe.Seen) {
	if r.Pins == nil {
		r.Pins = map[uint16]Pin{}
	}
	switch old := r.Pins[s.Port]; old.Key {
	case s.TLS.Pin:
	case "":
		r.Pins[s.Port] = Pin{Key: s.TLS.Pin, Since: s.At}
	default:
		r.Pins[s.Port] = Pin{Key: s.TLS.Pin, Since: s.At, Before: old.Key}
	}
}

// maxHistory is how many changes are kept of a device.
const maxHistory = 50

// Note adds to the history what stands otherwise than it last did.
func (r *Record) Note(lines []Line, now time.Time) (changed bool) {
	for _, l := range lines {
		i := slices.IndexFunc(r.History, func(c Change) bool { return c.Line == l.Name })
		if i >= 0 && r.History[i].State == l.State && r.History[i].Text == l.Text {
			continue
		}
		r.History = slices.Insert(r.History, 0, Change{now, l.Name, l.State, l.Text})
		changed = true
	}
	r.History = r.History[:min(len(r.History), maxHistory)]
	return changed
}

// line begins a line that the hub knows now.
func line(name string, state State, code string, how Method, at time.Time, pairs ...string) Line {
	l := Line{Name: name, State: state, Text: "label." + name + "." + code, Method: how, At: at}
	for i := 0; i+1 < len(pairs); i += 2 {
		if l.Args == nil {
			l.Args = map[string]string{}
		}
		l.Args[pairs[i]] = pairs[i+1]
	}
	if state == Fix {
		l.Step = l.Text + ".do"
	}
	return l
}

// blank is a line that nothing was found for.
func blank(name string, state State, code string) Line {
	return Line{Name: name, State: state, Text: "label." + name + "." + code}
}

// dated gives a line its end and makes it unknown after that. What lies in the future was found by a wrong
// clock.
func dated(l Line, now time.Time) Line {
	if l.At.IsZero() {
		return l
	}
	if l.Until.IsZero() || l.Until.After(l.At.Add(lasts)) {
		l.Until = l.At.Add(lasts)
	}
	if l.State != NotApplicable && (!now.Before(l.Until) || l.At.After(now.Add(ahead))) {
		l.State, l.Text, l.Step = Unknown, "label.expired", "label.expired.do"
		l.Args = map[string]string{"date": l.At.Format(time.DateOnly)}
	}
	return l
}
