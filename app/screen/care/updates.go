package care

import (
	"context"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/widget"

	"github.com/ingle-home/ingle/app/model"
	"github.com/ingle-home/ingle/app/screen/frame"
	"github.com/ingle-home/ingle/i18n"
)

// Updates shows the hub's version and, where the hub knows, the newest one and who signed it.
type Updates struct {
	*frame.Living[model.Release]
	d     *frame.Desk
	known model.Release
}

// NewUpdates makes it.
func NewUpdates(d *frame.Desk) *Updates {
	p := &Updates{d: d}
	p.Living = frame.NewLiving(d, p.build)
	if asked, ok := d.Hub.(frame.Updater); ok {
		var known model.Release
		d.Load(func(ctx context.Context) (err error) {
			known, err = asked.Release(ctx)
			return err
		}, func() {
			p.known = known
			p.d.Again()
		})
	}
	return p
}

// Show brings it up to date.
func (p *Updates) Show(s frame.State) {
	v := p.known
	v.Now, v.Until = s.Home.Status.Version, s.Home.Status.Updates
	p.Update(v)
}

func (p *Updates) build(v model.Release) []fyne.CanvasObject {
	hub := []fyne.CanvasObject{frame.Pair(p.d.Text("app.updates.now"), v.Now)}
	if v.Until != "" {
		hub = append(hub, frame.Pair(p.d.Text("app.updates.until"), v.Until))
	}
	if v.Signed == "" {
		hub = append(hub, frame.Low(p.d.Text("app.updates.unknown")))
		return []fyne.CanvasObject{frame.Head(p.d.Text("app.page.updates")), frame.Grid(frame.Section(p.d.Text("app.updates.hub"), hub...))}
	}
	signed := frame.Wrapped(p.d.Text("app.updates." + v.Signed))
	switch v.Signed {
	case "signed":
		signed.Importance = widget.SuccessImportance
	default:
		signed.Importance = widget.DangerImportance
	}
	hub = append(hub, frame.Pair(p.d.Text("app.updates.newest"), v.Newest), signed,
		frame.Caption(p.d.Texts.Text("app.updates.looked", i18n.Args{"time": model.When(v.Looked, p.d.Place, p.d.Texts)})))
	if v.Newest == v.Now {
		hub = append(hub, frame.Wrapped(p.d.Text("app.updates.latest")))
	}
	tiles := []fyne.CanvasObject{frame.Section(p.d.Text("app.updates.hub"), hub...)}
	if len(v.Notes) > 0 {
		var notes []fyne.CanvasObject
		if v.Security {
			why := frame.Wrapped(p.d.Text("app.updates.security"))
			why.Importance = widget.WarningImportance
			notes = append(notes, why)
		}
		for _, n := range v.Notes {
			notes = append(notes, frame.Wrapped("• "+n))
		}
		tiles = append(tiles, frame.Section(p.d.Text("app.updates.notes"), notes...))
	}
	return []fyne.CanvasObject{frame.Head(p.d.Text("app.page.updates")), frame.Grid(tiles...)}
}
