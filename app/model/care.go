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

// RecordingsOf sums recordings up.
func RecordingsOf(clips []wire.Clip, t *i18n.Texts, place *time.Location) Kept {
	k := Kept{What: t.Text("holding.recordings", nil), Much: t.Text("app.privacy.none", nil)}
	var size int64
	var oldest time.Time
	for _, c := range clips {
		size += c.Size
		if oldest.IsZero() || c.At.Before(oldest) {
			oldest = c.At
		}
	}
	if len(clips) > 0 {
		k.Much = t.Count("app.privacy.clips", len(clips)) + " · " + t.Size(size)
		k.Oldest = t.Text("app.privacy.oldest", i18n.Args{"time": When(oldest, place, t)})
	}
	return k
}

// HoldingsOf says what is held on the people, and where: what the hub cannot count yet is named
// without a number.
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
