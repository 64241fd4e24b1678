package apitest

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ingle-home/ingle/hub/api/server"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/privacy/receipt"
)

// privacy is what this home says about what it keeps: a little of everybody.
type privacy struct {
	home     *Home
	receipts []wire.PrivacyReceipt
	rules    []wire.RetentionRule
	consents []wire.Consent
	paused   []wire.PausePerson
	due      []string
}

// Privacy implements server.Hub.
func (h *Home) Privacy() server.Privacy { return &h.privacy }

// Wipe takes the word, and forgets nothing: the home is needed by the next test.
func (h *Home) Wipe(_ context.Context, r wire.WipeRequest) (wire.PrivacyReceipt, error) {
	if r.Word != wire.ForgetWord {
		return wire.PrivacyReceipt{}, wire.Refuse(http.StatusUnprocessableEntity, wire.CodeForgetWord, "word", wire.ForgetWord)
	}
	return signed("everything")
}

// Inventory lists some of each person's.
func (p *privacy) Inventory(_ context.Context, s wire.PrivacyScope, room string) ([]wire.PrivacyItem, error) {
	p.home.mu.Lock()
	defer p.home.mu.Unlock()
	oldest := time.Now().UTC().Add(-6 * 24 * time.Hour).Truncate(time.Second)
	until := oldest.Add(7 * 24 * time.Hour)
	list := []wire.PrivacyItem{}
	for _, who := range p.home.snap.People {
		if s.Person != "" && s.Person != who.ID && !strings.EqualFold(s.Person, who.Name) {
			continue
		}
		list = append(list, wire.PrivacyItem{Kind: "person", Category: "identity", Class: "household", Where: "hub", Person: who.ID, Count: 1, Bytes: 96},
			wire.PrivacyItem{Kind: "location", Category: "location", Class: "personal", Where: "hub", Person: who.ID, Count: 412, Bytes: 61_800, Oldest: &oldest, Until: &until})
	}
	if s.Person == "" {
		list = append(list, wire.PrivacyItem{Kind: "clip", Category: "recordings", Class: "personal", Where: "hub", Device: Camera, Room: "Entrance", Count: 9, Bytes: 48_000_000, Oldest: &oldest},
			wire.PrivacyItem{Kind: "on-device", Category: "recordings", Class: "personal", Where: "device", Device: Camera, Room: "Entrance", Count: 1},
			wire.PrivacyItem{Kind: "backup", Category: "technical", Class: "secret", Where: "backup", Count: 3, Bytes: 12_000_000})
	}
	return slices.DeleteFunc(list, func(i wire.PrivacyItem) bool {
		return s.Category != "" && s.Category != i.Category || s.Device != "" && s.Device != i.Device || room != "" && room != i.Room
	}), nil
}

// Plan foresees that one device is off.
func (p *privacy) Plan(_ context.Context, s wire.PrivacyScope) (wire.PrivacyPlan, error) {
	plan := wire.PrivacyPlan{Scope: s.Name()}
	if plan.Scope == "" {
		return plan, wire.Refuse(http.StatusUnprocessableEntity, wire.CodeScope)
	}
	plan.Steps = []wire.PrivacyStep{{Holder: "rows", Expect: "gone", Count: 413, Bytes: 61_896},
		{Holder: "devices", Expect: "waiting", Why: "erase.offline", Many: 1, Count: 1}, {Holder: "backups", Expect: "gone", Count: 3, Bytes: 12_000_000}}
	if s.Everything {
		plan.Word = wire.ForgetWord
	}
	return plan, nil
}

// Forget gives a receipt.
func (p *privacy) Forget(_ context.Context, r wire.ForgetRequest) (wire.PrivacyReceipt, error) {
	p.home.mu.Lock()
	defer p.home.mu.Unlock()
	scope := r.PrivacyScope.Name()
	switch {
	case scope == "":
		return wire.PrivacyReceipt{}, wire.Refuse(http.StatusUnprocessableEntity, wire.CodeScope)
	case r.Everything && r.Word != wire.ForgetWord:
		return wire.PrivacyReceipt{}, wire.Refuse(http.StatusUnprocessableEntity, wire.CodeForgetWord, "word", wire.ForgetWord)
	}
	if err := p.home.proven(r.Password); err != nil {
		return wire.PrivacyReceipt{}, err
	}
	w, err := signed(scope)
	p.receipts, p.due = append(p.receipts, w), append(p.due, w.ID)
	return w, err
}

// signed is a receipt of a hub that is made up for it.
func signed(scope string) (wire.PrivacyReceipt, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return wire.PrivacyReceipt{}, err
	}
	now := time.Now().UTC().Truncate(time.Second)
	r := receipt.Receipt{
		ID: "r-" + strings.ToLower(rand.Text()[:16]), Scope: scope, Begun: now, Made: now, Epochs: [2]uint64{1, 2}, Emptied: true, Keys: []string{"5f0c2a9d11e4b637"},
		Counts:  []receipt.Count{{Kind: "location", Where: "hub", Before: 412, Bytes: 61_800}},
		Places:  []receipt.Place{{Holder: "rows", Outcome: receipt.Gone}, {Holder: "devices", Outcome: receipt.Waiting, Why: "erase.offline", Many: 1}},
		Search:  receipt.Search{Words: 2, Bytes: 4_200_000},
		Remains: []receipt.Remain{{What: "export", Why: "privacy.why.export"}},
	}
	raw, err := receipt.Sign(r, key)
	return wire.PrivacyReceipt{ID: r.ID, Scope: scope, Made: now, File: string(raw)}, err
}

// Receipts lists those that were given.
func (p *privacy) Receipts(context.Context) ([]wire.PrivacyReceipt, error) {
	p.home.mu.Lock()
	defer p.home.mu.Unlock()
	list := append([]wire.PrivacyReceipt{}, p.receipts...)
	slices.Reverse(list)
	return list, nil
}

// Retention lists the rules.
func (p *privacy) Retention(context.Context) ([]wire.RetentionRule, error) {
	p.home.mu.Lock()
	defer p.home.mu.Unlock()
	if p.rules == nil {
		p.rules = []wire.RetentionRule{{Category: "location", Days: 7}, {Category: "health", Days: 7}, {Category: "alarms", Days: 30}, {Category: "recordings", Days: 7}}
	}
	return append([]wire.RetentionRule{}, p.rules...), nil
}

// SetRetention keeps a rule.
func (p *privacy) SetRetention(ctx context.Context, r wire.RetentionRule) error {
	old, err := p.Retention(ctx)
	p.home.mu.Lock()
	defer p.home.mu.Unlock()
	p.rules = append(slices.DeleteFunc(old, func(o wire.RetentionRule) bool { return o.Category == r.Category && o.Person == r.Person }), r)
	return err
}

// Consents lists those that were noted.
func (p *privacy) Consents(context.Context) ([]wire.Consent, error) {
	p.home.mu.Lock()
	defer p.home.mu.Unlock()
	return append([]wire.Consent{}, p.consents...), nil
}

// NoteConsent keeps one.
func (p *privacy) NoteConsent(_ context.Context, c wire.Consent) error {
	p.home.mu.Lock()
	defer p.home.mu.Unlock()
	now := time.Now().UTC().Truncate(time.Second)
	c.At = &now
	p.consents = append(p.consents, c)
	return nil
}

// Paused lists whose recording rests.
func (p *privacy) Paused(context.Context) ([]wire.PausePerson, error) {
	p.home.mu.Lock()
	defer p.home.mu.Unlock()
	return append([]wire.PausePerson{}, p.paused...), nil
}

// Pause notes it.
func (p *privacy) Pause(_ context.Context, w wire.PausePerson) error {
	p.home.mu.Lock()
	defer p.home.mu.Unlock()
	p.paused = slices.DeleteFunc(p.paused, func(o wire.PausePerson) bool { return o.Person == w.Person })
	if w.Paused {
		p.paused = append(p.paused, w)
	}
	return nil
}

// Cleanup lists what was forgotten since.
func (p *privacy) Cleanup(context.Context, string) (wire.Cleanup, error) {
	p.home.mu.Lock()
	defer p.home.mu.Unlock()
	return wire.Cleanup{IDs: append([]string{}, p.due...)}, nil
}

// Cleaned takes it off the list.
func (p *privacy) Cleaned(_ context.Context, _ string, c wire.Cleanup) error {
	p.home.mu.Lock()
	defer p.home.mu.Unlock()
	p.due = slices.DeleteFunc(p.due, func(id string) bool { return slices.Contains(c.IDs, id) })
	return nil
}
