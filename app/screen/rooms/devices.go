package rooms

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/ingle-home/ingle/app/model"
	"github.com/ingle-home/ingle/app/screen/frame"
	"github.com/ingle-home/ingle/app/screen/nearby"
	parts "github.com/ingle-home/ingle/app/widget"
)

// Devices lists the things of the home by room.
type Devices struct {
	*frame.Living[devicesView]
	d      *frame.Desk
	nearby *nearby.List // nil until somebody looks
}

type devicesView struct {
	Rooms  []model.Room
	Owner  bool // may add things
	Looked bool // somebody looked for more
}

// NewDevices makes it.
func NewDevices(d *frame.Desk) *Devices {
	p := &Devices{d: d}
	p.Living = frame.NewLiving(d, p.build)
	return p
}

// Show brings it up to date.
func (p *Devices) Show(s frame.State) {
	p.Update(devicesView{model.DevicesOf(s.Home, p.d.Texts, p.d.Place), s.Home.Status.Protection != "", p.nearby != nil}) // nobody else is told of it
}

func (p *Devices) build(v devicesView) []fyne.CanvasObject {
	page := []fyne.CanvasObject{frame.Head(p.d.Text("app.page.devices"))}
	if len(v.Rooms) == 0 {
		page = append(page, frame.Wrapped(p.d.Text("home.empty")))
	}
	for _, room := range v.Rooms {
		name := frame.Wrapped(room.Name)
		name.TextStyle.Bold = true
		grid := frame.Grid()
		for _, line := range room.Lines {
			grid.Add(p.line(line))
		}
		page = append(page, name, grid)
	}
	if v.Owner {
		page = append(page, p.more())
	}
	return page
}

// more finds what could be added.
func (p *Devices) more() fyne.CanvasObject {
	look := container.NewHBox(frame.Button(p.d.Text("app.devices.look"), theme.SearchIcon(), func() {
		if p.nearby == nil {
			p.nearby = nearby.New(p.d, p.d.Hub, p.Settle)
			p.d.Again()
		}
		p.nearby.Look()
	}))
	if p.nearby == nil {
		return look
	}
	return container.NewVBox(p.nearby.Content(), look)
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
