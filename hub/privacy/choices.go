package privacy

import (
	"context"
	"maps"
	"slices"
	"time"
)

// How long what is kept where nobody said otherwise.
const (
	day          = 24 * time.Hour
	usualDays    = 7
	usualAlarms  = 30
	mostDays     = 3650
	mostConsents = 1000
)

// Rule says how many days a category is kept, of one person or of all.
type Rule struct {
	Category Category `json:"category"`
	Person   string   `json:"person,omitempty"`
	Days     int      `json:"days"`
}

// Consent is what somebody agreed to, or took back, and which version of the text they were shown.
type Consent struct {
	Person  string    `json:"person"`
	What    string    `json:"what"` // a category, or a key of the text
	Version string    `json:"version"`
	Given   bool      `json:"given"`
	At      time.Time `json:"at"`
}

// Choices are what the household decided about what is kept.
type Choices struct {
	Rules    []Rule               `json:"rules,omitempty"`
	Paused   map[string]time.Time `json:"paused,omitempty"` // since when a person's recording rests
	Consents []Consent            `json:"consents,omitempty"`
	// Cleanup is which apps have still to drop what they show, by forgetting.
	Cleanup map[string]map[string]bool `json:"cleanup,omitempty"`
}

// Memory keeps the choices; Load gives the zero Choices where there are none. Change is durable when it
// returns.
type Memory interface {
	Load(ctx context.Context) (Choices, error)
	Change(ctx context.Context, edit func(*Choices)) error
}

// Keepable are the categories that have a time of their own.
func Keepable() []Category { return []Category{Location, Health, Alarms, Recordings} }

// Fits says whether a rule can be kept: a category that has a time, 1 day to 10 years.
func (r Rule) Fits() bool {
	return slices.Contains(Keepable(), r.Category) && r.Days >= 1 && r.Days <= mostDays && (r.Category != Recordings || r.Person == "")
}

// Lasts is how long a category of a person is kept: the shorter of their rule and everybody's.
func (c Choices) Lasts(category Category, person string) time.Duration {
	if lasts, said := c.Said(category, person); said {
		return lasts
	}
	if category == Alarms {
		return usualAlarms * day
	}
	return usualDays * day
}

// Said is Lasts where somebody said something.
func (c Choices) Said(category Category, person string) (lasts time.Duration, said bool) {
	for _, r := range c.Rules {
		fits := r.Category == category && (r.Person == "" || r.Person == person)
		if its := time.Duration(r.Days) * day; fits && (!said || its < lasts) {
			lasts, said = its, true
		}
	}
	return lasts, said
}

// Clone copies so deep that the copy can be changed.
func (c Choices) Clone() Choices {
	c.Rules, c.Consents, c.Paused = slices.Clone(c.Rules), slices.Clone(c.Consents), maps.Clone(c.Paused)
	all := make(map[string]map[string]bool, len(c.Cleanup))
	for ticket, apps := range c.Cleanup {
		all[ticket] = maps.Clone(apps)
	}
	c.Cleanup = all
	return c
}

// Set puts a rule in the place of the one of its category and person.
func (c *Choices) Set(r Rule) {
	c.Rules = slices.DeleteFunc(slices.Clone(c.Rules), func(o Rule) bool { return o.Category == r.Category && o.Person == r.Person })
	c.Rules = append(c.Rules, r)
}

// Note adds a consent; what is said again is said anew. The oldest make way.
func (c *Choices) Note(n Consent) {
	c.Consents = append(slices.Clone(c.Consents), n)
	c.Consents = c.Consents[max(0, len(c.Consents)-mostConsents):]
}

// Rest has the recording of somebody rest from a moment on, if it does not already.
func (c *Choices) Rest(person string, from time.Time) {
	if _, paused := c.Paused[person]; paused {
		return
	}
	c.Paused = maps.Clone(c.Paused)
	if c.Paused == nil {
		c.Paused = map[string]time.Time{}
	}
	c.Paused[person] = from
}

// About is how many choices are about somebody.
func (c Choices) About(person string) (n int) {
	if person == "" {
		return 0
	}
	if _, paused := c.Paused[person]; paused {
		n++
	}
	for _, r := range c.Rules {
		if r.Person == person {
			n++
		}
	}
	for _, one := range c.Consents {
		if one.Person == person {
			n++
		}
	}
	return n
}

// Forget takes out what is about somebody.
func (c *Choices) Forget(person string) {
	delete(c.Paused, person)
	c.Rules = slices.DeleteFunc(slices.Clone(c.Rules), func(r Rule) bool { return r.Person == person })
	c.Consents = slices.DeleteFunc(slices.Clone(c.Consents), func(n Consent) bool { return n.Person == person })
}

// Cleaned notes that an app dropped what it showed; what nobody waits for any more goes.
func (c *Choices) Cleaned(app string, tickets ...string) {
	for _, t := range tickets {
		delete(c.Cleanup[t], app)
	}
}

// Due are the forgettings of which an app has still to drop what it shows.
func (c Choices) Due(app string) []string {
	var list []string
	for ticket, apps := range c.Cleanup {
		if apps[app] {
			list = append(list, ticket)
		}
	}
	slices.Sort(list)
	return list
}
