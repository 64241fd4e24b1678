package privacy

import (
	"context"
	"strconv"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/ingle-home/ingle/app/model/keeping"
	"github.com/ingle-home/ingle/app/screen/frame"
	parts "github.com/ingle-home/ingle/app/widget"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/i18n"
)

// Rules shows how long what stays, whose recording rests and who agreed to what, and lets all of it be
// changed.
type Rules struct {
	*frame.Living[rulesView]
	d        *frame.Desk
	known    bool
	asked    bool
	rules    []wire.RetentionRule
	paused   []wire.PausePerson
	consents []wire.Consent
	state    frame.State
}

type rulesView struct {
	Known  bool
	Rules  []keeping.Rule
	Pauses []keeping.Pause
	Agreed []keeping.Agreed
}

// NewRules makes it.
func NewRules(d *frame.Desk) *Rules {
	p := &Rules{d: d}
	p.Living = frame.NewLiving(d, p.build)
	return p
}

// Show brings it up to date.
func (p *Rules) Show(s frame.State) {
	p.state = s
	if !p.asked {
		p.load()
	}
	t := p.d.Texts
	p.Update(rulesView{p.known, keeping.RulesOf(p.rules, s.Home, t), keeping.PausesOf(p.paused, s.Home, t, p.d.Place), keeping.AgreedOf(p.consents, s.Home, t, p.d.Place)})
}

func (p *Rules) load() {
	p.asked = true
	var rules []wire.RetentionRule
	var paused []wire.PausePerson
	var consents []wire.Consent
	p.d.Load(func(ctx context.Context) (err error) {
		if rules, err = p.d.Hub.Retention(ctx); err != nil {
			return err
		}
		if paused, err = p.d.Hub.Paused(ctx); err != nil {
			return err
		}
		consents, err = p.d.Hub.Consents(ctx)
		return err
	}, func() {
		p.rules, p.paused, p.consents, p.known = rules, paused, consents, true
		p.Show(p.state)
	})
}

// change does something, and shows what is then.
func (p *Rules) change(do func(ctx context.Context) error) { p.d.Try(do, p.load) }

func (p *Rules) build(v rulesView) []fyne.CanvasObject {
	page := []fyne.CanvasObject{p.d.BackHead(p.d.Text("app.page.rules"))}
	if !v.Known {
		return page
	}
	grid := frame.Grid(frame.Section(p.d.Text("app.rules.lasts"), p.lasts(v)...))
	if len(v.Pauses) > 0 {
		grid.Add(frame.Section(p.d.Text("app.rules.pause"), p.pauses(v.Pauses)...))
		grid.Add(frame.Section(p.d.Text("app.rules.consents"), p.consentLines(v)...))
	}
	return append(page, grid)
}

func (p *Rules) lasts(v rulesView) []fyne.CanvasObject {
	list := []fyne.CanvasObject{frame.Low(p.d.Text("app.rules.lasts.text"))}
	for _, r := range v.Rules {
		change := parts.NewSign(p.d.Text("app.rules.change")+": "+r.Title, theme.DocumentCreateIcon(), func() { p.days(r) })
		list = append(list, container.NewBorder(nil, nil, nil, container.NewCenter(change), lines(r.Title, r.Lasts, "")))
	}
	return append(list, frame.Button(p.d.Text("app.rules.person"), theme.ContentAddIcon(), p.ofPerson))
}

// days asks how long something stays. Less than it was takes what is older away, which is said.
func (p *Rules) days(r keeping.Rule) {
	p.d.Ask(frame.Question{Title: r.Title, Text: p.d.Text("app.rules.shorter"), Yes: p.d.Text("app.save"),
		Fields: []frame.Field{{Name: p.d.Text("app.rules.days"), Value: strconv.Itoa(r.Days)}},
		Do: func(ctx context.Context, a []frame.Answer) (string, error) {
			return "", p.set(ctx, r.Category, r.Person, a[0].Text)
		}, Then: func(string) { p.load() }})
}

func (p *Rules) set(ctx context.Context, category, person, days string) error {
	n, err := strconv.Atoi(strings.TrimSpace(days))
	if err != nil || n < 1 || n > 3650 {
		return wire.Refuse(0, "app.rules.days.wrong")
	}
	return p.d.Hub.SetRetention(ctx, wire.RetentionRule{Category: category, Person: person, Days: n})
}

func (p *Rules) ofPerson() {
	names, ids := keeping.Persons(p.state.Home)
	if len(names) == 0 {
		return
	}
	kinds := []string{"location", "health", "alarms"} // recordings are of cameras, not of persons
	var called []string
	for _, k := range kinds {
		called = append(called, keeping.CategoryName(k, p.d.Texts))
	}
	p.d.Ask(frame.Question{Title: p.d.Text("app.rules.person"), Text: p.d.Text("app.rules.shorter"), Yes: p.d.Text("app.save"),
		Fields: []frame.Field{{Name: p.d.Text("app.forget.which"), Options: names}, {Name: p.d.Text("app.kept.kind"), Options: called}, {Name: p.d.Text("app.rules.days"), Value: "7"}},
		Do: func(ctx context.Context, a []frame.Answer) (string, error) {
			return "", p.set(ctx, kinds[a[1].Option], ids[a[0].Option], a[2].Text)
		}, Then: func(string) { p.load() }})
}

func (p *Rules) pauses(list []keeping.Pause) []fyne.CanvasObject {
	all := []fyne.CanvasObject{frame.Low(p.d.Text("app.rules.pause.text"))}
	for _, one := range list {
		c := widget.NewCheck(one.Name, nil)
		c.SetChecked(one.Paused)
		c.OnChanged = func(on bool) {
			p.change(func(ctx context.Context) error {
				return p.d.Hub.PausePerson(ctx, wire.PausePerson{Person: one.Person, Paused: on})
			})
		}
		all = append(all, c)
		if one.Since != "" {
			all = append(all, frame.Caption(one.Since))
		}
	}
	return all
}

func (p *Rules) consentLines(v rulesView) []fyne.CanvasObject {
	all := []fyne.CanvasObject{frame.Low(p.d.Text("app.rules.consents.text"))}
	for _, a := range v.Agreed {
		line := lines(a.Title, a.Detail, "")
		if a.Given {
			take := parts.NewSign(p.d.Text("app.consent.withdraw")+": "+a.Title, theme.CancelIcon(), func() { p.withdraw(a) })
			all = append(all, container.NewBorder(nil, nil, nil, container.NewCenter(take), line))
			continue
		}
		all = append(all, line)
	}
	return append(all, frame.Button(p.d.Text("app.consent.note"), theme.ContentAddIcon(), p.note))
}

func (p *Rules) withdraw(a keeping.Agreed) {
	p.d.Ask(frame.Question{Title: p.d.Text("app.consent.withdraw"), Text: p.d.Texts.Text("app.consent.withdraw.text", i18n.Args{"what": a.Title}), Yes: p.d.Text("app.consent.withdraw"),
		Do: func(ctx context.Context, _ []frame.Answer) (string, error) {
			return "", p.d.Hub.NoteConsent(ctx, wire.Consent{Person: a.Person, What: a.What, Version: a.Version})
		}, Then: func(string) { p.load() }})
}

// note writes down that somebody agreed.
func (p *Rules) note() {
	names, ids := keeping.Persons(p.state.Home)
	var whats []string
	for _, w := range keeping.Asked() {
		whats = append(whats, p.d.Text("app.consent.what."+w))
	}
	p.d.Ask(frame.Question{Title: p.d.Text("app.consent.note"), Text: p.d.Text("app.consent.note.text"), Yes: p.d.Text("app.consent.note"),
		Fields: []frame.Field{{Name: p.d.Text("app.forget.which"), Options: names}, {Name: p.d.Text("app.consent.what"), Options: whats}},
		Do: func(ctx context.Context, a []frame.Answer) (string, error) {
			return "", p.d.Hub.NoteConsent(ctx, wire.Consent{Person: ids[a[0].Option], What: keeping.Asked()[a[1].Option], Version: keeping.ConsentVersion, Given: true})
		}, Then: func(string) { p.load() }})
}
