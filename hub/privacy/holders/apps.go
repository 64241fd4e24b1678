package holders

import (
	"context"
	"slices"

	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/privacy"
)

// Apps are the paired apps of a person: they come in no more. Those of others that are called after the
// person are called something else.
type Apps struct {
	List   func(ctx context.Context) ([]wire.App, error)
	Revoke func(ctx context.Context, id string) error
	Rename func(ctx context.Context, id, name string) (wire.App, error)
}

// nameless is what such an app is called.
const nameless = "App"

// Name implements privacy.Holder.
func (Apps) Name() string { return "apps" }

// Inventory implements privacy.Holder.
func (a Apps) Inventory(ctx context.Context, s privacy.Scope) ([]privacy.Item, error) {
	list, err := a.theirs(ctx, s)
	var items []privacy.Item
	for _, app := range list {
		items = append(items, privacy.Item{Kind: "app", Where: privacy.InHub, Person: app.Person, Count: 1, Oldest: app.Added})
	}
	return items, err
}

func (a Apps) theirs(ctx context.Context, s privacy.Scope) ([]wire.App, error) {
	all, err := a.List(ctx)
	var list []wire.App
	for _, app := range all {
		if s.Device == "" && s.Takes("app", app.Person, "") || bears(s, app) {
			list = append(list, app)
		}
	}
	return list, err
}

// bears says whether an app of somebody else bears the name of who goes.
func bears(s privacy.Scope, app wire.App) bool {
	return s.Whole() && app.Name != nameless && slices.Contains(s.Apps, app.ID)
}

// Forget implements privacy.Holder.
func (a Apps) Forget(ctx context.Context, s privacy.Scope) (privacy.Outcome, error) {
	list, err := a.theirs(ctx, s)
	if err != nil {
		return privacy.Outcome{}, err
	}
	for _, app := range list {
		if bears(s, app) {
			_, err = a.Rename(ctx, app.ID, nameless)
		} else {
			err = a.Revoke(ctx, app.ID)
		}
		if err != nil {
			return privacy.Outcome{}, err
		}
	}
	return gone()
}

// Caches are what apps show while they cannot reach the hub: each drops it and says so when it next calls.
type Caches struct {
	List    func(ctx context.Context) ([]wire.App, error)
	Choices privacy.Memory
}

// Name implements privacy.Holder.
func (Caches) Name() string { return "caches" }

// Inventory implements privacy.Holder: before a forgetting there is a cache in each app.
func (c Caches) Inventory(ctx context.Context, s privacy.Scope) ([]privacy.Item, error) {
	n, err := c.left(ctx, s)
	if err != nil || n == 0 {
		return nil, err
	}
	return []privacy.Item{{Kind: "app-cache", Where: privacy.InApp, Person: s.Person, Device: s.Device, Count: n}}, nil
}

// left is how many apps have not said yet that they dropped it.
func (c Caches) left(ctx context.Context, s privacy.Scope) (n int, err error) {
	if !s.Whole() {
		return 0, nil
	}
	apps, err := c.List(ctx)
	if err != nil {
		return 0, err
	}
	choices, err := c.Choices.Load(ctx)
	asked, known := choices.Cleanup[s.Ticket]
	for _, app := range apps {
		if !known || asked[app.ID] {
			n++
		}
	}
	return n, err
}

// Foresee implements privacy.Foreseer.
func (c Caches) Foresee(ctx context.Context, s privacy.Scope) ([]privacy.Outcome, error) {
	n, err := c.left(ctx, s)
	if n == 0 {
		return nil, err
	}
	return []privacy.Outcome{{State: privacy.Waiting, Why: "privacy.why.app", Many: n}}, err
}

// Forget implements privacy.Holder.
func (c Caches) Forget(ctx context.Context, s privacy.Scope) (privacy.Outcome, error) {
	if !s.Whole() {
		return gone()
	}
	apps, err := c.List(ctx)
	if err != nil {
		return privacy.Outcome{}, err
	}
	err = c.Choices.Change(ctx, func(all *privacy.Choices) {
		if _, asked := all.Cleanup[s.Ticket]; asked {
			return
		}
		if all.Cleanup == nil {
			all.Cleanup = map[string]map[string]bool{}
		}
		due := map[string]bool{}
		for _, app := range apps {
			due[app.ID] = true
		}
		all.Cleanup[s.Ticket] = due
	})
	if err != nil {
		return privacy.Outcome{}, err
	}
	if n, err := c.left(ctx, s); err != nil || n > 0 {
		return privacy.Outcome{State: privacy.Waiting, Why: "privacy.why.app", Many: n}, err
	}
	return gone()
}
