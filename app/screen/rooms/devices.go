package rooms

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/ingle-home/ingle/app/model"
	"github.com/ingle-home/ingle/app/screen/frame"
	parts "github.com/ingle-home/ingle/app/widget"
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
	for _, room := range rooms {
		name := frame.Wrapped(room.Name)
		name.TextStyle.Bold = true
		grid := frame.Grid()
		for _, line := range room.Lines {
			grid.Add(p.line(line))
		}
		page = append(page, name, grid)
	}
	return page
}

func (p *Devices) line(l model.Line) fyne.CanvasObject {
	name, detail := widget.NewLabel(l.Name), frame.Caption(l.Detail)
	name.Truncation = fyne.TextTruncateEllipsis
	if !l.Well {
		detail.Importance = widget.WarningImportance
	}
	line := container.NewBorder(nil, nil, widget.NewIcon(icon(l.Kind)), widget.NewIcon(theme.NavigateNextIcon()), frame.Tight(name, detail))
	card := parts.NewCard("", func() { p.d.Go(model.Route{Place: model.AtDevice, ID: l.ID}) }, line)
	card.SetTitle(l.Name + ", " + l.Detail)
	return card
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
