package holders

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"github.com/ingle-home/ingle/hub/privacy"
)

// Backups are those that the hub knows of. They are sealed as a whole under keys of their own, so nothing
// can be taken out of one: it goes.
type Backups struct {
	// Files lists them; away says that their folder is not there now.
	Files func(ctx context.Context) (paths []string, away bool)
	// Gone is told that they have gone.
	Gone func(ctx context.Context) error
}

// Name implements privacy.Holder.
func (Backups) Name() string { return "backups" }

// Inventory implements privacy.Holder.
func (b Backups) Inventory(ctx context.Context, _ privacy.Scope) ([]privacy.Item, error) {
	paths, _ := b.Files(ctx)
	item := privacy.Item{Kind: "backup", Where: privacy.InBackup}
	for _, path := range paths {
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err == nil {
			item.Bytes += info.Size()
			if item.Oldest.IsZero() || info.ModTime().Before(item.Oldest) {
				item.Oldest = info.ModTime().UTC()
			}
		}
		item.Count++
	}
	if item.Count == 0 {
		return nil, nil
	}
	return []privacy.Item{item}, nil
}

// Foresee implements privacy.Foreseer.
func (b Backups) Foresee(ctx context.Context, _ privacy.Scope) ([]privacy.Outcome, error) {
	if _, away := b.Files(ctx); away {
		return []privacy.Outcome{{State: privacy.Waiting, Why: "privacy.why.backup-away", Many: 1}}, nil
	}
	return nil, nil
}

// Forget implements privacy.Holder.
func (b Backups) Forget(ctx context.Context, _ privacy.Scope) (privacy.Outcome, error) {
	paths, away := b.Files(ctx)
	stay := 0
	for _, path := range paths {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			stay++
		}
	}
	switch {
	case away:
		return privacy.Outcome{State: privacy.Waiting, Why: "privacy.why.backup-away", Many: 1}, nil
	case stay > 0:
		return privacy.Outcome{State: privacy.Impossible, Why: "privacy.why.backup-denied", Many: stay}, nil
	}
	return privacy.Outcome{State: privacy.Gone}, b.Gone(ctx)
}

// Replaced is what a restore put aside, with the keys of then.
type Replaced struct {
	There func() bool
	Drop  func() error
}

// Name implements privacy.Holder.
func (Replaced) Name() string { return "replaced" }

// Inventory implements privacy.Holder.
func (r Replaced) Inventory(context.Context, privacy.Scope) ([]privacy.Item, error) {
	if !r.There() {
		return nil, nil
	}
	return []privacy.Item{{Kind: "replaced", Where: privacy.InHub, Count: 1}}, nil
}

// Forget implements privacy.Holder.
func (r Replaced) Forget(context.Context, privacy.Scope) (privacy.Outcome, error) {
	if err := r.Drop(); err != nil {
		return privacy.Outcome{}, err
	}
	return gone()
}

// Memory is what a running hub shows: states, streams, pictures. It forgets what the other holders took
// out of the home, so it comes after them; a restart has done the same.
type Memory struct {
	Shown func(s privacy.Scope) int // how much of it is shown
	Drop  func(ctx context.Context, s privacy.Scope) error
}

// Name implements privacy.Holder.
func (Memory) Name() string { return "memory" }

// Inventory implements privacy.Holder.
func (m Memory) Inventory(_ context.Context, s privacy.Scope) ([]privacy.Item, error) {
	if n := m.Shown(s); n > 0 {
		return []privacy.Item{{Kind: "still", Where: privacy.InMemory, Person: s.Person, Device: s.Device, Count: n}}, nil
	}
	return nil, nil
}

// Forget implements privacy.Holder.
func (m Memory) Forget(ctx context.Context, s privacy.Scope) (privacy.Outcome, error) {
	if err := m.Drop(ctx, s); err != nil {
		return privacy.Outcome{}, err
	}
	return gone()
}
