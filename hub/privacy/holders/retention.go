package holders

import (
	"context"
	"time"

	"github.com/ingle-home/ingle/hub/archive"
	"github.com/ingle-home/ingle/hub/privacy"
)

// Expire erases what has had its time at now, a time that can be believed, by the household's rules; it
// says how much. Readings carry an end of their own too, by the rule of their day, which one that was made
// later can only bring forward.
func (r Rows) Expire(ctx context.Context, c privacy.Choices, now time.Time) (int, error) {
	all, err := archive.Inventory(ctx, r.Store, time.Time{}, time.Time{})
	if err != nil {
		return 0, err
	}
	old := map[time.Duration][]archive.Stored{}
	for _, one := range all {
		kind, known := privacy.Find(kindOf(one))
		if !known || !kind.Alone() {
			continue
		}
		lasts := c.Lasts(kind.Category, one.Person)
		if one.Oldest.Before(now.Add(-lasts)) {
			old[lasts] = append(old[lasts], one)
		}
	}
	gone := 0
	for lasts, list := range old {
		n, err := archive.Erase(ctx, r.Store, list, time.Time{}, now.Add(-lasts))
		if gone += n; err != nil {
			return gone, err
		}
	}
	return gone, nil
}
