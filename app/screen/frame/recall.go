package frame

import (
	"context"
	"time"

	"github.com/ingle-home/ingle/app/model"
	"github.com/ingle-home/ingle/hub/api/wire"
)

const (
	recalled     = 120 // points of one trait
	weekOfNumber = 7 * 24 * time.Hour
	dayOfWalk    = 24 * time.Hour
)

// Recall adds to the past what the hub kept of some things, and then runs then. What it does not tell this
// person stays unknown.
func (d *Desk) Recall(past *model.Past, things []wire.Accessory, then func()) {
	type question struct {
		id, trait string
		back      time.Duration
	}
	var asks []question
	for _, a := range things {
		for _, id := range model.KeptOf(a) {
			back := weekOfNumber
			if model.IsPlace(id) {
				back = dayOfWalk
			}
			asks = append(asks, question{a.ID, id, back})
		}
	}
	if len(asks) == 0 {
		return
	}
	now := d.Now().UTC()
	var all []wire.History
	d.Load(func(ctx context.Context) error {
		for _, q := range asks {
			h, err := d.Hub.History(ctx, q.id, q.trait, now.Add(-q.back), now, recalled)
			if err != nil {
				return err
			}
			all = append(all, h)
		}
		return nil
	}, func() {
		for _, h := range all {
			past.Remember(h)
		}
		then()
	})
}
