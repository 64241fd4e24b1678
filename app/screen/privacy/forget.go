package privacy

import (
	"context"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/ingle-home/ingle/app/model"
	"github.com/ingle-home/ingle/app/model/keeping"
	"github.com/ingle-home/ingle/app/screen/frame"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/i18n"
)

// forget are the ways to have something forgotten. Each leads to a plan first; nothing happens here.
func (p *Privacy) forget() fyne.CanvasObject {
	to := func(scope wire.PrivacyScope) { p.d.Go(model.Route{Place: model.AtForget, ID: keeping.ScopeID(scope)}) }
	way := func(key string, icon fyne.Resource, do func()) fyne.CanvasObject {
		b := frame.Button(p.d.Text(key), icon, do)
		b.Alignment = widget.ButtonAlignLeading
		return b
	}
	return frame.Section(p.d.Text("app.page.forget"), frame.Low(p.d.Text("app.forget.text")),
		way("app.forget.person", theme.AccountIcon(), func() {
			names, ids := keeping.Persons(p.state.Home)
			p.which("app.forget.person", names, func(n int) { to(wire.PrivacyScope{Person: ids[n]}) })
		}),
		way("app.forget.device", theme.ComputerIcon(), func() {
			names, ids := keeping.Devices(p.state.Home)
			p.which("app.forget.device", names, func(n int) { to(wire.PrivacyScope{Device: ids[n]}) })
		}),
		way("app.forget.category", theme.ListIcon(), func() {
			ids := keeping.Forgettable()
			var names []string
			for _, c := range ids {
				names = append(names, keeping.CategoryName(c, p.d.Texts))
			}
			p.which("app.forget.category", names, func(n int) { to(wire.PrivacyScope{Category: ids[n]}) })
		}),
		way("app.forget.range", theme.HistoryIcon(), func() { p.when(to) }),
		way("app.forget.everything", theme.DeleteIcon(), func() { to(wire.PrivacyScope{Everything: true}) }),
		p.way("app.page.receipts", theme.DocumentIcon(), model.Route{Place: model.AtReceipts}))
}

// which asks which one.
func (p *Privacy) which(key string, names []string, then func(n int)) {
	if len(names) == 0 {
		p.d.Say(p.d.Text("app.privacy.none"))
		return
	}
	chosen := 0
	p.d.Ask(frame.Question{Title: p.d.Text(key), Text: p.d.Text("app.forget.plan"), Yes: p.d.Text("app.forget.show"),
		Fields: []frame.Field{{Name: p.d.Text("app.forget.which"), Options: names}},
		Do: func(_ context.Context, a []frame.Answer) (string, error) {
			chosen = a[0].Option
			return "", nil
		}, Then: func(string) { then(chosen) }})
}

// when asks for two days.
func (p *Privacy) when(then func(wire.PrivacyScope)) {
	today := p.d.Now().In(p.d.Place).Format(time.DateOnly)
	var scope wire.PrivacyScope
	p.d.Ask(frame.Question{Title: p.d.Text("app.forget.range"), Text: p.d.Text("app.forget.range.text"), Yes: p.d.Text("app.forget.show"),
		Fields: []frame.Field{{Name: p.d.Text("app.forget.from"), Value: today}, {Name: p.d.Text("app.forget.to"), Value: today}},
		Do: func(_ context.Context, a []frame.Answer) (string, error) {
			var ok bool
			if scope, ok = keeping.Days(a[0].Text, a[1].Text, p.d.Place); !ok {
				return "", wire.Refuse(0, "app.forget.days")
			}
			return "", nil
		}, Then: func(string) { then(scope) }})
}

// Forget says what a forgetting would do before anybody has it done: what goes, what has to wait, what
// cannot be done and why, what remains in any case.
type Forget struct {
	*frame.Living[forgetView]
	d     *frame.Desk
	scope wire.PrivacyScope
	plan  *wire.PrivacyPlan
	why   string // there is no plan
	asked bool
	state frame.State
}

type forgetView struct {
	Title string
	Plan  keeping.Plan
	Known bool
	Why   string
}

// NewForget makes the page of a scope, as keeping.ScopeID writes it.
func NewForget(d *frame.Desk, id string) *Forget {
	p := &Forget{d: d, scope: keeping.ScopeOf(id)}
	p.Living = frame.NewLiving(d, p.build)
	return p
}

// Show brings it up to date.
func (p *Forget) Show(s frame.State) {
	p.state = s
	if !p.asked {
		p.asked = true
		p.ask()
	}
	v := forgetView{Title: keeping.Title(p.scope, s.Home, p.d.Texts, p.d.Place), Why: p.why}
	if v.Known = p.plan != nil; v.Known {
		v.Plan = keeping.PlanOf(*p.plan, p.d.Texts)
	}
	p.Update(v)
}

func (p *Forget) ask() {
	var plan wire.PrivacyPlan
	p.d.LoadOr(func(ctx context.Context) (err error) {
		plan, err = p.d.Hub.PlanForgetting(ctx, p.scope)
		return err
	}, func() {
		p.plan = &plan
		p.Show(p.state)
	}, func() {
		p.why = p.d.Text(wire.CodeForbidden)
		p.Show(p.state)
	})
}

func (p *Forget) build(v forgetView) []fyne.CanvasObject {
	page := []fyne.CanvasObject{p.d.BackHead(v.Title)}
	switch {
	case v.Why != "":
		return append(page, frame.Section("", frame.Wrapped(v.Why)))
	case !v.Known:
		return append(page, frame.Section("", frame.Wrapped(p.d.Text("app.forget.counting"))))
	case v.Plan.Empty():
		return append(page, frame.Section("", frame.Wrapped(p.d.Text("app.forget.nothing"))))
	}
	page = append(page, frame.Wrapped(p.d.Text("app.forget.planned")))
	grid := frame.Grid()
	for _, part := range []struct {
		key   string
		icon  fyne.Resource
		steps []keeping.Step
	}{{"privacy.expect.gone", theme.ConfirmIcon(), v.Plan.Gone}, {"privacy.expect.waiting", theme.HistoryIcon(), v.Plan.Waiting}, {"privacy.expect.impossible", theme.WarningIcon(), v.Plan.Impossible}} {
		if len(part.steps) > 0 {
			grid.Add(frame.Section(p.d.Text(part.key), steps(part.icon, part.steps)...))
		}
	}
	grid.Add(frame.Section(p.d.Text("app.forget.remains"), frame.Wrapped(p.d.Text("privacy.why.export")), frame.Wrapped(p.d.Text("privacy.why.apple"))))
	do := frame.Button(p.d.Text("app.forget.button"), theme.DeleteIcon(), func() { p.confirm(v) })
	do.Importance = widget.DangerImportance
	copied := frame.Button(p.d.Text("app.forget.copy"), theme.DocumentSaveIcon(), func() { p.d.Go(model.Route{Place: model.AtPrivacy}) })
	return append(page, grid, frame.Buttons(frame.Button(p.d.Text("app.cancel"), nil, p.d.Back), copied, do))
}

// steps are what becomes of each place, with a sign.
func steps(icon fyne.Resource, list []keeping.Step) []fyne.CanvasObject {
	var all []fyne.CanvasObject
	for _, s := range list {
		all = append(all, frame.Signed(icon, lines(s.Place, s.Much, "", s.Why)))
	}
	return all
}

// confirm asks for the password and, for everything, the words. What remains is said again.
func (p *Forget) confirm(v forgetView) {
	q := frame.Question{Title: v.Title, Text: p.d.Text("app.forget.sure"), Yes: p.d.Text("app.forget.button"), Danger: true, Busy: p.d.Text("app.forget.busy"),
		Fields: []frame.Field{{Name: p.d.Text("gate.password"), Secret: true}}}
	if v.Plan.Word != "" {
		q.Text = p.d.Text("app.forget.sure.everything")
		q.Fields = append(q.Fields, frame.Field{Name: p.d.Texts.Text("app.forget.word", i18n.Args{"word": v.Plan.Word})})
	}
	if n := len(v.Plan.Waiting) + len(v.Plan.Impossible); n > 0 {
		q.Text += " " + p.d.Text("app.forget.sure.not-all")
	}
	var made wire.PrivacyReceipt
	q.Do = func(ctx context.Context, a []frame.Answer) (string, error) {
		r := wire.ForgetRequest{PrivacyScope: p.scope, Password: a[0].Text}
		if len(a) > 1 {
			r.Word = strings.ToLower(strings.TrimSpace(a[1].Text))
		}
		if p.scope.Everything { // the home goes with it, and the receipt is there to be read
			fyne.DoAndWait(func() { p.d.Hold(true) })
		}
		var err error
		if made, err = p.d.Hub.Forget(ctx, r); err != nil && p.scope.Everything {
			fyne.DoAndWait(func() { p.d.Hold(false) })
		}
		return "", err
	}
	q.Then = func(string) { p.d.Proof(made) }
	p.d.Ask(q)
}
