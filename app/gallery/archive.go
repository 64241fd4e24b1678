package gallery

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"net/http"
	"slices"
	"time"

	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/privacy/receipt"
)

// archive is what the family's hub would say about what it keeps.
type archive struct {
	receipts []wire.PrivacyReceipt
	rules    []wire.RetentionRule
	consents []wire.Consent
	paused   []wire.PausePerson
	labels   []wire.Label
	alerts   []wire.SecurityAlert
}

func newArchive(now time.Time) archive {
	ago := func(d time.Duration) *time.Time { at := now.Add(-d); return &at }
	const day = 24 * time.Hour
	return archive{
		receipts: []wire.PrivacyReceipt{signed("device", now.Add(-3*time.Hour), false), signed("person", now.Add(-19*day), true)},
		rules:    []wire.RetentionRule{{Category: "location", Days: 7}, {Category: "health", Days: 7}, {Category: "alarms", Days: 30}, {Category: "recordings", Days: 7}, {Category: "location", Person: "mia", Days: 2}},
		consents: []wire.Consent{{Person: "mia", What: "location", Version: "1", Given: true, At: ago(40 * day)}, {Person: "noor", What: "recordings", Version: "1", Given: true, At: ago(39 * day)},
			{Person: "noor", What: "recordings", Version: "1", At: ago(2 * day)}},
		paused: []wire.PausePerson{{Person: "noor", Paused: true, Since: ago(26 * time.Hour)}},
		labels: labels(now), alerts: alerts(now),
	}
}

// signed is a receipt of a hub that is made up, and always the same one.
func signed(scope string, at time.Time, done bool) wire.PrivacyReceipt {
	seed := sha256.Sum256([]byte("a hub that is made up"))
	devices := receipt.Place{Holder: "devices", Outcome: receipt.Gone}
	if !done {
		devices = receipt.Place{Holder: "devices", Outcome: receipt.Waiting, Why: "privacy.why.app", Many: 1}
	}
	r := receipt.Receipt{ID: "r-" + scope, Scope: scope, Begun: at.Add(-4 * time.Second).UTC(), Made: at.UTC(), Done: done, Epochs: [2]uint64{4, 5}, Emptied: true,
		Counts: []receipt.Count{{Kind: "location", Where: "hub", Before: 1204, Bytes: 180_600}, {Kind: "activity", Where: "hub", Before: 611, Bytes: 70_000},
			{Kind: "person", Where: "hub", Before: 1, Bytes: 96}, {Kind: "backup", Where: "backup", Before: 3, Bytes: 636_000_000}},
		Places: []receipt.Place{{Holder: "rows", Outcome: receipt.Gone}, devices, {Holder: "names", Outcome: receipt.Gone}, {Holder: "backups", Outcome: receipt.Gone}},
		Keys:   []string{"5f0c2a9d11e4b637", "c91b03d27e48af60"}, Search: receipt.Search{Words: 2, Bytes: 48_200_000},
		Remains: []receipt.Remain{{What: "export", Why: "privacy.why.export"}, {What: "apple-home", Why: "privacy.why.apple"}, {What: "keys", Why: "privacy.why.flash"}}}
	raw, err := receipt.Sign(r, ed25519.NewKeyFromSeed(seed[:]))
	if err != nil {
		return wire.PrivacyReceipt{ID: r.ID, Scope: scope, Made: r.Made}
	}
	return wire.PrivacyReceipt{ID: r.ID, Scope: scope, Made: r.Made, Done: done, File: string(raw)}
}

// PrivacyInventory counts what there is of the family.
func (h *House) PrivacyInventory(_ context.Context, s wire.PrivacyScope, room string) ([]wire.PrivacyItem, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.now()
	at := func(d time.Duration) *time.Time { x := now.Add(d); return &x }
	const day = 24 * time.Hour
	list := []wire.PrivacyItem{
		{Kind: "clip", Category: "recordings", Where: "hub", Device: Porch, Room: "Entrance", Count: len(h.clips), Bytes: 31_500_000, Oldest: at(-9 * time.Hour), Until: at(7 * day)},
		{Kind: "still", Category: "recordings", Where: "memory", Device: Porch, Room: "Entrance", Count: 1, Bytes: 41_000},
		{Kind: "on-device", Category: "recordings", Where: "device", Device: Porch, Room: "Entrance", Count: 1},
		{Kind: "location", Category: "location", Where: "hub", Person: "mia", Device: Watch, Count: 1204, Bytes: 180_600, Oldest: at(-163 * time.Hour), Until: at(7 * day)},
		{Kind: "presence", Category: "location", Where: "hub", Person: "mia", Count: 2, Bytes: 88},
		{Kind: "activity", Category: "health", Where: "hub", Person: "mia", Device: Watch, Count: 611, Bytes: 70_000, Oldest: at(-163 * time.Hour), Until: at(7 * day)},
		{Kind: "alarm", Category: "alarms", Where: "hub", Person: "mia", Count: 2, Bytes: 310, Oldest: at(-29 * day), Until: at(day)},
		{Kind: "app", Category: "access", Where: "hub", Person: "noor", Count: len(h.apps), Bytes: 420},
		{Kind: "app-cache", Category: "identity", Where: "app", Count: len(h.apps)},
		{Kind: "apple-home", Category: "identity", Where: "apple", Count: 1},
		{Kind: "backup", Category: "technical", Where: "backup", Count: 3, Bytes: 636_000_000, Oldest: at(-14 * day)},
	}
	for _, p := range h.snap.People {
		list = append(list, wire.PrivacyItem{Kind: "person", Category: "identity", Where: "hub", Person: p.ID, Count: 1, Bytes: 96})
	}
	for _, a := range h.snap.Accessories {
		if a.Driver != "" {
			list = append(list, wire.PrivacyItem{Kind: "accessory", Category: "identity", Where: "hub", Device: a.ID, Room: a.Room, Count: 1, Bytes: 240})
		}
	}
	return slices.DeleteFunc(list, func(i wire.PrivacyItem) bool {
		return s.Person != "" && s.Person != i.Person || s.Device != "" && s.Device != i.Device || s.Category != "" && s.Category != i.Category || room != "" && room != i.Room
	}), nil
}

// PlanForgetting foresees that one device is off and one phone does not call.
func (h *House) PlanForgetting(_ context.Context, s wire.PrivacyScope) (wire.PrivacyPlan, error) {
	p := wire.PrivacyPlan{Scope: s.Name()}
	switch p.Scope {
	case "":
		return p, wire.Refuse(http.StatusUnprocessableEntity, wire.CodeScope)
	case "everything":
		p.Word = wire.ForgetWord
	}
	p.Steps = []wire.PrivacyStep{{Holder: "rows", Expect: "gone", Count: 1820, Bytes: 251_000}, {Holder: "names", Expect: "gone", Count: 2}, {Holder: "backups", Expect: "gone", Count: 3, Bytes: 636_000_000},
		{Holder: "caches", Expect: "waiting", Why: "privacy.why.app", Many: 2, Count: 2}, {Holder: "devices", Expect: "impossible", Why: "erase.reset-on-watch", Count: 1}}
	return p, nil
}

// Forget takes somebody or something out of the home, and gives a receipt.
func (h *House) Forget(_ context.Context, r wire.ForgetRequest) (wire.PrivacyReceipt, error) {
	what := r.PrivacyScope.Name()
	switch {
	case what == "":
		return wire.PrivacyReceipt{}, wire.Refuse(http.StatusUnprocessableEntity, wire.CodeScope)
	case r.Everything && r.Word != wire.ForgetWord:
		return wire.PrivacyReceipt{}, wire.Refuse(http.StatusUnprocessableEntity, wire.CodeForgetWord, "word", wire.ForgetWord)
	}
	if err := proven(r.Password); err != nil {
		return wire.PrivacyReceipt{}, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	made := signed(what, h.now(), what == "everything")
	made.ID = h.id("r")
	h.archive.receipts = append([]wire.PrivacyReceipt{made}, h.archive.receipts...)
	h.snap.People = slices.DeleteFunc(slices.Clone(h.snap.People), func(p wire.Person) bool { return p.ID == r.Person })
	h.snap.Accessories = slices.DeleteFunc(slices.Clone(h.snap.Accessories), func(a wire.Accessory) bool { return a.ID == r.Device || r.Person != "" && a.Person == r.Person })
	h.Check()
	return made, nil
}

// Receipts lists those of the family.
func (h *House) Receipts(context.Context) ([]wire.PrivacyReceipt, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.archive.receipts), nil
}

// Retention lists how long what stays.
func (h *House) Retention(context.Context) ([]wire.RetentionRule, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.archive.rules), nil
}

// SetRetention notes it.
func (h *House) SetRetention(_ context.Context, r wire.RetentionRule) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, old := range h.archive.rules {
		if old.Category == r.Category && old.Person == r.Person {
			h.archive.rules[i] = r
			return nil
		}
	}
	h.archive.rules = append(h.archive.rules, r)
	return nil
}

// Consents lists who agreed to what.
func (h *House) Consents(context.Context) ([]wire.Consent, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.archive.consents), nil
}

// NoteConsent notes one.
func (h *House) NoteConsent(_ context.Context, c wire.Consent) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.now()
	c.At = &now
	h.archive.consents = append(h.archive.consents, c)
	return nil
}

// Paused lists whose recording rests.
func (h *House) Paused(context.Context) ([]wire.PausePerson, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.archive.paused), nil
}

// PausePerson notes it.
func (h *House) PausePerson(_ context.Context, p wire.PausePerson) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.now()
	p.Since = &now
	h.archive.paused = append(slices.DeleteFunc(h.archive.paused, func(o wire.PausePerson) bool { return o.Person == p.Person }), p)
	return nil
}
