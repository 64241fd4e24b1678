// Package safety says what the screens about safety show: the label of each thing, line by line, who looked
// at what, and what the hub noticed. It knows no window and no network.
package safety

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/ingle-home/ingle/app/model"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/command/sheet"
	"github.com/ingle-home/ingle/i18n"
)

// State is how a line of a label stands. Each has a sign and a word: no colour says anything alone.
type State uint8

// The states. The zero value is unknown, which never counts as good.
const (
	Unknown State = iota
	OK
	Fix
	None // it does not apply
)

func stateOf(s string) State {
	switch s {
	case wire.LabelOK:
		return OK
	case wire.LabelFix:
		return Fix
	case wire.LabelNone:
		return None
	}
	return Unknown
}

// Word is what the state is called.
func (s State) Word(t *i18n.Texts) string {
	return word("label.state."+[...]string{wire.LabelUnknown, wire.LabelOK, wire.LabelFix, wire.LabelNone}[s], t)
}

// Card is a label in a list. Counts stand apart: no mark stands for the whole.
type Card struct {
	ID, Name, Detail string
	Kind             string
	Counts           []Count
	Fixes            []string // titles of what is to be fixed
}

// Count is how many lines stand so.
type Count struct {
	State State
	Text  string
}

// CardsOf lists labels, the hub's first, as the hub gives them.
func CardsOf(labels []wire.Label, t *i18n.Texts) []Card {
	var cards []Card
	for _, l := range labels {
		c := Card{ID: l.Device, Name: l.Name, Kind: l.Kind, Detail: about(l, t), Counts: counts(l, t)}
		for _, line := range l.Lines {
			if line.State == wire.LabelFix {
				c.Fixes = append(c.Fixes, word("label.line."+line.Line, t))
			}
		}
		cards = append(cards, c)
	}
	return cards
}

// about is what a thing is, as far as it says so.
func about(l wire.Label, t *i18n.Texts) string {
	if l.Device == wire.HubLabel {
		return t.Text("app.safety.hub", nil)
	}
	return strings.TrimSpace(l.Maker + " " + l.Model)
}

func counts(l wire.Label, t *i18n.Texts) []Count {
	var list []Count
	for _, c := range []struct {
		s State
		n int
	}{{OK, l.OK}, {Fix, l.Fix}, {Unknown, l.Unknown}} {
		list = append(list, Count{c.s, strconv.Itoa(c.n) + " " + c.s.Word(t)})
	}
	return list
}

// Label is the label of one thing.
type Label struct {
	ID, Name, Detail, Firmware string
	Hub                        bool
	Counts                     []Count
	Simple                     []Line // what the law asks makers for, said first
	Fix                        []Line // all that is to be fixed, with what to do
	More                       []Line // the rest
	Senses, Holds              []string
	Doors                      bool   // they could be looked at
	Agreed                     bool   // the household said yes to that
	Checked, Next              string // the last look and when there may be another; empty: none, and now
	Offline                    string // a test without the internet runs since; empty: none
	Changes                    []model.Fact
	Made                       string
}

// Line is one line of a label. Evidence is how it is known, for those who want to know.
type Line struct {
	ID, Title, Text, Step string
	State                 State
	Evidence              []model.Fact
}

const simple = 3 // lines that come first

// LabelOf gives one label.
func LabelOf(l wire.Label, now time.Time, t *i18n.Texts, place *time.Location) Label {
	when := func(at *time.Time) string {
		if at == nil {
			return ""
		}
		return model.When(*at, place, t)
	}
	v := Label{ID: l.Device, Name: l.Name, Detail: about(l, t), Firmware: l.Firmware, Hub: l.Device == wire.HubLabel, Counts: counts(l, t),
		Doors: l.Doors, Agreed: l.Consent != nil, Checked: when(l.Checked), Offline: when(l.Offline), Made: model.When(l.Made, place, t)}
	if l.Next != nil && l.Next.After(now) {
		v.Next = when(l.Next)
	}
	for i, w := range l.Lines {
		line := lineOf(w, t, when)
		switch {
		case line.State == Fix:
			v.Fix = append(v.Fix, line)
		case i < simple && !v.Hub:
			v.Simple = append(v.Simple, line)
		default:
			v.More = append(v.More, line)
		}
	}
	for _, s := range l.Senses {
		v.Senses = append(v.Senses, word("label.sense."+s, t))
	}
	for _, h := range l.Holds {
		v.Holds = append(v.Holds, word(h, t))
	}
	for _, c := range l.History {
		v.Changes = append(v.Changes, model.Fact{Name: when(&c.At), Value: word("label.line."+c.Line, t) + ": " + stateOf(c.State).Word(t)})
	}
	return v
}

func lineOf(w wire.LabelLine, t *i18n.Texts, when func(*time.Time) string) Line {
	line := Line{ID: w.Line, Title: word("label.line."+w.Line, t), State: stateOf(w.State), Text: said(w.Text, w.Args, t)}
	if w.Step != "" {
		line.Step = said(w.Step, w.Args, t)
	}
	for _, f := range []model.Fact{{Name: "method", Value: word("label.method."+w.Method, t)}, {Name: "at", Value: when(w.At)}, {Name: "until", Value: when(w.Until)},
		{Name: "source", Value: w.Source}, {Name: "raw", Value: strings.Join(w.Raw, "\n")}} {
		if f.Value != "" {
			line.Evidence = append(line.Evidence, model.Fact{Name: t.Text("app.safety.evidence."+f.Name, nil), Value: f.Value})
		}
	}
	return line
}

// said is a text of the hub's; where it names a command, the app has words of its own for what it does itself.
func said(key string, args map[string]string, t *i18n.Texts) string {
	if what, is := strings.CutSuffix(key, ".do"); is {
		if own := "app.step." + strings.TrimPrefix(what, "label."); t.Has(own) {
			return t.Text(own, args)
		}
	}
	if t.Has(key) {
		return upper(t.Text(key, args))
	}
	return word(key, t)
}

// upper begins a line of its own with a large letter: the hub's texts are parts of lines.
func upper(text string) string {
	r, n := utf8.DecodeRuneInString(text)
	if n == 0 {
		return ""
	}
	return string(unicode.ToUpper(r)) + text[n:]
}

// word is a text of the hub's, or what it stands for where a newer hub says what this app has no text for.
func word(key string, t *i18n.Texts) string {
	if t.Has(key) {
		return t.Text(key, nil)
	}
	return key[strings.LastIndexByte(key, '.')+1:]
}

// Page is a label to print: all of it, with the evidence, as the hub prints it.
func Page(l wire.Label, now time.Time, t *i18n.Texts) ([]byte, error) {
	var out bytes.Buffer
	if err := sheet.Page(&out, t, []wire.Label{l}, now); err != nil {
		return nil, fmt.Errorf("safety: %w", err)
	}
	return out.Bytes(), nil
}
