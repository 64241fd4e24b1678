// Package holders are the places of a hub that keep something about somebody, each as a privacy.Holder.
// They know where things lie; what there is to forget, in which order and with which proof, is the
// desk's business.
package holders

import (
	"context"
	"slices"

	"github.com/ingle-home/ingle/hub/archive"
	"github.com/ingle-home/ingle/hub/home"
	"github.com/ingle-home/ingle/hub/privacy"
	"github.com/ingle-home/ingle/storage/records"
)

// gone is the answer of who has nothing left.
func gone() (privacy.Outcome, error) { return privacy.Outcome{State: privacy.Gone}, nil }

// Rows are what the store keeps of people: who they are, where they were, what their bodies did, their
// alarms. Of a person the key goes, and with it all at once.
type Rows struct {
	Store *records.Store
	Home  *home.Home
}

// Name implements privacy.Holder.
func (Rows) Name() string { return "rows" }

// Inventory implements privacy.Holder.
func (r Rows) Inventory(ctx context.Context, s privacy.Scope) ([]privacy.Item, error) {
	list, err := r.list(ctx, s)
	var items []privacy.Item
	for _, one := range list {
		items = append(items, privacy.Item{
			Kind: kindOf(one), Where: privacy.InHub, Person: one.Person, Device: one.Accessory,
			Count: one.Count, Bytes: one.Bytes, Oldest: one.Oldest, Until: one.Expires,
		})
	}
	return items, err
}

func (r Rows) list(ctx context.Context, s privacy.Scope) ([]archive.Stored, error) {
	all, err := archive.Inventory(ctx, r.Store, s.Since, s.Until)
	return slices.DeleteFunc(all, func(one archive.Stored) bool {
		kind := kindOf(one)
		return kind == "" || !s.Takes(kind, one.Person, one.Accessory)
	}), err
}

// kindOf is the kind of a row that is about somebody; "" of others, which other holders have.
func kindOf(s archive.Stored) string {
	for _, k := range privacy.Kinds() {
		switch {
		case !slices.Contains(k.Records, s.Kind) || !slices.Contains([]string{"person", "reading", "alarm"}, s.Kind):
		case s.Kind != "reading" || slices.Contains(k.Traits, s.Trait):
			return k.ID
		}
	}
	if s.Kind == "reading" { // of another version: as careful as may be
		return "activity"
	}
	return ""
}

// Forget implements privacy.Holder.
func (r Rows) Forget(ctx context.Context, s privacy.Scope) (privacy.Outcome, error) {
	if s.Person != "" && s.Whole() {
		if err := r.Home.ForgetPerson(ctx, s.Person); err != nil {
			return privacy.Outcome{}, err
		}
	}
	list, err := r.list(ctx, s)
	if err != nil || len(list) == 0 {
		return privacy.Outcome{State: privacy.Gone}, err
	}
	if _, err := archive.Erase(ctx, r.Store, list, s.Since, s.Until); err != nil {
		return privacy.Outcome{}, err
	}
	return gone()
}
