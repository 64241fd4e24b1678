package holders

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/ingle-home/ingle/hub/archive"
	"github.com/ingle-home/ingle/hub/home"
	"github.com/ingle-home/ingle/hub/privacy"
	"github.com/ingle-home/ingle/storage/records"
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

// Times are a document of times by such keys. First is called before it is stripped.
func Times(kind string, d archive.Document[map[string]time.Time], first func(s privacy.Scope)) Paper {
	load := func(ctx context.Context) (map[string]time.Time, error) {
		all, err := d.Load(ctx)
		if errors.Is(err, archive.ErrNone) {
			return nil, nil
		}
		return all, err
	}
	return Paper{Kind: kind,
		Count: func(ctx context.Context, s privacy.Scope) (n int, err error) {
			all, err := load(ctx)
			for key := range all {
				if About(s, key) {
					n++
				}
			}
			return n, err
		},
		Strip: func(ctx context.Context, s privacy.Scope) error {
			first(s)
			all, err := load(ctx)
			before := len(all)
			maps.DeleteFunc(all, func(key string, _ time.Time) bool { return About(s, key) })
			if err != nil || len(all) == before {
				return err
			}
			return d.Save(ctx, all)
		}}
}

// Rules are who may see the clips of a camera.
func Rules(clips interface {
	Naming(person string) int
	Unname(ctx context.Context, person string) error
}) Paper {
	return Paper{Kind: "clip-rules",
		Count: func(_ context.Context, s privacy.Scope) (int, error) { return clips.Naming(s.Person), nil },
		Strip: func(ctx context.Context, s privacy.Scope) error { return clips.Unname(ctx, s.Person) }}
}

// Choice is what was decided about somebody's recording.
func Choice(m privacy.Memory) Paper {
	return Paper{Kind: "choice",
		Count: func(ctx context.Context, s privacy.Scope) (int, error) {
			c, err := m.Load(ctx)
			return c.About(s.Person), err
		},
		Strip: func(ctx context.Context, s privacy.Scope) error {
			return m.Change(ctx, func(c *privacy.Choices) { c.Forget(s.Person) })
		}}
}

// Register is HomeKit's.
type Register interface {
	Registered(is func(key string) bool) int
	Forget(ctx context.Context, gone, nameless func(key string) bool) error
}

// Numbers are HomeKit's register, which register gives, or nil. What is still the home's, since it must be
// reached once more, keeps its numbers, and loses the names that a controller gave it. Show has HomeKit see
// the home as it is, so that nothing is registered again.
func Numbers(register func() Register, has func() home.Contents, show func()) Paper {
	gone := func(s privacy.Scope) func(string) bool {
		now := has()
		return func(key string) bool {
			_, err := now.Accessory(key)
			return About(s, key) && err != nil
		}
	}
	return Paper{Kind: "homekit-name",
		Count: func(_ context.Context, s privacy.Scope) (int, error) {
			if r := register(); r != nil {
				return r.Registered(gone(s)), nil
			}
			return 0, nil
		},
		Strip: func(ctx context.Context, s privacy.Scope) error {
			r := register()
			if r == nil {
				return nil
			}
			show()
			return r.Forget(ctx, gone(s), func(key string) bool { return slices.Contains(s.Naming, key) || slices.Contains(s.Devices, key) })
		}}
}

// Pairing is the HomeKit server that a thing has for itself, in a document whose name begins with prefix.
func Pairing(store *records.Store, prefix string, has func() home.Contents) Paper {
	own := func(ctx context.Context, s privacy.Scope) (names []string, err error) {
		for _, id := range s.Things() {
			if _, err := has().Accessory(id); err == nil { // it is still needed
				continue
			}
			some, err := archive.Names(ctx, store, prefix+id)
			if names = append(names, some...); err != nil {
				return names, err
			}
		}
		return names, nil
	}
	return Paper{Kind: "homekit-pairing",
		Count: func(ctx context.Context, s privacy.Scope) (int, error) {
			names, err := own(ctx, s)
			return len(names), err
		},
		Strip: func(ctx context.Context, s privacy.Scope) error {
			names, err := own(ctx, s)
			for _, name := range names {
				err = errors.Join(err, archive.Document[json.RawMessage]{Store: store, Name: name}.Drop(ctx))
			}
			return err
		}}
}
