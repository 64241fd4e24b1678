package model

import (
	"slices"
	"strings"
	"time"

	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/i18n"
)

// Ailment is one thing that is wrong, with the next step and, where the app can help, a way to it.
type Ailment struct {
	Title, Do, Since string
	Alarm            bool
	Way              *Route
	Secure           string // ID of a camera that can be given passwords of its own
}

// AilmentsOf lists what is wrong, the most severe first.
func AilmentsOf(s wire.Snapshot, t *i18n.Texts, place *time.Location) []Ailment {
	v := view{s, t, place}
	var list []Ailment
	for _, trouble := range s.Troubles {
		title, do := v.apart(trouble)
		a := Ailment{Title: title, Do: do, Alarm: trouble.Severity == "alarm"}
		if !trouble.Since.IsZero() {
			a.Since = t.Text("tile.sos.since", i18n.Args{"time": v.when(trouble.Since)})
		}
		_, ours := v.find(trouble.Subject)
		switch {
		case trouble.Code == "camera-unsafe":
			a.Secure, a.Do = trouble.Subject, "" // its next step is a button here, not a command
		case strings.HasPrefix(trouble.Code, "security-"):
			a.Way, a.Do = &Route{Place: AtSecurity}, "" // what is known stands there
		case ours:
			a.Way = &Route{AtDevice, trouble.Subject}
		case slices.Contains([]string{"recovery-unseen", "recovery-used", "boot-failed", "backup-failed", "backup-old"}, trouble.Code):
			a.Way, a.Do = &Route{Place: AtSettings}, ""
		}
		list = append(list, a)
	}
	return list
}

// Kept is one kind of what the hub stores.
type Kept struct {
	What, Much, Oldest, Until string
}

// CountsOf says how much the hub keeps, as it counted it. What there is nothing of is said only where people
// would ask.
func CountsOf(list []wire.Holding, t *i18n.Texts, place *time.Location) []Kept {
	var kept []Kept
	for _, h := range list {
		key := "app.keeps." + h.What
		if !t.Has(key) || h.Count == 0 && !slices.Contains([]string{"recordings", "positions", "apps"}, h.What) {
			continue
		}
		k := Kept{What: t.Text(key, nil), Much: t.Text("app.privacy.none", nil)}
		if h.Count > 0 {
			k.Much = t.Count(counted(h.What), h.Count)
			if h.Size > 0 {
				k.Much += " · " + t.Size(h.Size)
			}
			if h.Oldest != nil {
				k.Oldest = t.Text("app.privacy.oldest", i18n.Args{"time": When(*h.Oldest, place, t)})
			}
			k.Until = until(h, t)
		}
		kept = append(kept, k)
	}
	return kept
}

func counted(what string) string {
	switch what {
	case "recordings":
		return "app.privacy.clips"
	case "apps":
		return "app.privacy.apps"
	}
	return "app.privacy.entries"
}

// until says when it goes.
func until(h wire.Holding, t *i18n.Texts) string {
	switch {
	case h.Days > 0:
		return t.Count("app.privacy.days", h.Days)
	case h.What == "recordings":
		return t.Text("app.privacy.until.clips", nil)
	case h.What == "apps":
		return t.Text("app.privacy.until.apps", nil)
	}
	return t.Text("app.privacy.until.deleted", nil)
}

// HoldingsOf says what is held on the people, without a number: for those whom the hub does not tell how
// much it is.
func HoldingsOf(s wire.Snapshot, t *i18n.Texts) []Kept {
	v := view{Snapshot: s, t: t}
	names := map[string][]string{}
	for _, a := range v.sorted() {
		for _, value := range a.Traits {
			if key := "app.keeps." + value.Trait; t.Has(key) && !slices.Contains(names[key], v.called(a)) {
				names[key] = append(names[key], v.called(a))
			}
		}
	}
	var list []Kept
	for _, key := range []string{"app.keeps.where", "app.keeps.heart", "app.keeps.steps"} {
		if len(names[key]) > 0 {
			list = append(list, Kept{What: t.Text(key, nil), Much: t.Text("app.privacy.about", i18n.Args{"names": strings.Join(names[key], ", ")}),
				Until: t.Text("app.privacy.week", nil)})
		}
	}
	return list
}

// Release is what there is to know about the hub's own version. Signed is "signed", "unsigned" or
// "failed"; empty where nobody looked.
type Release struct {
	Now, Newest, Signed string
	Until               string // the last day with security updates, 2006-01-02
	Security            bool
	Notes               []string
	Looked              time.Time
}

// apart gives what is wrong and what to do apart.
func (v view) apart(trouble wire.Trouble) (what, do string) {
	key := "health." + trouble.Code
	whole := v.advice(trouble)
	if !v.t.Has(key + ".do") {
		return whole, ""
	}
	args := v.args(trouble)
	return v.t.Text(key, args), v.t.Text(key+".do", args)
}
