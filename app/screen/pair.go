package screen

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/ingle-home/ingle/app/model"
	"github.com/ingle-home/ingle/app/screen/frame"
	parts "github.com/ingle-home/ingle/app/widget"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/i18n"
)

const qrSide = 240

// strange is the screen of an app whose hub does not answer, or answers that it does not know it: the app
// looks again by itself, wherever the hub may be now, or leaves it for another.
func (s *Screen) strange() fyne.CanvasObject {
	again := frame.Button(s.text("gate.lost.button"), nil, s.o.Hub.Check)
	again.Importance = widget.HighImportance
	text := s.text("gate.away.text")
	if s.state.Why != nil {
		text = model.Problem(s.state.Why, s.o.Texts)
	}
	leave := frame.Button(s.text("app.settings.leave"), nil, s.forget)
	leave.Importance = widget.LowImportance
	return card(s.text("gate.lost.title"), text, again, leave)
}

// forget has the app forget its hub, once a person has confirmed it.
func (s *Screen) forget() { s.desk.Leave(s.o.Hub.Unpair) }

// pairPage shows the code of each HomeKit server, to scan and to type.
func (s *Screen) pairPage(servers []wire.HomeKit) fyne.CanvasObject {
	title := frame.Wrapped(s.text("pair.title"))
	title.SizeName = theme.SizeNameHeadingText
	title.TextStyle = fyne.TextStyle{Bold: true}
	back := frame.Button(s.text("pair.back"), theme.NavigateBackIcon(), s.Back)
	text := "pair.text"
	if len(servers) == 0 {
		text = "pair.none"
	}
	grid := frame.Grid()
	for _, k := range servers {
		if k.Kind == "private" && k.ArmedUntil == nil {
			continue // it cannot be paired now, and whoever looks over a shoulder need not know of it
		}
		grid.Add(s.pairTile(k))
	}
	body := container.NewVBox(container.NewHBox(back), title, frame.Wrapped(s.text(text)), grid)
	return container.NewVScroll(container.New(layout.NewCustomPaddedLayout(12, 20, frame.Gap, frame.Gap), body))
}

func (s *Screen) pairTile(k wire.HomeKit) fyne.CanvasObject {
	words := widget.NewLabelWithStyle(s.o.Texts.Text("pair.code", i18n.Args{"code": k.SetupCode}), fyne.TextAlignCenter, fyne.TextStyle{Bold: true})
	words.SizeName = theme.SizeNameSubHeadingText
	words.Selectable = true
	body := []fyne.CanvasObject{words}
	if picture, err := parts.NewQR(k.SetupURI, qrSide); err == nil && k.SetupURI != "" {
		body = append([]fyne.CanvasObject{container.NewCenter(picture)}, body...)
	}
	tile := parts.NewTile(k.Name, body...)
	if k.Paired {
		tile.SetNote(s.text("pair.paired"))
	}
	return tile
}
