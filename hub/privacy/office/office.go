// Package office is where people ask what is kept about them and have it forgotten: it puts names into IDs,
// demands the password, and answers in the words of the API. What is done stands in hub/privacy.
package office

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/home"
	"github.com/ingle-home/ingle/hub/privacy"
	"github.com/ingle-home/ingle/hub/privacy/receipt"
)

// Options are what New needs.
type Options struct {
	Desk    *privacy.Desk
	Choices privacy.Memory
	Home    func() home.Contents
	Apps    func(ctx context.Context) ([]wire.App, error)
	Prove   func(ctx context.Context, password string) error // in the words of the API
	// Wipe forgets everything, and the store itself.
	Wipe func(ctx context.Context) (receipt []byte, err error)
	Now  func() time.Time
}

// Office implements server.Privacy.
type Office struct{ Options }

// New gives an office.
func New(o Options) *Office {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Office{o}
}

// Inventory lists what is kept in the scope; a room narrows it.
func (o *Office) Inventory(ctx context.Context, w wire.PrivacyScope, room string) ([]wire.PrivacyItem, error) {
	category := privacy.Category(w.Category)
	w.Category = "" // kinds that cannot be forgotten alone are listed too
	if w.Person == "" && w.Device == "" {
		w.Everything = w.Since == nil && w.Until == nil
	}
	s, _, err := o.scope(ctx, w)
	if err != nil {
		return nil, err
	}
	items, err := o.Desk.Inventory(ctx, s)
	if err != nil {
		return nil, err
	}
	list := []wire.PrivacyItem{}
	for _, i := range items {
		k, _ := privacy.Find(i.Kind)
		in := o.room(i.Device)
		if category != "" && k.Category != category || room != "" && !strings.EqualFold(in, room) {
			continue
		}
		list = append(list, wire.PrivacyItem{
			Kind: i.Kind, Category: string(k.Category), Class: k.Class, Where: string(i.Where), Person: i.Person, Device: i.Device, Room: in,
			Count: i.Count, Bytes: i.Bytes, Oldest: at(i.Oldest), Until: at(i.Until),
		})
	}
	return list, nil
}

func (o *Office) room(device string) string {
	a, err := o.Home().Accessory(device)
	if device == "" || err != nil {
		return ""
	}
	return a.Room
}

func at(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// scope finds whom and what a scope is about, and the words that name them.
func (o *Office) scope(ctx context.Context, w wire.PrivacyScope) (s privacy.Scope, words []string, err error) {
	has := o.Home()
	s = privacy.Scope{Everything: w.Everything, Category: privacy.Category(w.Category)}
	if w.Since != nil {
		s.Since = w.Since.UTC()
	}
	if w.Until != nil {
		s.Until = w.Until.UTC()
	}
	if err := fits(w); err != nil {
		return s, nil, err
	}
	if w.Device != "" {
		a, err := has.Accessory(w.Device)
		if err != nil {
			return s, nil, wire.Refuse(http.StatusNotFound, wire.CodeUnknown)
		}
		s.Device, words = a.ID, append(words, a.Name)
	}
	if w.Person != "" {
		p, err := has.Person(w.Person)
		if err != nil {
			return s, nil, wire.Refuse(http.StatusNotFound, "export.person")
		}
		s.Person, words = p.ID, append(words, p.Name)
		s.Zones, s.Naming = has.Naming(p)
		for _, a := range has.Accessories {
			if a.Person == p.ID {
				s.Devices, words = append(s.Devices, a.ID), append(words, a.Name)
			}
		}
		apps, err := o.Apps(ctx)
		if err != nil {
			return s, nil, err
		}
		for _, a := range apps {
			if a.Person != p.ID && p.Names(a.Name) {
				s.Apps = append(s.Apps, a.ID)
			}
		}
	}
	return s, words, nil
}

// Names are those of whoever lives in a home, of its things and zones: what the last search after everything was
// forgotten looks for.
func Names(has home.Contents) (words []string) {
	for _, p := range has.People {
		words = append(words, p.Name)
	}
	for _, a := range has.Accessories {
		words = append(words, a.Name)
	}
	for _, z := range has.Zones {
		words = append(words, z.Name)
	}
	return words
}

// fits refuses a scope that says nothing, or everything and something else.
func fits(w wire.PrivacyScope) error {
	some := w.Person != "" || w.Device != "" || w.Category != "" || w.Since != nil || w.Until != nil
	turned := w.Since != nil && w.Until != nil && !w.Since.Before(*w.Until)
	known := w.Category == "" || slices.Contains(privacy.Keepable(), privacy.Category(w.Category))
	if some == w.Everything || turned || !known {
		return wire.Refuse(http.StatusUnprocessableEntity, wire.CodeScope)
	}
	return nil
}

// Plan says what a forgetting would do.
func (o *Office) Plan(ctx context.Context, w wire.PrivacyScope) (wire.PrivacyPlan, error) {
	s, _, err := o.scope(ctx, w)
	if err != nil {
		return wire.PrivacyPlan{}, err
	}
	steps, err := o.Desk.Plan(ctx, s)
	if err != nil {
		return wire.PrivacyPlan{}, err
	}
	p := wire.PrivacyPlan{Scope: s.Name(), Steps: []wire.PrivacyStep{}}
	if s.Everything {
		p.Word = wire.ForgetWord
	}
	for _, one := range steps {
		p.Steps = append(p.Steps, wire.PrivacyStep{Holder: one.Holder, Expect: string(one.Expect.State), Why: one.Expect.Why, Many: one.Expect.Many, Count: one.Count, Bytes: one.Bytes})
	}
	return p, nil
}

// Forget forgets and gives the receipt. It takes the password, and for everything the word.
func (o *Office) Forget(ctx context.Context, r wire.ForgetRequest) (wire.PrivacyReceipt, error) {
	if r.Everything && r.Word != wire.ForgetWord {
		return wire.PrivacyReceipt{}, wire.Refuse(http.StatusUnprocessableEntity, wire.CodeForgetWord, "word", wire.ForgetWord)
	}
	s, words, err := o.scope(ctx, r.PrivacyScope)
	if err != nil {
		return wire.PrivacyReceipt{}, err
	}
	if err := o.Prove(ctx, r.Password); err != nil {
		return wire.PrivacyReceipt{}, err
	}
	if s.Everything {
		raw, err := o.Wipe(ctx)
		if err != nil {
			return wire.PrivacyReceipt{}, err
		}
		return WordsOf(raw)
	}
	if !s.Whole() {
		words = nil // their names stay
	}
	raw, err := o.Desk.Forget(ctx, s, words...)
	if err != nil {
		o.Desk.Log.Error("a forgetting goes on later", "err", err)
		return wire.PrivacyReceipt{}, wire.Refuse(http.StatusServiceUnavailable, wire.CodeUnfinished)
	}
	return WordsOf(raw)
}

// WordsOf is a signed receipt in the words of the API.
func WordsOf(raw []byte) (wire.PrivacyReceipt, error) {
	v, err := receipt.Verify(raw)
	if err != nil {
		return wire.PrivacyReceipt{}, err
	}
	return wire.PrivacyReceipt{ID: v.ID, Scope: v.Scope, Made: v.Made, Done: v.Done, File: string(raw)}, nil
}

// Receipts lists the receipts, the newest first.
func (o *Office) Receipts(ctx context.Context) ([]wire.PrivacyReceipt, error) {
	all, err := o.Desk.Journal.Receipts(ctx)
	if err != nil {
		return nil, err
	}
	list := []wire.PrivacyReceipt{}
	for _, raw := range all {
		w, err := WordsOf(raw)
		if err != nil {
			return nil, err
		}
		list = append(list, w)
	}
	slices.SortFunc(list, func(a, b wire.PrivacyReceipt) int { return b.Made.Compare(a.Made) })
	return list, nil
}

// person finds somebody; "" is everybody.
func (o *Office) person(which string) (string, error) {
	if which == "" {
		return "", nil
	}
	p, err := o.Home().Person(which)
	if errors.Is(err, home.ErrUnknown) {
		return "", wire.Refuse(http.StatusNotFound, "export.person")
	}
	return p.ID, err
}
