package witness

import (
	"context"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/ingle-home/ingle/app/model"
	"github.com/ingle-home/ingle/app/model/safety"
	"github.com/ingle-home/ingle/app/screen/frame"
	"github.com/ingle-home/ingle/hub/api/wire"
)

// Security shows what happened to the hub's security, and above it what people should see to.
type Security struct {
	*frame.Living[securityView]
	d     *frame.Desk
	log   *wire.Security
	check *wire.ChainCheck
	shut  bool
	asked bool
}

type securityView struct {
	Alerts      []safety.Alert
	Events      []safety.Event
	Check       *safety.Whole
	Known, Shut bool
}

// NewSecurity makes it.
func NewSecurity(d *frame.Desk) *Security {
	p := &Security{d: d}
	p.Living = frame.NewLiving(d, p.build)
	return p
}

// Show brings it up to date.
func (p *Security) Show(frame.State) {
	if !p.asked {
		p.load()
	}
	v := securityView{Known: p.log != nil, Shut: p.shut}
	if v.Known {
		v.Alerts, v.Events = safety.AlertsOf(p.log.Alerts, p.d.Texts, p.d.Place), safety.EventsOf(p.log.Events[:min(most, len(p.log.Events))], p.d.Texts, p.d.Place)
	}
	if p.check != nil {
		w := safety.WholeOf(*p.check, p.d.Texts)
		v.Check = &w
	}
	p.Update(v)
}

func (p *Security) load() {
	p.asked = true
	var got wire.Security
	p.d.LoadOr(func(ctx context.Context) (err error) {
		got, err = p.d.Hub.Security(ctx)
		return err
	}, func() {
		p.log = &got
		p.Show(frame.State{})
	}, func() {
		p.shut = true
		p.Show(frame.State{})
	})
}

func (p *Security) build(v securityView) []fyne.CanvasObject {
	page := []fyne.CanvasObject{p.d.BackHead(p.d.Text("app.page.security"))}
	switch {
	case v.Shut:
		return append(page, frame.Section("", frame.Wrapped(p.d.Text(wire.CodeForbidden))))
	case !v.Known:
		return page
	}
	page = append(page, frame.Low(p.d.Text("app.security.text")))
	grid := frame.Grid()
	for _, a := range v.Alerts {
		grid.Add(p.alert(a))
	}
	grid.Add(frame.Section(p.d.Text("app.security.events"), p.events(v.Events)...))
	return append(page, grid, checked(p.d, v.Check, p.verify))
}

func (p *Security) alert(a safety.Alert) fyne.CanvasObject {
	title := frame.Wrapped(a.Title)
	title.TextStyle.Bold = true
	var sign fyne.Resource = theme.NewWarningThemedResource(theme.WarningIcon())
	switch {
	case a.Seen != "":
		sign = theme.NewThemedResource(theme.ConfirmIcon())
	case a.Alarm:
		title.Importance, sign = widget.DangerImportance, theme.NewErrorThemedResource(theme.WarningIcon())
	default:
		title.Importance = widget.WarningImportance
	}
	box := frame.Tight(title)
	if a.Name != "" {
		box.Add(frame.Wrapped(a.Name))
	}
	box.Add(frame.Caption(a.When))
	if a.Seen != "" {
		box.Add(frame.Caption(a.Seen))
		return frame.Section("", frame.Signed(sign, box))
	}
	box.Add(frame.Wrapped(p.d.Text("app.security.step")))
	seen := frame.Button(p.d.Text("app.security.seen"), theme.ConfirmIcon(), func() { p.seen(a.ID) })
	settings := frame.Button(p.d.Text("app.page.settings"), theme.SettingsIcon(), func() { p.d.Go(model.Route{Place: model.AtSettings}) })
	return frame.Section("", frame.Signed(sign, box), container.NewVBox(seen, settings))
}

func (p *Security) seen(id string) {
	p.d.Try(func(ctx context.Context) error { return p.d.Hub.AcknowledgeAlert(ctx, id) }, p.load)
}

func (p *Security) events(list []safety.Event) []fyne.CanvasObject {
	if len(list) == 0 {
		return []fyne.CanvasObject{frame.Wrapped(p.d.Text("app.security.empty"))}
	}
	var all []fyne.CanvasObject
	for _, e := range list {
		title := frame.Wrapped(e.Title)
		sign := theme.InfoIcon()
		if e.Grave {
			title.TextStyle.Bold, sign = true, theme.NewWarningThemedResource(theme.WarningIcon())
		}
		box := frame.Tight(title, frame.Caption(e.When))
		if e.From != "" {
			box.Add(frame.Caption(e.From))
		}
		all = append(all, frame.Signed(sign, box))
	}
	return all
}

func (p *Security) verify() {
	var got wire.ChainCheck
	p.d.Try(func(ctx context.Context) (err error) {
		got, err = p.d.Hub.VerifySecurity(ctx)
		return err
	}, func() {
		p.check = &got
		p.Show(frame.State{})
	})
}
