package onboard

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/ingle-home/ingle/app/screen/frame"
	"github.com/ingle-home/ingle/app/screen/nearby"
	parts "github.com/ingle-home/ingle/app/widget"
	"github.com/ingle-home/ingle/hub/api/wire"
)

const qrSide = 200

// adding is the third step: Apple Home, and what is on the network.
type adding struct {
	g      *Guide
	done   *parts.Button
	copied *widget.Label
}

func newHome(g *Guide, servers []wire.HomeKit) *adding {
	g.step, g.keep = atHome, nil
	a := &adding{g: g, copied: frame.Caption("")}
	a.copied.Hide()
	things := nearby.New(g.Desk, g.Hub, g.settle)
	a.done = next(g.text("onboard.done"), func() {
		g.held = false
		g.Close()
		g.Done()
	})
	var body []fyne.CanvasObject
	for _, k := range servers {
		if k.Kind == "bridge" && k.SetupURI != "" { // one code adds all; what stands alone has its own in the settings
			body = append(body, a.code(k))
			break
		}
	}
	body = append(body, a.copied, widget.NewSeparator(), things.Content(), a.done)
	g.put(3, "onboard.home", a.done, body...)
	things.Look()
	return a
}

// code is what Apple Home scans or is typed into it.
func (a *adding) code(k wire.HomeKit) fyne.CanvasObject {
	words := widget.NewLabelWithStyle(k.SetupCode, fyne.TextAlignCenter, fyne.TextStyle{Bold: true, Monospace: true})
	words.SizeName, words.Selectable = theme.SizeNameSubHeadingText, true
	take := frame.Button(a.g.text("onboard.copy"), theme.ContentCopyIcon(), func() {
		fyne.CurrentApp().Clipboard().SetContent(k.SetupCode)
		frame.Set(a.copied, a.g.text("onboard.copied"))
		a.g.settle()
	})
	side := container.NewVBox(words, container.NewCenter(take))
	if picture, err := parts.NewQR(k.SetupURI, qrSide); err == nil {
		side = container.NewVBox(container.NewCenter(picture), words, container.NewCenter(take))
	}
	return side
}
