package holders

import (
	"context"

	"github.com/ingle-home/ingle/hub/privacy"
	"github.com/ingle-home/ingle/hub/record"
)

// Films are the clips of cameras.
type Films struct {
	Clips func() record.Clips // no Store where it could not be opened
	// Drop destroys a camera's media key and its clips, and what the household wanted of it.
	Drop func(ctx context.Context, camera string) error
}

// Name implements privacy.Holder.
func (Films) Name() string { return "films" }

// Inventory implements privacy.Holder.
func (f Films) Inventory(_ context.Context, s privacy.Scope) ([]privacy.Item, error) {
	by := map[string]*privacy.Item{}
	var items []privacy.Item
	for _, c := range f.list(s) {
		i := by[c.Camera]
		if i == nil {
			i = &privacy.Item{Kind: "clip", Where: privacy.InHub, Device: c.Camera}
			by[c.Camera] = i
		}
		i.Count++
		i.Bytes += c.Size
		if i.Oldest.IsZero() || c.At.Before(i.Oldest) {
			i.Oldest = c.At
		}
	}
	for _, i := range by {
		items = append(items, *i)
	}
	return items, nil
}

func (f Films) list(s privacy.Scope) []record.Clip {
	clips := f.Clips()
	if clips.Store == nil {
		return nil
	}
	var list []record.Clip
	for _, c := range clips.List("") {
		if s.Takes("clip", "", c.Camera) && s.In(c.At) {
			list = append(list, c)
		}
	}
	return list
}

// Forget implements privacy.Holder.
func (f Films) Forget(ctx context.Context, s privacy.Scope) (privacy.Outcome, error) {
	clips := f.Clips()
	if clips.Store == nil {
		return privacy.Outcome{State: privacy.Waiting, Why: "clips.closed"}, nil
	}
	if s.Whole() {
		for _, id := range s.Things() {
			if err := f.Drop(ctx, id); err != nil {
				return privacy.Outcome{}, err
			}
		}
		return gone()
	}
	var ids []string
	for _, c := range f.list(s) {
		ids = append(ids, c.ID)
	}
	if len(ids) > 0 {
		if err := clips.Store.Delete(ctx, ids...); err != nil {
			return privacy.Outcome{}, err
		}
	}
	return gone()
}
