package holders

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/ingle-home/ingle/hub/archive"
	"github.com/ingle-home/ingle/hub/privacy"
	"github.com/ingle-home/ingle/storage/records"
)

const (
	entries  = "forgetting/"
	receipts = "receipt/"
)

// Choices keeps what the household decided, sealed, and knows it. It implements privacy.Memory.
type Choices struct {
	store    archive.Document[privacy.Choices]
	changing sync.Mutex

	mu  sync.Mutex
	now privacy.Choices
}

// OpenChoices takes up what was decided.
func OpenChoices(ctx context.Context, store *records.Store) (*Choices, error) {
	c := &Choices{store: archive.Document[privacy.Choices]{Store: store, Name: "privacy"}}
	now, err := c.store.Load(ctx)
	if errors.Is(err, archive.ErrNone) {
		return c, nil
	}
	c.now = now
	return c, err
}

// Load implements privacy.Memory; it reads no disk.
func (c *Choices) Load(context.Context) (privacy.Choices, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now.Clone(), nil
}

// Change implements privacy.Memory.
func (c *Choices) Change(ctx context.Context, edit func(*privacy.Choices)) error {
	c.changing.Lock()
	defer c.changing.Unlock()
	next, _ := c.Load(ctx) // it is in memory
	edit(&next)
	if err := c.store.Save(ctx, next); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = next
	return nil
}

// Rests says whether the recording of somebody is paused.
func (c *Choices) Rests(person string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, rests := c.now.Paused[person]
	return rests
}

// Lasts is how long a reading of a trait of somebody is kept.
func (c *Choices) Lasts(trait, person string) time.Duration {
	kind, _ := privacy.Find(kindOf(archive.Stored{Kind: "reading", Trait: trait})) // it has one
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now.Lasts(kind.Category, person)
}

// Journal keeps what is being forgotten, and the receipts, sealed. It implements privacy.Journal.
type Journal struct {
	Store   *records.Store
	Choices privacy.Memory
	Older   func() ([][]byte, error) // receipts of what was here before everything was forgotten
}

func (j Journal) entry(id string) archive.Document[privacy.Entry] {
	return archive.Document[privacy.Entry]{Store: j.Store, Name: entries + id}
}

func (j Journal) receipt(id string) archive.Document[json.RawMessage] {
	return archive.Document[json.RawMessage]{Store: j.Store, Name: receipts + id}
}

// Entries implements privacy.Journal.
func (j Journal) Entries(ctx context.Context) (all []privacy.Entry, err error) {
	names, err := archive.Names(ctx, j.Store, entries)
	for _, name := range names {
		e, err := j.entry(strings.TrimPrefix(name, entries)).Load(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	return all, err
}

// Keep implements privacy.Journal.
func (j Journal) Keep(ctx context.Context, e privacy.Entry) error { return j.entry(e.ID).Save(ctx, e) }

// Close implements privacy.Journal.
func (j Journal) Close(ctx context.Context, e privacy.Entry, receipt []byte) error {
	err := j.receipt(e.ID).Save(ctx, receipt)
	if err != nil || e.Pending() {
		return errors.Join(err, j.Keep(ctx, e))
	}
	err = j.Choices.Change(ctx, func(c *privacy.Choices) { delete(c.Cleanup, e.ID) })
	return errors.Join(err, j.entry(e.ID).Drop(ctx))
}

// Receipts implements privacy.Journal.
func (j Journal) Receipts(ctx context.Context) (all [][]byte, err error) {
	names, err := archive.Names(ctx, j.Store, receipts)
	for _, name := range names {
		raw, err := j.receipt(strings.TrimPrefix(name, receipts)).Load(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, raw)
	}
	older, errOlder := j.Older()
	return append(all, older...), errors.Join(err, errOlder)
}

// Expire erases what has had its time at now, a time that can be believed: rows, and clips where the
// household said how long those of all cameras stay. What is kept by hand stays.
func Expire(ctx context.Context, r Rows, f Films, c privacy.Choices, now time.Time) (int, error) {
	n, err := r.Expire(ctx, c, now)
	lasts, said := c.Said(privacy.Recordings, "")
	if !said || f.Clips().Store == nil {
		return n, err
	}
	var old []string
	for _, clip := range f.Clips().Store.List("") {
		if !clip.Kept && clip.At.Before(now.Add(-lasts)) && clip.Dated(now) {
			old = append(old, clip.ID)
		}
	}
	if len(old) > 0 {
		err = errors.Join(err, f.Clips().Store.Delete(ctx, old...))
	}
	return n + len(old), err
}
