package keeping

import (
	"slices"
	"strings"
	"time"

	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/i18n"
)

// What can be forgotten.
const (
	Person     = "person"
	Device     = "device"
	Category   = "category"
	Range      = "range"
	Everything = "everything"
)

// ScopeID writes a scope as the ID of a route. Of a range only days count.
func ScopeID(s wire.PrivacyScope) string {
	switch {
	case s.Everything:
		return Everything
	case s.Person != "":
		return Person + ":" + s.Person
	case s.Device != "":
		return Device + ":" + s.Device
	case s.Category != "":
		return Category + ":" + s.Category
	case s.Since != nil && s.Until != nil:
		return Range + ":" + s.Since.UTC().Format(time.RFC3339) + "|" + s.Until.UTC().Format(time.RFC3339)
	}
	return ""
}

// ScopeOf reads such an ID; what is none is a scope that the hub refuses.
func ScopeOf(id string) wire.PrivacyScope {
	what, which, _ := strings.Cut(id, ":")
	switch what {
	case Everything:
		return wire.PrivacyScope{Everything: true}
	case Person:
		return wire.PrivacyScope{Person: which}
	case Device:
		return wire.PrivacyScope{Device: which}
	case Category:
		return wire.PrivacyScope{Category: which}
	case Range:
		from, to, _ := strings.Cut(which, "|")
		since, err := time.Parse(time.RFC3339, from)
		until, err2 := time.Parse(time.RFC3339, to)
		if err == nil && err2 == nil {
			return wire.PrivacyScope{Since: &since, Until: &until}
		}
	}
	return wire.PrivacyScope{}
}

// Days is the scope of two days and all between them, as people write them: 25.11.2026 or 2026-11-25.
func Days(from, to string, place *time.Location) (wire.PrivacyScope, bool) {
	first, ok := date(from, place)
	last, ok2 := date(to, place)
	end := last.AddDate(0, 0, 1)
	if !ok || !ok2 || !first.Before(end) {
		return wire.PrivacyScope{}, false
	}
	return wire.PrivacyScope{Since: &first, Until: &end}, true
}

func date(text string, place *time.Location) (time.Time, bool) {
	for _, form := range []string{"2006-01-02", "2.1.2006", "2/1/2006", "2-1-2006"} {
		if at, err := time.ParseInLocation(form, strings.TrimSpace(text), place); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}

// Forgettable are the categories that can be forgotten alone.
func Forgettable() []string { return []string{"location", "health", "alarms", "recordings"} }

// CategoryName is what people call a category.
func CategoryName(category string, t *i18n.Texts) string {
	return word("privacy.category."+category, t)
}

// Title says what is about to be forgotten.
func Title(scope wire.PrivacyScope, s wire.Snapshot, t *i18n.Texts, place *time.Location) string {
	switch {
	case scope.Everything:
		return t.Text("app.forget.everything", nil)
	case scope.Category != "":
		return t.Text("app.forget.of", i18n.Args{"name": CategoryName(scope.Category, t)})
	case scope.Since != nil && scope.Until != nil:
		return t.Text("app.forget.of", i18n.Args{"name": scope.Since.In(place).Format(time.DateOnly) + " – " + scope.Until.In(place).Add(-time.Second).Format(time.DateOnly)})
	}
	name := whose(s, scope.Person, scope.Device)
	if name == "" {
		return t.Text("app.page.forget", nil)
	}
	return t.Text("app.forget.of", i18n.Args{"name": name})
}

// Plan is what a forgetting would do.
type Plan struct {
	Gone, Waiting, Impossible []Step
	Word                      string // to be typed; empty where the password is enough
}

// Step is what would become of what is in one place.
type Step struct{ Place, Much, Why string }

// Empty says that there is nothing to forget.
func (p Plan) Empty() bool {
	return len(p.Gone)+len(p.Waiting)+len(p.Impossible) == 0
}

// PlanOf sorts a plan by how it would end.
func PlanOf(w wire.PrivacyPlan, t *i18n.Texts) Plan {
	p := Plan{Word: w.Word}
	for _, one := range w.Steps {
		s := Step{Place: word("privacy.holder."+one.Holder, t), Why: why(one.Why, t)}
		if one.Count > 0 {
			s.Much = much(one.Count, one.Bytes, t)
		}
		switch one.Expect {
		case "gone":
			p.Gone = append(p.Gone, s)
		case "waiting":
			p.Waiting = append(p.Waiting, s)
		default:
			p.Impossible = append(p.Impossible, s)
		}
	}
	return p
}

// why is the reason for what cannot be done at once, or "".
func why(key string, t *i18n.Texts) string {
	if key == "" {
		return ""
	}
	return word(key, t)
}

// Persons are those that can be forgotten, by name and ID in the same order.
func Persons(s wire.Snapshot) (names, ids []string) {
	for _, p := range s.People {
		names, ids = append(names, p.Name), append(ids, p.ID)
	}
	return names, ids
}

// Devices are the things that can be forgotten, by name and ID in the same order.
func Devices(s wire.Snapshot) (names, ids []string) {
	things := slices.SortedFunc(slices.Values(s.Accessories), func(a, b wire.Accessory) int { return strings.Compare(a.Name, b.Name) })
	for _, a := range things {
		if a.Driver != "" {
			names, ids = append(names, a.Name), append(ids, a.ID)
		}
	}
	return names, ids
}
