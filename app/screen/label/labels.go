// Package label holds the screens that show how safe things are: the hub and every device line by line, what
// to do about it, and how each line is known.
package label

import (
	"context"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/ingle-home/ingle/app/model"
	"github.com/ingle-home/ingle/app/model/safety"
	"github.com/ingle-home/ingle/app/screen/frame"
	parts "github.com/ingle-home/ingle/app/widget"
	"github.com/ingle-home/ingle/hub/api/wire"
)

// Labels is the page "Check my home": the hub first, then each thing.
type Labels struct {
	*frame.Living[labelsView]
	d      *frame.Desk
	labels []wire.Label
	shut   bool
	asked  bool
}

type labelsView struct {
	Cards       []safety.Card
	Known, Shut bool
}

// NewLabels makes it.
func NewLabels(d *frame.Desk) *Labels {
	p := &Labels{d: d}
	p.Living = frame.NewLiving(d, p.build)
	return p
}

// Show brings it up to date.
func (p *Labels) Show(frame.State) {
	if !p.asked {
		p.load()
	}
	p.Update(labelsView{safety.CardsOf(p.labels, p.d.Texts), p.labels != nil, p.shut})
}

func (p *Labels) load() {
	p.asked = true
	var labels []wire.Label
	p.d.LoadOr(func(ctx context.Context) (err error) {
		labels, err = p.d.Hub.Labels(ctx)
		return err
	}, func() {
		p.labels = append([]wire.Label{}, labels...)
		p.Show(frame.State{})
	}, func() {
		p.shut = true
		p.Show(frame.State{})
	})
}

func (p *Labels) build(v labelsView) []fyne.CanvasObject {
	page := []fyne.CanvasObject{p.d.BackHead(p.d.Text("app.page.labels"))}
	switch {
	case v.Shut:
		return append(page, frame.Section("", frame.Wrapped(p.d.Text(wire.CodeForbidden))))
	case !v.Known:
		return append(page, frame.Section("", frame.Wrapped(p.d.Text("app.safety.looking"))))
	}
	page = append(page, frame.Low(p.d.Text("app.safety.text")))
	grid := frame.Grid()
	for _, c := range v.Cards {
		grid.Add(p.card(c))
	}
	again := frame.Button(p.d.Text("app.safety.again"), theme.ViewRefreshIcon(), p.load)
	log := frame.Button(p.d.Text("app.page.security"), theme.WarningIcon(), func() { p.d.Go(model.Route{Place: model.AtSecurity}) })
	return append(page, grid, frame.Buttons(again, log))
}

func (p *Labels) card(c safety.Card) fyne.CanvasObject {
	name := frame.Wrapped(c.Name)
	name.TextStyle.Bold = true
	box := frame.Tight(name)
	if c.Detail != "" {
		box.Add(frame.Caption(c.Detail))
	}
	said := []string{c.Name}
	rows := container.NewVBox(container.NewBorder(nil, nil, nil, widget.NewIcon(theme.NavigateNextIcon()), box), Counts(c.Counts))
	for _, n := range c.Counts {
		said = append(said, n.Text)
	}
	if len(c.Fixes) > 0 {
		rows.Add(frame.Wrapped(strings.Join(c.Fixes, " · ")))
	}
	card := parts.NewCard("", func() { p.d.Go(model.Route{Place: model.AtLabel, ID: c.ID}) }, rows)
	card.SetTitle(strings.Join(said, ", "))
	return card
}

// Counts shows how many lines stand how, side by side: there is no mark for the whole.
func Counts(list []safety.Count) fyne.CanvasObject {
	row := container.NewGridWithColumns(max(1, len(list)))
	for _, n := range list {
		text := frame.Wrapped(n.Text)
		text.SizeName = theme.SizeNameCaptionText
		text.Importance = importance(n.State)
		row.Add(frame.Signed(sign(n.State), text))
	}
	return row
}

// sign is the picture of a state; beside it the state always stands in words.
func sign(s safety.State) fyne.Resource {
	switch s {
	case safety.OK:
		return theme.NewSuccessThemedResource(theme.ConfirmIcon())
	case safety.Fix:
		return theme.NewWarningThemedResource(theme.WarningIcon())
	case safety.None:
		return theme.ContentRemoveIcon()
	}
	return theme.QuestionIcon()
}

func importance(s safety.State) widget.Importance {
	switch s {
	case safety.OK:
		return widget.SuccessImportance
	case safety.Fix:
		return widget.WarningImportance
	}
	return widget.MediumImportance
}
