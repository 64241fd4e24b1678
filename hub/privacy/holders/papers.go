package holders

import (
	"context"

	"github.com/ingle-home/ingle/hub/privacy"
)

// Paper is a document of the household in which people or things are named by their IDs.
type Paper struct {
	Kind string
	// Count says how many of its lines are in the scope.
	Count func(ctx context.Context, s privacy.Scope) (int, error)
	// Strip takes them out, durably.
	Strip func(ctx context.Context, s privacy.Scope) error
}

// Papers are all of them.
type Papers []Paper

// Name implements privacy.Holder.
func (Papers) Name() string { return "papers" }

// Inventory implements privacy.Holder.
func (p Papers) Inventory(ctx context.Context, s privacy.Scope) ([]privacy.Item, error) {
	if !s.Whole() {
		return nil, nil
	}
	var items []privacy.Item
	for _, one := range p {
		n, err := one.Count(ctx, s)
		if err != nil {
			return nil, err
		}
		if n > 0 {
			items = append(items, privacy.Item{Kind: one.Kind, Where: privacy.InHub, Person: s.Person, Device: s.Device, Count: n})
		}
	}
	return items, nil
}

// Forget implements privacy.Holder.
func (p Papers) Forget(ctx context.Context, s privacy.Scope) (privacy.Outcome, error) {
	if !s.Whole() {
		return gone()
	}
	for _, one := range p {
		if err := one.Strip(ctx, s); err != nil {
			return privacy.Outcome{}, err
		}
	}
	return gone()
}

// About says whether a document's key, such as "p-1@z-1" or "a-1", is of somebody or something that goes.
func About(s privacy.Scope, key string) bool {
	for _, id := range append([]string{s.Person, s.Device}, append(s.Devices, s.Zones...)...) {
		if id == "" {
			continue
		}
		for _, part := range split(key) {
			if part == id {
				return true
			}
		}
	}
	return s.Everything
}

func split(key string) []string {
	for i := range len(key) {
		if key[i] == '@' {
			return []string{key[:i], key[i+1:]}
		}
	}
	return []string{key}
}
