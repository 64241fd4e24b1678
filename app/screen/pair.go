package screen

import (
	"context"

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

// strange is the screen of an app that has no hub: it looks again, or takes the address and the code of
// one elsewhere.
func (s *Screen) strange() fyne.CanvasObject {
	again := widget.NewButton(s.text("gate.lost.button"), s.o.Hub.Check)
	text := s.text("gate.lost.text")
	if s.state.Why != nil {
		text = model.Problem(s.state.Why, s.o.Texts)
	}
	address, code := widget.NewEntry(), widget.NewEntry()
	address.SetPlaceHolder(s.text("gate.pair.address"))
	code.SetPlaceHolder(s.text("gate.pair.code"))
	problem := frame.Wrapped("")
	problem.Importance = widget.DangerImportance
	problem.Hide()
	button := widget.NewButton(s.text("gate.pair.button"), nil)
	submit := func() {
		if button.Disabled() {
			return
		}
		button.Disable()
		at, typed := address.Text, code.Text
		s.o.Work(func(ctx context.Context) {
			err := s.o.Hub.Pair(ctx, at, typed)
			fyne.Do(func() {
				button.Enable()
				if err != nil {
					frame.Set(problem, model.Problem(err, s.o.Texts))
				}
				frame.Visible(problem, err != nil)
			})
		})
	}
	button.OnTapped = submit
	code.OnSubmitted = func(string) { submit() }
	return card(s.text("gate.lost.title"), text, again, frame.Wrapped(s.text("gate.pair.text")), address, code, problem, button)
}

// pairPage shows the code of each HomeKit server, to scan and to type.
func (s *Screen) pairPage(servers []wire.HomeKit) fyne.CanvasObject {
	title := frame.Wrapped(s.text("pair.title"))
	title.SizeName = theme.SizeNameHeadingText
	title.TextStyle = fyne.TextStyle{Bold: true}
	back := widget.NewButtonWithIcon(s.text("pair.back"), theme.NavigateBackIcon(), s.Back)
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
