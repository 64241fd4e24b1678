package clips

import (
	"context"
	"fmt"
	"time"

	"github.com/ingle-home/ingle/hub/record"
)

// sweepUndated deletes the clips whose own time cannot be true, once they have been here for as long as their
// camera's clips stay: a burglary just after a power cut must not go at once since the clock began in 1970,
// nor one of a clock that ran ahead stay for years. A restart begins the count anew.
func (d *Desk) sweepUndated(ctx context.Context, now time.Time) (deleted int, err error) {
	rules := d.rules()
	d.mu.Lock()
	seen := map[string]time.Time{}
	var gone []string
	for _, clip := range d.Store.List("") {
		if clip.Kept || clip.State == record.Running || clip.Dated(now) {
			continue
		}
		since, known := d.undated[clip.ID]
		if !known || since.After(now) {
			since = now
		}
		seen[clip.ID] = since
		if now.Sub(since) > rules.Rule(clip.Camera).Age() {
			gone = append(gone, clip.ID)
		}
	}
	d.undated = seen
	d.mu.Unlock()
	if len(gone) == 0 {
		return 0, nil
	}
	if err := d.Store.Delete(ctx, gone...); err != nil {
		return 0, fmt.Errorf("clips: undated: %w", err)
	}
	return len(gone), nil
}
