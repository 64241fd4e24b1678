// Package care holds the screens that keep a home in order: what needs care, what is stored, what is
// new, and the settings.
package care

import (
	"context"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/ingle-home/ingle/app/model"
	"github.com/ingle-home/ingle/app/screen/frame"
	parts "github.com/ingle-home/ingle/app/widget"
)

// Health lists what needs care, each with its next step.
type Health struct {
	*frame.Living[[]model.Ailment]
	d *frame.Desk
}

// NewHealth makes it.
func NewHealth(d *frame.Desk) *Health {
	p := &Health{d: d}
	p.Living = frame.NewLiving(d, p.build)
	return p
}

// Show brings it up to date.
func (p *Health) Show(s frame.State) { p.Update(model.AilmentsOf(s.Home, p.d.Texts, p.d.Place)) }

func (p *Health) build(list []model.Ailment) []fyne.CanvasObject {
	page := []fyne.CanvasObject{p.d.BackHead(p.d.Text("app.page.health"))}
	if len(list) == 0 {
		return append(page, frame.Section("", frame.Wrapped(p.d.Text("home.all-well"))), p.further())
	}
	grid := frame.Grid()
	for _, a := range list {
		grid.Add(p.tile(a))
	}
	return append(page, grid, p.further())
}

// further are the ways to look closer: at how safe everything is, and at what happened.
func (p *Health) further() fyne.CanvasObject {
	return frame.Buttons(
		frame.Button(p.d.Text("app.page.labels"), theme.ConfirmIcon(), func() { p.d.Go(model.Route{Place: model.AtLabels}) }),
		frame.Button(p.d.Text("app.page.security"), theme.WarningIcon(), func() { p.d.Go(model.Route{Place: model.AtSecurity}) }))
}

func (p *Health) tile(a model.Ailment) fyne.CanvasObject {
	title := frame.Wrapped(a.Title)
	title.TextStyle.Bold = true
	title.Importance = widget.WarningImportance
	if a.Alarm {
		title.Importance = widget.DangerImportance
	}
	lines := frame.Tight(title)
	if a.Do != "" {
		lines.Add(frame.Wrapped(a.Do))
	}
	if a.Since != "" {
		lines.Add(frame.Caption(a.Since))
	}
	body := []fyne.CanvasObject{lines}
	switch {
	case a.Secure != "":
		body = append(body, frame.Button(p.d.Text("app.health.secure"), theme.ConfirmIcon(), func() { p.secure(a) }))
	case a.Way != nil && a.Way.Place == model.AtSettings:
		body = append(body, frame.Button(p.d.Text("app.page.settings"), theme.SettingsIcon(), func() { p.d.Go(*a.Way) }))
	case a.Way != nil:
		body = append(body, frame.Button(p.d.Text("app.health.look"), theme.NavigateNextIcon(), func() { p.d.Go(*a.Way) }))
	}
	return parts.NewTile("", body...)
}

func (p *Health) secure(a model.Ailment) {
	p.d.Ask(frame.Question{Title: p.d.Text("app.health.secure"), Text: p.d.Text("app.health.secure.text"), Yes: p.d.Text("app.health.secure"),
		Do: func(ctx context.Context, _ []frame.Answer) (string, error) { return "", p.d.Hub.Secure(ctx, a.Secure) }})
}

// More is the way to what has no place in the bar of a narrow window.
type More struct {
	*frame.Living[bool]
	d *frame.Desk
}

// NewMore makes it.
func NewMore(d *frame.Desk) *More {
	p := &More{d: d}
	p.Living = frame.NewLiving(d, p.build)
	return p
}

// Show brings it up to date.
func (p *More) Show(frame.State) { p.Update(true) }

func (p *More) build(bool) []fyne.CanvasObject {
	list := container.NewVBox()
	for _, place := range []struct {
		at   model.Place
		icon fyne.Resource
	}{{model.AtPeople, theme.AccountIcon()}, {model.AtHealth, theme.WarningIcon()}, {model.AtLabels, theme.ConfirmIcon()}, {model.AtUpdates, theme.DownloadIcon()},
		{model.AtSettings, theme.SettingsIcon()}, {model.AtPairing, theme.HomeIcon()}} {
		b := frame.Button(p.d.Text(place.at.Key()), place.icon, func() { p.d.Go(model.Route{Place: place.at}) })
		b.Alignment = widget.ButtonAlignLeading
		list.Add(b)
	}
	return []fyne.CanvasObject{frame.Head(p.d.Text("app.page.more")), frame.Section("", list)}
}
