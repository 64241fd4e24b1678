package care

import (
	"context"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"

	"github.com/ingle-home/ingle/app/screen/frame"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/i18n"
)

// browser is the plain page, which is off until somebody wants it, with what to compare when a browser opens it.
func (p *Settings) browser(page wire.Page) []fyne.CanvasObject {
	if !page.On {
		return []fyne.CanvasObject{frame.Wrapped(p.d.Text("app.settings.page.is-off")),
			frame.Button(p.d.Text("app.settings.page.switch-on"), theme.ComputerIcon(), func() { p.switchPage(true) })}
	}
	address := frame.Wrapped(page.Address)
	address.Selectable = true
	return []fyne.CanvasObject{address,
		frame.Wrapped(p.d.Texts.Text("page.show.words", i18n.Args{"words": page.Words})),
		frame.Low(p.d.Text("page.show.fingerprint") + " " + page.Fingerprint),
		frame.Low(p.d.Text("page.show.warn")),
		frame.Button(p.d.Text("app.settings.page.switch-off"), theme.CancelIcon(), func() { p.switchPage(false) })}
}

func (p *Settings) switchPage(on bool) {
	title := p.d.Text("app.settings.page.switch-off")
	if on {
		title = p.d.Text("app.settings.page.switch-on")
	}
	p.d.Ask(frame.Question{Title: title, Text: p.d.Text("app.settings.page.text"), Yes: title,
		Do: func(ctx context.Context, _ []frame.Answer) (string, error) {
			_, err := p.d.Hub.SetPage(ctx, on)
			return "", err
		},
		Then: func(string) { p.load() }})
}
