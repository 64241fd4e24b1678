package rooms

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/ingle-home/ingle/app/model"
	"github.com/ingle-home/ingle/app/screen/frame"
)

// Devices lists the things of the home by room.
type Devices struct {
	*frame.Living[[]model.Room]
	d *frame.Desk
}

// NewDevices makes it.
func NewDevices(d *frame.Desk) *Devices {
	p := &Devices{d: d}
	p.Living = frame.NewLiving(d, p.build)
	return p
}

// Show brings it up to date.
func (p *Devices) Show(s frame.State) { p.Update(model.DevicesOf(s.Home, p.d.Texts, p.d.Place)) }

func (p *Devices) build(rooms []model.Room) []fyne.CanvasObject {
	page := []fyne.CanvasObject{frame.Head(p.d.Text("app.page.devices"))}
	if len(rooms) == 0 {
		return append(page, frame.Wrapped(p.d.Text("home.empty")))
	}
	grid := frame.Grid()
	for _, room := range rooms {
		var lines []fyne.CanvasObject
		for _, line := range room.Lines {
			lines = append(lines, p.line(line))
		}
		grid.Add(frame.Section(room.Name, lines...))
	}
	return append(page, grid)
}

func (p *Devices) line(l model.Line) fyne.CanvasObject {
	b := frame.Button(l.Name, icon(l.Kind), func() { p.d.Go(model.Route{Place: model.AtDevice, ID: l.ID}) })
	b.Alignment = widget.ButtonAlignLeading
	detail := frame.Caption(l.Detail)
	if !l.Well {
		detail.Importance = widget.WarningImportance
	}
	return container.NewVBox(b, detail)
}

// icon is the picture of a kind of thing.
func icon(kind string) fyne.Resource {
	switch kind {
	case "camera":
		return theme.MediaVideoIcon()
	case "watch":
		return theme.HistoryIcon()
	case "toy":
		return theme.MediaPlayIcon()
	}
	return theme.ComputerIcon()
}
