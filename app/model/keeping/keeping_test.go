package keeping_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/ingle-home/ingle/app/model/keeping"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/privacy/receipt"
	"github.com/ingle-home/ingle/i18n"
)

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

func home() wire.Snapshot {
	return wire.Snapshot{People: []wire.Person{{ID: "p1", Name: "Mia"}, {ID: "p2", Name: "Sam"}},
		Accessories: []wire.Accessory{{ID: "a1", Name: "Porch", Driver: "rtsp", Room: "Hall"}, {ID: "a2", Name: "Watch", Driver: "setracker", Person: "p1"}, {ID: "a3", Name: "Privacy"}}}
}

func items() []wire.PrivacyItem {
	old, older, until, later := noon.Add(-time.Hour), noon.Add(-48*time.Hour), noon.Add(time.Hour), noon.Add(72*time.Hour)
	return []wire.PrivacyItem{
		{Kind: "clip", Category: "recordings", Where: "hub", Device: "a1", Room: "Hall", Count: 2, Bytes: 3_000_000, Oldest: &old, Until: &until},
		{Kind: "clip", Category: "recordings", Where: "hub", Device: "a1", Room: "Hall", Count: 3, Bytes: 1_000_000, Oldest: &older, Until: &later},
		{Kind: "on-device", Category: "recordings", Where: "device", Device: "a1", Room: "Hall", Count: 1},
		{Kind: "location", Category: "location", Where: "hub", Person: "p1", Count: 10, Bytes: 900},
		{Kind: "activity", Category: "health", Where: "hub", Device: "a2", Count: 4},
		{Kind: "heart", Category: "health", Where: "hub", Person: "p1"},
	}
}

func TestWhatIsKeptIsAddedUpByCategory(t *testing.T) {
	en := i18n.For("en")
	sums := keeping.SumsOf(items(), en, time.UTC)
	if len(sums) != 3 || sums[0].Category != "recordings" || sums[1].Category != "location" {
		t.Fatalf("%+v", sums)
	}
	if s := sums[0]; s.Much != "6 entries · 4.0 MB" || s.Oldest != "The oldest is from 23 Nov, 12:00" || s.Until != "The last of it goes by 28 Nov, 12:00" || !strings.Contains(s.Where, "On the device") {
		t.Errorf("%+v", s)
	}
	if sums[1].Until != "Until somebody deletes it" {
		t.Errorf("%+v", sums[1])
	}
	if got := keeping.SumsOf([]wire.PrivacyItem{{Kind: "aura", Category: "future", Where: "cloud", Count: 1}}, en, time.UTC); len(got) != 1 || got[0].Title != "Future" {
		t.Errorf("a category that is new: %+v", got)
	}
}

func TestWhatIsKeptIsNarrowedDown(t *testing.T) {
	for f, want := range map[keeping.Filter]int{{}: 6, {Person: "p1"}: 3, {Person: "p2"}: 0, {Device: "a1"}: 3, {Room: "Hall"}: 3, {Category: "health"}: 2, {Person: "p1", Category: "location"}: 1} {
		if got := f.Of(items(), home()); len(got) != want {
			t.Errorf("%+v: %d, want %d", f, len(got), want)
		}
	}
	rows := keeping.RowsOf(items(), home(), i18n.For("en"), time.UTC)
	if len(rows) != 4 || rows[0].Title != "Recordings" || rows[0].Whose != "Porch" || rows[2].Whose != "Mia" {
		t.Errorf("%+v", rows)
	}
	var names []string
	for _, c := range keeping.Abouts(home(), i18n.For("en")) {
		names = append(names, c.Name)
	}
	if got := strings.Join(names, ","); got != "Everybody and everything,Mia,Sam,Room: Hall,Porch,Watch" {
		t.Error(got)
	}
}

func TestScopesTravelInRoutes(t *testing.T) {
	days, ok := keeping.Days("24.11.2026", " 2026-11-25 ", time.UTC)
	if !ok || days.Until.Sub(*days.Since) != 48*time.Hour {
		t.Fatalf("%+v %v", days, ok)
	}
	for _, s := range []wire.PrivacyScope{{Everything: true}, {Person: "p:1"}, {Device: "a1"}, {Category: "location"}, days} {
		id := keeping.ScopeID(s)
		if got := keeping.ScopeID(keeping.ScopeOf(id)); got != id || id == "" {
			t.Errorf("%+v becomes %q and %q", s, id, got)
		}
	}
	for _, bad := range [][2]string{{"", ""}, {"25.11.2026", "24.11.2026"}, {"31.2.2026", "1.3.2026"}, {"yesterday", "today"}} {
		if _, ok := keeping.Days(bad[0], bad[1], time.UTC); ok {
			t.Errorf("%q are days", bad)
		}
	}
	if s := keeping.ScopeOf("range:nonsense"); keeping.ScopeID(s) != "" {
		t.Errorf("nonsense is %+v", s)
	}
}

func TestAPlanSaysWhatCannotBeDone(t *testing.T) {
	p := keeping.PlanOf(wire.PrivacyPlan{Scope: "everything", Word: wire.ForgetWord, Steps: []wire.PrivacyStep{
		{Holder: "rows", Expect: "gone", Count: 12, Bytes: 2000}, {Holder: "caches", Expect: "waiting", Why: "privacy.why.app", Many: 1},
		{Holder: "devices", Expect: "impossible", Why: "erase.reset-on-watch"}, {Holder: "moon", Expect: "later"}}}, i18n.For("en"))
	if len(p.Gone) != 1 || p.Gone[0].Much != "12 entries · 2 kB" || len(p.Waiting) != 1 || len(p.Impossible) != 2 || p.Word != wire.ForgetWord || p.Empty() {
		t.Errorf("%+v", p)
	}
	if !strings.Contains(p.Impossible[0].Why, "watch") || p.Impossible[1].Place != "Moon" {
		t.Errorf("%+v", p.Impossible)
	}
	if !keeping.PlanOf(wire.PrivacyPlan{}, i18n.For("en")).Empty() {
		t.Error("no plan is something")
	}
	for scope, want := range map[*wire.PrivacyScope]string{{Everything: true}: "Forget everything", {Person: "p1"}: "Forget: Mia", {Device: "a1"}: "Forget: Porch", {Category: "health"}: "Forget: Health", {Person: "gone"}: "Forget"} {
		if got := keeping.Title(*scope, home(), i18n.For("en"), time.UTC); got != want {
			t.Errorf("%+v: %q", *scope, got)
		}
	}
}

func signed(t *testing.T) string {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := receipt.Sign(receipt.Receipt{ID: "r-1", Scope: "person", Begun: noon, Made: noon, Keys: []string{"ab12"}, Search: receipt.Search{Words: 2, Bytes: 77},
		Counts:  []receipt.Count{{Kind: "location", Where: "hub", Before: 12}, {Kind: "backup", Where: "backup", Before: 1}},
		Places:  []receipt.Place{{Holder: "rows", Outcome: "gone"}, {Holder: "caches", Outcome: "waiting", Why: "privacy.why.app"}, {Holder: "devices", Outcome: "impossible", Why: "erase.reset-on-watch"}},
		Remains: []receipt.Remain{{What: "keys", Why: "privacy.why.flash"}}}, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestAReceiptIsJudgedBeforeItIsRead(t *testing.T) {
	en, file := i18n.For("en"), signed(t)
	p := keeping.ProofOf(file, en, time.UTC)
	if !p.Sound || !p.Slip.Waiting || p.Slip.Title != "A person was forgotten" || len(p.Done) != 1 || len(p.Waiting) != 1 || len(p.Not) != 1 || len(p.Remains) != 1 || len(strings.Fields(p.Pin)) != 16 {
		t.Errorf("%+v", p)
	}
	if p.Counts[0].Value != "12 before · 0 after" || p.Counts[1].Name != "Backups (in backups)" || !strings.Contains(p.Search, "77") {
		t.Errorf("%+v %q", p.Counts, p.Search)
	}
	forged := strings.Replace(file, `"before":12`, `"before":2`, 1)
	if forged == file {
		forged = strings.Replace(file, `"before": 12`, `"before": 2`, 1)
	}
	if p := keeping.ProofOf(forged, en, time.UTC); p.Sound || len(p.Counts) > 0 || keeping.Page(forged, en) != nil {
		t.Errorf("a forged one is read: %+v", p)
	}
	if _, err := keeping.Judge([]byte(forged), en, time.UTC); wire.Code(err) != "receipt.forged" {
		t.Error(err)
	}
	if _, err := keeping.Judge([]byte("{}"), en, time.UTC); wire.Code(err) != "receipt.form" {
		t.Error(err)
	}
	if said, err := keeping.Judge([]byte(file), en, time.UTC); err != nil || !strings.Contains(said, p.Pin) {
		t.Error(said, err)
	}
	if page := string(keeping.Page(file, en)); !strings.Contains(page, "r-1") {
		t.Error("the page to print lacks the receipt")
	}
}

func TestRulesPausesAndConsents(t *testing.T) {
	en, since := i18n.For("en"), noon
	rules := keeping.RulesOf([]wire.RetentionRule{{Category: "location", Person: "p1", Days: 1}, {Category: "location", Days: 7}}, home(), en)
	if len(rules) != 2 || rules[0].Title != "Places" || rules[0].Lasts != "Each goes after 7 days" || rules[1].Title != "Places · Mia" || rules[1].Lasts != "Each goes after a day" {
		t.Errorf("%+v", rules)
	}
	pauses := keeping.PausesOf([]wire.PausePerson{{Person: "p2", Paused: true, Since: &since}}, home(), en, time.UTC)
	if len(pauses) != 2 || pauses[0].Paused || !pauses[1].Paused || pauses[1].Since == "" {
		t.Errorf("%+v", pauses)
	}
	agreed := keeping.AgreedOf([]wire.Consent{{Person: "p1", What: "location", Given: true, At: &since}, {Person: "p1", What: "location", At: &since}, {Person: "p2", What: "health", Given: true, At: &since}}, home(), en, time.UTC)
	if len(agreed) != 2 || agreed[0].Given || agreed[0].Detail != "Taken back on 25 Nov, 12:00" || !agreed[1].Given {
		t.Errorf("%+v", agreed)
	}
}
