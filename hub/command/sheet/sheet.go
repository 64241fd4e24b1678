// Package sheet shows labels to people: as lines in a terminal, and as a page to print, which needs nothing
// else.
package sheet

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"

	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/i18n"
)

//go:embed sheet.html
var page string

// signs stand before a line: a shape besides the word, so that nobody needs to see colours.
func sign(state string) string {
	return map[string]string{wire.LabelOK: "✓", wire.LabelFix: "!", wire.LabelUnknown: "?", wire.LabelNone: "–"}[state]
}

// words are the texts of a label in one language.
type words struct{ text *i18n.Texts }

func (w words) say(key string, args map[string]string) string {
	return w.text.Text(key, i18n.Args(args))
}

func (w words) day(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.Local().Format(time.DateOnly)
}

// counts are three numbers, never one mark.
func (w words) counts(l wire.Label) string {
	return w.say("label.counts", map[string]string{"ok": fmt.Sprint(l.OK), "fix": fmt.Sprint(l.Fix), "unknown": fmt.Sprint(l.Unknown)})
}

// how says how a line is known.
func (w words) how(l wire.LabelLine) string {
	if l.Method == "" {
		return ""
	}
	return w.say("label.method."+l.Method, nil) + ", " + w.day(l.At)
}

func (w words) list(prefix string, keys []string) string {
	var all []string
	for _, k := range keys {
		all = append(all, w.say(prefix+k, nil))
	}
	return strings.Join(all, ", ")
}

// what is the thing in a line.
func what(l wire.Label) string {
	var parts []string
	for _, p := range []string{l.Maker, l.Model, l.Firmware} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	return strings.Join(parts, " · ")
}

// Text writes a label for a terminal.
func Text(out io.Writer, text *i18n.Texts, l wire.Label) error {
	w := words{text}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", l.Name)
	if about := what(l); about != "" {
		fmt.Fprintf(&b, "  %s\n", about)
	}
	fmt.Fprintf(&b, "  %s\n", w.counts(l))
	for _, one := range l.Lines {
		if one.State == wire.LabelNone {
			continue
		}
		fmt.Fprintf(&b, "  %s %s: %s: %s", sign(one.State), w.say("label.line."+one.Line, nil), w.say("label.state."+one.State, nil), w.say(one.Text, one.Args))
		if how := w.how(one); how != "" {
			fmt.Fprintf(&b, " [%s]", how)
		}
		b.WriteByte('\n')
		if one.Step != "" {
			fmt.Fprintf(&b, "      → %s\n", w.say(one.Step, one.Args))
		}
	}
	if len(l.Senses) > 0 {
		fmt.Fprintf(&b, "  %s: %s\n", w.say("label.senses", nil), w.list("label.sense.", l.Senses))
	}
	if len(l.Holds) > 0 {
		fmt.Fprintf(&b, "  %s: %s\n", w.say("label.holds", nil), w.list("", l.Holds))
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// row and card are what the page shows of a line and of a label.
type row struct{ State, Sign, Word, Title, Text, Step, How, Source, Raw string }

type card struct {
	Name, About, Counts, Checked string
	Rows                         []row
	Senses, SensesAre            string
	Holds, HoldsAre              string
}

// Page writes labels as a page in HTML.
func Page(out io.Writer, text *i18n.Texts, list []wire.Label, now time.Time) error {
	form, err := template.New("label").Parse(page)
	if err != nil {
		return fmt.Errorf("label: %w", err)
	}
	w := words{text}
	var cards []card
	for _, l := range list {
		cards = append(cards, w.card(l))
	}
	err = form.Execute(out, struct {
		Lang, Title, Date, About string
		Cards                    []card
	}{text.Lang(), w.say("label.title", nil), now.Local().Format("2006-01-02 15:04"), w.say("label.about", nil), cards})
	if err != nil {
		return fmt.Errorf("label: %w", err)
	}
	return nil
}

func (w words) card(l wire.Label) card {
	c := card{Name: l.Name, About: what(l), Counts: w.counts(l), Senses: w.list("label.sense.", l.Senses), SensesAre: w.say("label.senses", nil),
		Holds: w.list("", l.Holds), HoldsAre: w.say("label.holds", nil)}
	switch {
	case l.Checked != nil:
		c.Checked = w.say("label.checked", map[string]string{"date": w.day(l.Checked)})
	case l.Doors:
		c.Checked = w.say("label.not-checked", nil)
	}
	for _, one := range l.Lines {
		if one.State == wire.LabelNone {
			continue
		}
		r := row{State: one.State, Sign: sign(one.State), Word: w.say("label.state."+one.State, nil), Title: w.say("label.line."+one.Line, nil),
			Text: w.say(one.Text, one.Args), How: w.how(one), Source: one.Source, Raw: strings.Join(one.Raw, " · ")}
		if one.Step != "" {
			r.Step = w.say(one.Step, one.Args)
		}
		c.Rows = append(c.Rows, r)
	}
	return c
}
