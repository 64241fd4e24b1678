// Package holdings counts what the hub keeps about the people of the home, so that they see how much there
// is, how old it is and when it goes.
package holdings

import (
	"context"
	"fmt"
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/archive"
)

// Places are where the hub keeps it.
type Places struct {
	Readings archive.Readings
	Clips    func(ctx context.Context) ([]wire.Clip, error)
	Apps     func(ctx context.Context) ([]wire.App, error)
}

// Count counts all of it, in the order in which people care. Recordings that cannot be opened now are left
// out rather than said to be none.
func (p Places) Count(ctx context.Context) ([]wire.Holding, error) {
	var list []wire.Holding
	if clips, err := p.Clips(ctx); err == nil {
		list = append(list, filmed(clips))
	}
	read, err := p.read(ctx)
	if err != nil {
		return nil, err
	}
	apps, err := p.Apps(ctx)
	if err != nil {
		return nil, fmt.Errorf("holdings: %w", err)
	}
	return append(append(list, read...), wire.Holding{What: "apps", Count: len(apps)}), nil
}

func filmed(clips []wire.Clip) wire.Holding {
	h := wire.Holding{What: "recordings"}
	for _, c := range clips {
		add(&h, c.At)
		h.Size += c.Size
	}
	return h
}

// read counts what things reported.
func (p Places) read(ctx context.Context) ([]wire.Holding, error) {
	days := int(archive.Stay / (24 * time.Hour))
	list := []wire.Holding{{What: "positions", Days: days}, {What: "heart", Days: days}, {What: "steps", Days: days}, {What: "alarms"}, {What: "readings", Days: days}}
	err := p.Readings.Each(ctx, "", nil, func(r archive.Past) error {
		add(&list[kind(r.Trait)], r.At)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("holdings: %w", err)
	}
	return list, nil
}

// kind says which of the kinds of readings one of a trait is. Alarms are kept until somebody deletes them.
func kind(id string) int {
	switch t, known := trait.Lookup(id); {
	case id == trait.Where.ID():
		return 0
	case id == trait.Heart.ID():
		return 1
	case id == trait.Steps.ID():
		return 2
	case known && t.Kind() == trait.Event:
		return 3
	}
	return 4
}

func add(h *wire.Holding, at time.Time) {
	h.Count++
	if h.Oldest == nil || at.Before(*h.Oldest) {
		at = at.UTC()
		h.Oldest = &at
	}
}
