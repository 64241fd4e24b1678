package onboard

import (
	"context"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/ingle-home/ingle/app/model"
	"github.com/ingle-home/ingle/app/screen/frame"
	parts "github.com/ingle-home/ingle/app/widget"
	"github.com/ingle-home/ingle/hub/api/wire"
)

const pause = 250 * time.Millisecond // after the last key, before the hub is asked

// choose is the second step: an offered password, which is the safest, or an own one.
type choose struct {
	g     *Guide
	calm  func() // stops the question that is about to be asked
	round int

	phrase string // that is offered

	how     *widget.RadioGroup
	offer   *widget.Label
	offered *fyne.Container
	entry   *parts.Entry
	own     *fyne.Container
	meter   *widget.ProgressBar
	verdict *widget.Label
	problem *widget.Label
	next    *parts.Button
}

func newChoose(g *Guide) *choose {
	p := &choose{g: g, calm: func() {}, problem: problem(), verdict: frame.Wrapped(""), meter: widget.NewProgressBar()}
	p.offer = frame.Wrapped("…")
	p.offer.SizeName, p.offer.Selectable = theme.SizeNameSubHeadingText, true
	p.offer.TextStyle = fyne.TextStyle{Bold: true, Monospace: true}
	another := frame.Button(g.text("onboard.another"), theme.ViewRefreshIcon(), p.suggest)
	p.offered = container.NewVBox(p.offer, frame.Low(g.text("onboard.offer.text")), frame.Buttons(another))
	p.entry = parts.NewEntry(g.text("gate.password"), true, parts.Keys{Cancel: func() {}, Confirm: p.goOn})
	p.entry.OnChanged = func(string) { p.later() }
	eye := parts.NewSign(g.text("onboard.eye"), theme.VisibilityIcon(), nil)
	eye.OnTapped = func() {
		p.entry.Password = !p.entry.Password
		icon := theme.VisibilityIcon()
		if !p.entry.Password {
			icon = theme.VisibilityOffIcon()
		}
		eye.SetIcon(icon)
		p.entry.Refresh()
	}
	p.entry.ActionItem = eye
	p.meter.TextFormatter = func() string { return "" }
	p.own = container.NewVBox(p.entry, p.meter, p.verdict)
	p.next = next(g.text("gate.claim.button"), p.goOn)
	p.how = widget.NewRadioGroup([]string{g.text("onboard.offered"), g.text("onboard.own")}, func(string) { p.chosen() })
	p.how.Required, p.how.Selected = true, g.text("onboard.offered")
	p.chosen()
	g.put(2, "onboard.password", p.next, p.how, p.offered, p.own, p.problem, p.next)
	p.suggest()
	return p
}

func (p *choose) isOwn() bool { return p.how.Selected == p.g.text("onboard.own") }

func (p *choose) chosen() {
	frame.Visible(p.offered, !p.isOwn())
	frame.Visible(p.own, p.isOwn())
	p.gauge(wire.Verdict{})
	if p.isOwn() {
		p.later()
		if c := p.g.Desk.Canvas(); c != nil {
			c.Focus(p.entry)
		}
	}
	p.g.settle()
}

// suggest asks for another offer.
func (p *choose) suggest() {
	p.g.Desk.Work(func(ctx context.Context) {
		made, err := p.g.Hub.Suggest(ctx, p.g.Desk.Texts.Lang())
		if ctx.Err() != nil {
			return
		}
		fyne.Do(func() {
			if err != nil {
				p.say(model.Problem(err, p.g.Desk.Texts))
				return
			}
			p.phrase = made.Passphrase
			p.offer.SetText(p.fitting(made.Passphrase))
			p.g.settle()
		})
	})
}

// fitting breaks a password where the window is a phone's; elsewhere it can be copied as it is.
func (p *choose) fitting(phrase string) string {
	const wide = 520
	if c := p.g.Desk.Canvas(); c != nil && c.Size().Width >= wide {
		return phrase
	}
	return model.Lines(phrase)
}

// later has the hub judge what is typed, once the typing pauses. What it said of another password counts
// no more.
func (p *choose) later() {
	p.calm()
	frame.Set(p.problem, "")
	p.calm = p.g.Desk.After(pause, p.judge)
}

func (p *choose) judge() {
	p.round++
	round, password := p.round, p.entry.Text
	if password == "" {
		p.gauge(wire.Verdict{})
		return
	}
	p.g.Desk.Work(func(ctx context.Context) {
		verdict, err := p.g.Hub.Judge(ctx, password)
		if ctx.Err() != nil || err != nil {
			return // the hub judges it again when it is set
		}
		fyne.Do(func() {
			if round == p.round {
				p.gauge(verdict)
			}
		})
	})
}

func (p *choose) gauge(v wire.Verdict) {
	if p.entry.Text == "" {
		p.meter.SetValue(0)
		p.verdict.Importance = widget.LowImportance
		p.verdict.SetText(p.g.text("gate.claim.hint"))
		return
	}
	s := model.StrengthOf(v, p.g.Desk.Texts)
	p.meter.SetValue(s.Share)
	p.verdict.Importance = widget.WarningImportance
	if s.Enough {
		p.verdict.Importance = widget.SuccessImportance
	}
	p.verdict.SetText(s.Words)
	p.g.settle()
}

func (p *choose) goOn() {
	password := p.phrase
	if p.isOwn() {
		password = p.entry.Text
	}
	var answer wire.SetupAnswer
	p.g.held = true // the hub is about to open, and the code is shown only once
	p.g.work(p.next, "onboard.sealing", func(ctx context.Context) (err error) {
		answer, err = p.g.Hub.Setup(ctx, password, p.g.Desk.Texts.Lang())
		return err
	}, func(err error) {
		if err != nil {
			p.g.held = false
			p.say(model.Problem(err, p.g.Desk.Texts))
			return
		}
		p.calm()
		p.entry.SetText("")
		p.calm()
		p.phrase = ""
		p.offer.SetText("")
		newKeep(p.g, answer)
	})
}

func (p *choose) say(words string) {
	if p.isOwn() && p.verdict.Text == words { // it stands there already
		p.verdict.Importance = widget.DangerImportance
		p.verdict.Refresh()
		words = ""
	}
	frame.Set(p.problem, words)
	p.g.settle()
}

// Type writes an own password into the second step and has it judged at once.
func (g *Guide) Type(password string) {
	if p := g.choose; p != nil {
		p.how.SetSelected(g.text("onboard.own"))
		p.entry.SetText(password)
		p.calm()
		p.judge()
	}
}
