package safety

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ingle-home/ingle/app/model"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/i18n"
)

// Sight is that somebody looked at something.
type Sight struct {
	Who, What, When string
	How             string // by which way, and how often
	Going           bool   // they still look
}

// going is how long ago a look without an end may have begun to count as one that goes on; an older one
// was cut by a power cut.
const going = 12 * time.Hour

// SightsOf lists who looked at what, in the order of the hub's list.
func SightsOf(list []wire.Viewing, now time.Time, t *i18n.Texts, place *time.Location) []Sight {
	var all []Sight
	for _, w := range list {
		gone := t.Text("ledger.forgotten", nil)
		s := Sight{Who: upper(cmp.Or(w.Who, gone)), What: word("ledger.act."+w.Act, t), When: model.When(w.Begin, place, t)}
		switch {
		case w.Thing != "":
			s.What += " · " + w.Thing
		case slices.Contains(w.Unknown, "what"):
			s.What += " · " + gone
		}
		s.What = upper(s.What)
		s.Going = w.Act == "live" && w.End == nil && now.Sub(w.Begin) < going
		if s.Going {
			s.When += " · " + t.Text("app.looks.going", nil)
		}
		if w.End != nil && w.End.Sub(w.Begin) >= time.Minute {
			s.When += " " + t.Text("app.looks.until", i18n.Args{"time": w.End.In(place).Format("15:04")})
		}
		if w.Via != "" {
			s.How = word("ledger.via."+w.Via, t)
		}
		if w.Times > 1 {
			s.How = strings.TrimPrefix(s.How+" · "+t.Text("app.looks.times", i18n.Args{"n": strconv.Itoa(w.Times)}), " · ")
		}
		s.How = upper(s.How)
		all = append(all, s)
	}
	return all
}

// Whole says in words whether a list is as the hub wrote it; Flaws are what is not.
type Whole struct {
	Yes   bool
	Text  string
	Flaws []string
}

// WholeOf judges a check.
func WholeOf(c wire.ChainCheck, t *i18n.Texts) Whole {
	if c.Whole && len(c.Flaws) == 0 {
		return Whole{Yes: true, Text: t.Text("chain.whole", i18n.Args{"count": strconv.Itoa(c.Entries), "forgotten": strconv.Itoa(c.Forgotten)})}
	}
	w := Whole{Text: t.Text("chain.broken", nil)}
	for _, f := range c.Flaws {
		w.Flaws = append(w.Flaws, said("chain.flaw."+f.What, i18n.Args{"entry": strconv.FormatUint(f.Entry, 10)}, t))
	}
	return w
}

// Alert is something that people should see to.
type Alert struct {
	ID, Title, Name, When, Seen string
	Alarm                       bool
}

// Event is something that happened.
type Event struct {
	Title, When, From string
	Severity          string // notice, warning or alarm, in words for those who do not see its sign
	Grave             bool
}

// AlertsOf lists what people should see to: first what nobody has seen yet.
func AlertsOf(list []wire.SecurityAlert, t *i18n.Texts, place *time.Location) []Alert {
	var open, seen []Alert
	for _, w := range list {
		a := Alert{ID: w.ID, Title: said("health.security-"+w.Rule, nil, t), Name: w.Name, When: span(w.First, &w.Last, w.Times, t, place), Alarm: w.Severity == "alarm"}
		if w.Acknowledged == nil {
			open = append(open, a)
			continue
		}
		a.Seen = t.Text("app.security.seen.at", i18n.Args{"time": model.When(*w.Acknowledged, place, t)})
		seen = append(seen, a)
	}
	return append(open, seen...)
}

// EventsOf lists what happened, the newest first.
func EventsOf(list []wire.SecurityEvent, t *i18n.Texts, place *time.Location) []Event {
	var all []Event
	for _, w := range list {
		e := Event{Title: upper(word("security.kind."+w.Kind, t)), When: span(w.At, w.Last, w.Times, t, place), Severity: w.Severity, Grave: w.Severity != "notice"}
		if w.Name != "" {
			e.Title += " · " + w.Name
		}
		if w.From != "" {
			e.From = t.Text("app.security.from", i18n.Args{"from": w.From})
		}
		all = append(all, e)
	}
	return all
}

// span is when something happened, and how often.
func span(first time.Time, last *time.Time, times int, t *i18n.Texts, place *time.Location) string {
	text := model.When(first, place, t)
	if last != nil && last.Sub(first) >= time.Minute {
		text += " – " + model.When(*last, place, t)
	}
	if times > 1 {
		text += " · " + t.Text("app.looks.times", i18n.Args{"n": strconv.Itoa(times)})
	}
	return text
}
