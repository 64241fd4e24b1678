package gallery

import (
	"context"
	"slices"
	"time"

	"github.com/ingle-home/ingle/hub/api/wire"
)

// sights are who looked at the family's things.
func sights(now time.Time) []wire.Viewing {
	ago := func(d time.Duration) *time.Time { at := now.Add(-d); return &at }
	return []wire.Viewing{
		{ID: 9, Begin: *ago(3 * time.Minute), Times: 1, Act: "live", Via: "app", Who: "Kitchen laptop", App: "a1", Person: "sam", Thing: "Porch", Device: Porch},
		{ID: 8, Begin: *ago(52 * time.Minute), End: ago(44 * time.Minute), Times: 3, Act: "still", Via: "homekit", Who: "Noor's phone", Person: "noor", Thing: "Garden", Device: Garden},
		{ID: 7, Begin: *ago(4 * time.Hour), Times: 1, Act: "place", Via: "app", Who: "Noor's phone", App: "a2", Person: "noor", Thing: "Mia", Device: Watch, Whose: "mia"},
		{ID: 6, Begin: *ago(27 * time.Hour), Times: 1, Act: "clip", Via: "page", Who: "Sam", Person: "sam", Thing: "Porch", Device: Porch, Clip: "clip-b"},
		{ID: 5, Begin: *ago(9 * 24 * time.Hour), Times: 1, Act: "export", Via: "console", Unknown: []string{"who", "what"}},
	}
}

// alerts are what the family's hub noticed.
func alerts(now time.Time) []wire.SecurityAlert {
	seen := now.Add(-20 * time.Hour)
	return []wire.SecurityAlert{
		{ID: "s2", Rule: "failed-login", Severity: "warning", First: now.Add(-40 * time.Minute), Last: now.Add(-31 * time.Minute), Times: 6},
		{ID: "s1", Rule: "new-controller", Severity: "warning", Name: "Porch", First: now.Add(-26 * time.Hour), Last: now.Add(-26 * time.Hour), Times: 1, Acknowledged: &seen},
	}
}

func (h *House) witnessed() wire.Security {
	now := h.now()
	last := now.Add(-31 * time.Minute)
	return wire.Security{Alerts: slices.Clone(h.archive.alerts), Events: []wire.SecurityEvent{
		{ID: 14, At: now.Add(-40 * time.Minute), Last: &last, Times: 6, Kind: "failed-login", Severity: "warning", From: "192.0.2.77"},
		{ID: 13, At: now.Add(-5 * time.Hour), Times: 1, Kind: "unlock", Severity: "notice"},
		{ID: 12, At: now.Add(-26 * time.Hour), Times: 1, Kind: "new-controller", Severity: "warning", Name: "Porch"},
		{ID: 11, At: now.Add(-50 * time.Hour), Times: 1, Kind: "new-app", Severity: "notice", Name: "Noor's phone"}}}
}

// Ledger lists who looked.
func (h *House) Ledger(_ context.Context, q wire.LedgerQuery) ([]wire.Viewing, error) {
	return slices.DeleteFunc(sights(h.now()), func(v wire.Viewing) bool {
		return q.Device != "" && q.Device != v.Device || q.Person != "" && q.Person != v.Person && q.Person != v.Whose || v.Begin.Before(q.Since)
	}), nil
}

// VerifyLedger finds nothing wrong.
func (h *House) VerifyLedger(context.Context) (wire.ChainCheck, error) {
	return wire.ChainCheck{Whole: true, Entries: 5, First: 5, Last: 9, Since: h.now().AddDate(0, 0, -9), Forgotten: 2}, nil
}

// Security tells what happened.
func (h *House) Security(context.Context) (wire.Security, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.witnessed(), nil
}

// VerifySecurity finds an entry that was changed, so that one can see how that looks.
func (h *House) VerifySecurity(context.Context) (wire.ChainCheck, error) {
	return wire.ChainCheck{Entries: 4, First: 11, Last: 14, Flaws: []wire.Flaw{{Entry: 12, What: "changed"}}}, nil
}

// AcknowledgeAlert notes that somebody has seen to it.
func (h *House) AcknowledgeAlert(_ context.Context, id string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.now()
	for i := range h.archive.alerts {
		if h.archive.alerts[i].ID == id {
			h.archive.alerts[i].Acknowledged = &now
		}
	}
	return nil
}
