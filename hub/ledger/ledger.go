// Package ledger keeps who looked at what in the home: at a camera, a clip, a place. It is for those
// whom it concerns: whoever is seen can see who saw them.
//
// A look is noted where it was decided that it may be had, and never waits for the ledger. It becomes an
// entry of a chain (hub/chain) when it begins and another when it ends, so that neither a power cut nor
// somebody who would rather not have looked can undo it. Looks of one viewer at one thing that follow
// within minutes are one.
//
// Who looked is sealed under the viewer's own key, what was seen under that of whom it concerns. So
// forgetting either leaves the other's half.
package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/ingle-home/ingle/hub/chain"
)

// Name is of the chain and of its kinds of record.
const Name = "ledger"

const (
	keep  = 90 * 24 * time.Hour
	most  = 20_000
	merge = 5 * time.Minute
)

// Act is what somebody looked at.
type Act string

// The acts.
const (
	Still     Act = "still"      // one picture of a camera
	Live      Act = "live"       // what a camera sees now
	Clip      Act = "clip"       // a recording
	ClipStill Act = "clip-still" // the pictures that stand for recordings of a camera
	Export    Act = "export"     // a copy in the clear, of a clip or of everything
	Place     Act = "place"      // where somebody is
	History   Act = "history"    // what a thing reported in the past
)

// Via is the way by which somebody looked.
type Via string

// The ways.
const (
	App     Via = "app"
	HomeKit Via = "homekit"
	Console Via = "console" // somebody at the hub itself
	Page    Via = "page"    // a browser
	Token   Via = "token"   // a script
)

// Viewer is who looked. IDs only: names change, and are forgotten.
type Viewer struct {
	Via    Via    `json:"via"`
	ID     string `json:"id,omitempty"` // of the app, the controller or the token
	Role   string `json:"role,omitempty"`
	Person string `json:"person,omitempty"` // whose app it is, where that is known
}

// Seen is what was looked at.
type Seen struct {
	Device string `json:"device,omitempty"`
	Whose  string `json:"whose,omitempty"` // the person whose device it is
	Clip   string `json:"clip,omitempty"`
}

// Look is one that somebody had. Who or What is nil once it was forgotten.
type Look struct {
	ID    uint64
	Begin time.Time
	End   time.Time // zero: it goes on, or the hub went before it ended
	Going bool
	Times int
	Act   Act
	Who   *Viewer
	What  *Seen
}

// Options are what Open needs.
type Options struct {
	Chain  chain.Options // Store, Dir, Restores and Now
	Failed func(error)   // hears what the store said, and nil when it is well; nil: nobody
	Log    *slog.Logger
}

// Ledger is safe for concurrent use.
type Ledger struct {
	pen   *chain.Pen
	chain *chain.Chain
}

// Open takes the ledger up where it ended.
func Open(ctx context.Context, o Options) (*Ledger, error) {
	o.Chain.Name, o.Chain.Keep, o.Chain.Most, o.Chain.Log = Name, keep, most, o.Log
	c, err := chain.Open(ctx, o.Chain)
	if err != nil {
		return nil, fmt.Errorf("ledger: %w", err)
	}
	l := &Ledger{pen: chain.NewPen(chain.PenOptions{Merge: merge, Failed: o.Failed, Now: o.Chain.Now}), chain: c}
	l.pen.Attach(c)
	return l, nil
}

// about is the note of a look: it names nobody.
type about struct {
	Act  Act  `json:"act"`
	Long bool `json:"long,omitempty"` // it lasts until somebody ends it
}

// Look notes that somebody looks, and returns at once.
func (l *Ledger) Look(who Viewer, what Seen, act Act) { l.note(who, what, about{Act: act})() }

// Begin notes a look that lasts, until end is called.
func (l *Ledger) Begin(who Viewer, what Seen, act Act) (end func()) {
	return l.note(who, what, about{act, true})
}

func (l *Ledger) note(who Viewer, what Seen, a about) (end func()) {
	note, viewer, seen := encode(a), encode(who), encode(what)
	end, _ = l.pen.Note(string(note)+string(viewer)+string(seen), chain.Draft{Kind: "look", Note: note, Parts: []chain.Part{
		{Name: partWho, Subject: who.subject(), Body: viewer},
		{Name: partWhat, Subject: what.subject(), Body: seen},
	}})
	return end
}

// encode writes what always can be written.
func encode(v any) []byte {
	raw, _ := json.Marshal(v)
	return raw
}

const (
	partWho  = "who"
	partWhat = "what"
)

// subject is whose key seals who looked: the person's, or the household's for a thing that is nobody's.
func (v Viewer) subject() string {
	if v.Person != "" {
		return "person/" + v.Person
	}
	return "household"
}

// subject is whose key seals what was seen: that of whom it concerns.
func (s Seen) subject() string {
	switch {
	case s.Whose != "":
		return "person/" + s.Whose
	case s.Device != "":
		return "accessory/" + s.Device
	}
	return "household"
}

// Run writes what is noted until ctx ends.
func (l *Ledger) Run(ctx context.Context) error { return l.pen.Run(ctx) }

// Close ends the looks that go on, and writes what is left.
func (l *Ledger) Close(ctx context.Context) error { return l.pen.Close(ctx) }

// Sweep removes what had its time.
func (l *Ledger) Sweep(ctx context.Context, now time.Time) (int, error) {
	return l.chain.Trim(ctx, now)
}

// Verify says whether the ledger is as it was written.
func (l *Ledger) Verify(ctx context.Context) (chain.Report, error) {
	if err := l.pen.Write(ctx); err != nil {
		return chain.Report{}, fmt.Errorf("ledger: %w", err)
	}
	return l.chain.Verify(ctx)
}

// Query selects looks; what is left zero selects all.
type Query struct {
	Since   time.Time
	Device  string
	Person  string // who looked, or whose it is
	Concern string // only what this person may know: what they looked at, and who looked at them
}

// Looks gives those that were had, the newest first.
func (l *Ledger) Looks(ctx context.Context, q Query) ([]Look, error) {
	entries, err := l.pen.Folded(ctx, q.Since)
	if err != nil {
		return nil, fmt.Errorf("ledger: %w", err)
	}
	var list []Look
	for _, e := range entries {
		look, ok := lookOf(e)
		if ok && q.takes(look) {
			list = append(list, look)
		}
	}
	slices.Reverse(list)
	return list, nil
}

func (q Query) takes(l Look) bool {
	who, what := Viewer{}, Seen{}
	if l.Who != nil {
		who = *l.Who
	}
	if l.What != nil {
		what = *l.What
	}
	is := func(person string) bool { return person == "" || who.Person == person || what.Whose == person }
	return (q.Device == "" || what.Device == q.Device) && is(q.Person) && is(q.Concern)
}

func lookOf(e chain.Folded) (Look, bool) {
	var a about
	if e.Kind != "look" || json.Unmarshal(e.Note, &a) != nil {
		return Look{}, false
	}
	l := Look{ID: e.Seq, Begin: e.At, End: e.Until, Going: e.Going, Times: e.Times, Act: a.Act}
	switch {
	case e.Going:
		l.End = time.Time{}
	case e.Until.IsZero() && !a.Long:
		l.End = e.At
	}
	l.Who, l.What = decode[Viewer](e.Part(partWho)), decode[Seen](e.Part(partWhat))
	return l, true
}

func decode[T any](raw []byte) *T {
	v := new(T)
	if raw == nil || json.Unmarshal(raw, v) != nil {
		return nil
	}
	return v
}
