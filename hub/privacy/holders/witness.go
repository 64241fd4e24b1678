package holders

import (
	"context"

	"github.com/ingle-home/ingle/hub/chain"
	"github.com/ingle-home/ingle/hub/ledger"
	"github.com/ingle-home/ingle/hub/privacy"
)

// Witness is what the access ledger and the security log have of somebody. It must forget before the keys
// are destroyed and the apps revoked: the chains then say what was forgotten, instead of missing it.
type Witness struct {
	Count func(ctx context.Context, s ledger.Scope) (chain.Holding, error)
	Drop  func(ctx context.Context, s ledger.Scope) (int, error)
}

// Name implements privacy.Holder.
func (Witness) Name() string { return "witness" }

// Inventory implements privacy.Holder.
func (w Witness) Inventory(ctx context.Context, s privacy.Scope) ([]privacy.Item, error) {
	var items []privacy.Item
	scopes := looks(s)
	if s.Takes("look", "", "") { // of all
		scopes = []ledger.Scope{{}}
	}
	for _, scope := range scopes {
		h, err := w.Count(ctx, scope)
		if err != nil {
			return nil, err
		}
		if h.Parts > 0 {
			items = append(items, privacy.Item{Kind: "look", Where: privacy.InHub, Person: scope.Person, Device: scope.Device, Count: h.Parts, Bytes: h.Bytes, Oldest: h.Oldest})
		}
	}
	return items, nil
}

// Forget implements privacy.Holder.
func (w Witness) Forget(ctx context.Context, s privacy.Scope) (privacy.Outcome, error) {
	for _, scope := range looks(s) {
		if _, err := w.Drop(ctx, scope); err != nil {
			return privacy.Outcome{}, err
		}
	}
	return gone()
}

// looks are what a scope means to the records. Who only takes a category or a time away keeps them: they
// say who looked at it.
func looks(s privacy.Scope) []ledger.Scope {
	switch {
	case s.Everything:
		return []ledger.Scope{{}}
	case !s.Whole():
		return nil
	}
	var list []ledger.Scope
	for _, id := range s.Things() {
		list = append(list, ledger.Scope{Device: id})
	}
	if s.Person != "" {
		list = append(list, ledger.Scope{Person: s.Person})
	}
	return list
}
