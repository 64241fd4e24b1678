// Package health is the list of what is wrong in the house, for people. A trouble has a code; the
// i18n key "health.<code>" says what is wrong and "health.<code>.do" what to do about it.
package health

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"
)

// Severity says how urgent a trouble is; the highest comes first.
type Severity uint8

// The severities.
const (
	Notice Severity = iota
	Warning
	Alarm
)

// Trouble is one thing that is wrong with one subject (an accessory's ID, or "" for the hub).
type Trouble struct {
	Code     string
	Subject  string
	Args     map[string]string // fill the places in the text; IDs, never names
	Severity Severity
	Since    time.Time // UTC
}

// Key is the i18n key of what is wrong.
func (t Trouble) Key() string { return "health." + t.Code }

// NextStep is the i18n key of what to do.
func (t Trouble) NextStep() string { return t.Key() + ".do" }

type spot struct{ code, subject string }

// List is what is wrong now. It is safe for concurrent use.
type List struct {
	mu         sync.Mutex
	now        func() time.Time
	severities map[string]Severity
	troubles   map[spot]Trouble
	changed    chan struct{}
}

// New gives an empty list. Codes without a severity are warnings.
func New(now func() time.Time, severities map[string]Severity) *List {
	return &List{now: now, severities: maps.Clone(severities), troubles: map[spot]Trouble{}, changed: make(chan struct{})}
}

// Raise says that something is wrong. Raised again it keeps its Since.
func (l *List) Raise(code, subject string, args map[string]string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	old, had := l.troubles[spot{code, subject}]
	if had && maps.Equal(old.Args, args) {
		return
	}
	t := Trouble{Code: code, Subject: subject, Args: maps.Clone(args), Severity: Warning, Since: l.now().UTC()}
	if s, ok := l.severities[code]; ok {
		t.Severity = s
	}
	if had {
		t.Since = old.Since
	}
	l.troubles[spot{code, subject}] = t
	l.tell()
}

// Clear says that it is no longer wrong.
func (l *List) Clear(code, subject string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, had := l.troubles[spot{code, subject}]; had {
		delete(l.troubles, spot{code, subject})
		l.tell()
	}
}

// All lists the troubles: the most severe first, then the oldest.
func (l *List) All() []Trouble {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.SortedFunc(maps.Values(l.troubles), func(a, b Trouble) int {
		return cmp.Or(cmp.Compare(b.Severity, a.Severity), a.Since.Compare(b.Since),
			cmp.Compare(a.Code, b.Code), cmp.Compare(a.Subject, b.Subject))
	})
}

// Changed gives a channel that closes at the next change. Ask for it before reading All.
func (l *List) Changed() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.changed
}

func (l *List) tell() {
	close(l.changed)
	l.changed = make(chan struct{})
}
