package app

import (
	"context"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/app/gallery"
	"github.com/ingle-home/ingle/app/link"
	"github.com/ingle-home/ingle/app/model"
	"github.com/ingle-home/ingle/app/screen"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/i18n"
)

// news is what the app does beside its window: the tray with what must be quick, and the system's
// notices. Both work only while the app runs; Apple Home carries notices to a phone in a pocket.
type news struct {
	app     fyne.App
	window  fyne.Window
	hub     screen.Hub
	texts   *i18n.Texts
	work    func(func(context.Context))
	seen    wire.Snapshot
	crier   model.Crier
	menu    *fyne.Menu
	privacy *fyne.MenuItem
}

// tray puts the app into the system's tray, where there is one.
func (n *news) tray() {
	desk, ok := n.app.(desktop.App)
	if !ok {
		return
	}
	text := func(key string) string { return n.texts.Text(key, nil) }
	n.privacy = fyne.NewMenuItem(text("app.tray.privacy"), func() { n.turn(trait.Privacy, !n.privacy.Checked) })
	stop := fyne.NewMenuItem(text("app.tray.stop"), func() { n.turn(trait.StopAll, true) })
	open := fyne.NewMenuItem(text("app.tray.open"), func() {
		n.window.Show()
		n.window.RequestFocus()
	})
	n.menu = fyne.NewMenu(text("home.title"), open, fyne.NewMenuItemSeparator(), n.privacy, stop)
	desk.SetSystemTrayMenu(n.menu)
	desk.SetSystemTrayIcon(theme.HomeIcon())
	n.check()
}

// speak has the tray in another language.
func (n *news) speak(texts *i18n.Texts) {
	n.texts = texts
	if n.menu != nil {
		n.tray()
	}
}

// turn sets one of the hub's switches.
func (n *news) turn(t trait.Trait[bool], on bool) {
	for _, w := range model.Of(n.seen, n.texts, time.Local).Switches {
		if w.Trait != t.ID() {
			continue
		}
		order := model.Turn(w, on)
		n.work(func(ctx context.Context) {
			if err := n.hub.Do(ctx, order.Accessory, order.Do); err != nil && ctx.Err() == nil {
				fyne.Do(func() { n.app.SendNotification(fyne.NewNotification(w.Name, model.Problem(err, n.texts))) })
			}
		})
	}
}

// take tells what came with a new state.
func (n *news) take(s link.State) {
	if s.Phase != link.Open || s.Lost {
		n.crier.Lose()
		return
	}
	for _, one := range n.crier.Take(s.Home, n.texts, time.Local) {
		n.app.SendNotification(fyne.NewNotification(one.Title, one.Text))
	}
	n.seen = s.Home
	n.check()
}

// check marks Privacy in the tray while it is on.
func (n *news) check() {
	if n.menu == nil {
		return
	}
	for _, w := range model.Of(n.seen, n.texts, time.Local).Switches {
		if w.Trait == trait.Privacy.ID() && w.On != n.privacy.Checked {
			n.privacy.Checked = w.On
			n.menu.Refresh()
		}
	}
}

// tour opens a second window from which every screen of the made home can be called up.
func tour(a fyne.App, s *screen.Screen, l home) {
	made, ok := l.(*gallery.House)
	if !ok {
		return
	}
	scenes := gallery.Scenes()
	list := widget.NewList(func() int { return len(scenes) }, func() fyne.CanvasObject { return widget.NewLabel("") },
		func(i int, o fyne.CanvasObject) {
			if line, ok := o.(*widget.Label); ok {
				line.SetText(scenes[i].Name)
			}
		})
	list.OnSelected = func(i int) { scenes[i].Show(made, s) }
	w := a.NewWindow("Ingle")
	w.SetContent(container.NewStack(list))
	w.Resize(fyne.NewSize(220, 740))
	w.Show()
}
