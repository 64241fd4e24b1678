package keeping

import (
	"cmp"
	"slices"
	"time"

	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/i18n"
)

// Rule is how long a category stays. Person is empty for everybody.
type Rule struct {
	Category, Person string
	Title, Lasts     string
	Days             int
}

// Pause is one of the household, with whether their recording rests.
type Pause struct {
	Person, Name, Since string
	Paused              bool
}

// Agreed is what somebody agreed to, or took back.
type Agreed struct {
	Person, What, Version string
	Title, Detail         string
	Given                 bool
}

// RulesOf lists how long what stays: what holds for everybody first.
func RulesOf(list []wire.RetentionRule, s wire.Snapshot, t *i18n.Texts) []Rule {
	var rules []Rule
	for _, r := range list {
		title := CategoryName(r.Category, t)
		if who := whose(s, r.Person, ""); who != "" {
			title += " · " + who
		}
		rules = append(rules, Rule{r.Category, r.Person, title, t.Count("app.privacy.days", r.Days), r.Days})
	}
	slices.SortStableFunc(rules, func(a, b Rule) int { return cmp.Compare(a.Person, b.Person) })
	return rules
}

// PausesOf lists the household, with whose recording rests.
func PausesOf(list []wire.PausePerson, s wire.Snapshot, t *i18n.Texts, place *time.Location) []Pause {
	var pauses []Pause
	for _, p := range s.People {
		one := Pause{Person: p.ID, Name: p.Name}
		for _, w := range list {
			if w.Person != p.ID || !w.Paused {
				continue
			}
			if one.Paused = true; w.Since != nil {
				one.Since = t.Text("tile.sos.since", i18n.Args{"time": day(*w.Since, place, t)})
			}
		}
		pauses = append(pauses, one)
	}
	return pauses
}

// ConsentVersion is that of the texts that people agree to here; a new wording is a new version.
const ConsentVersion = "1"

// Asked are what people of the household are asked to agree to here, by the key of its text.
func Asked() []string { return []string{"location", "recordings", "health"} }

// AgreedOf is what each of the household said last to what they are asked, newest by newest; what nobody
// said anything about is left out.
func AgreedOf(list []wire.Consent, s wire.Snapshot, t *i18n.Texts, place *time.Location) []Agreed {
	var all []Agreed
	for _, p := range s.People {
		for _, what := range things(list, p.ID) {
			last := wire.Consent{}
			for _, c := range list {
				if c.Person == p.ID && c.What == what {
					last = c
				}
			}
			key := "app.consent.withdrawn"
			if last.Given {
				key = "app.consent.given"
			}
			at := ""
			if last.At != nil {
				at = day(*last.At, place, t)
			}
			all = append(all, Agreed{p.ID, what, last.Version, p.Name + " · " + word("app.consent.what."+what, t), t.Text(key, i18n.Args{"time": at}), last.Given})
		}
	}
	return all
}

// things are what a person ever said something about, in the order in which they did.
func things(list []wire.Consent, person string) []string {
	var found []string
	for _, c := range list {
		if c.Person == person && !slices.Contains(found, c.What) {
			found = append(found, c.What)
		}
	}
	return found
}
