package screen

import (
	"reflect"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/widget"

	"github.com/ingle-home/ingle/app/model"
	"github.com/ingle-home/ingle/app/screen/frame"
	parts "github.com/ingle-home/ingle/app/widget"
	"github.com/ingle-home/ingle/hub/api/wire"
)

// Keys gives the window its shortcuts, once it has the screens: Ctrl+1 to Ctrl+7 go to the pages, Ctrl+K searches, Esc cancels
// or goes back, Delete takes away what the page is about.
func (s *Screen) Keys() {
	c := s.canvas()
	if c == nil || c == s.keyed {
		return
	}
	s.keyed = c
	for i, p := range model.Pages() {
		key := fyne.KeyName(rune('1' + i))
		c.AddShortcut(&desktop.CustomShortcut{KeyName: key, Modifier: fyne.KeyModifierShortcutDefault}, func(fyne.Shortcut) { s.Go(model.Route{Place: p}) })
	}
	c.AddShortcut(&desktop.CustomShortcut{KeyName: fyne.KeyK, Modifier: fyne.KeyModifierShortcutDefault}, func(fyne.Shortcut) { s.search() })
	c.SetOnTypedKey(func(k *fyne.KeyEvent) {
		switch {
		case k.Name == fyne.KeyEscape && !s.desk.Escape() && s.shell != nil:
			s.Back()
		case k.Name == fyne.KeyDelete && s.shell != nil:
			if page, ok := s.shell.page.(frame.Remover); ok {
				page.Remove()
			}
		}
	})
}

// search offers what fits to what is typed: the arrow keys choose, Enter goes there.
func (s *Screen) search() {
	if s.shell == nil || s.desk.Escape() {
		return
	}
	var hits []model.Hit
	var entry *parts.Entry
	var closed func()
	at, list := 0, container.NewVBox()
	visit := func(h model.Hit) {
		closed()
		s.Go(h.Route)
	}
	show := func() {
		list.RemoveAll()
		for i, h := range hits {
			title := h.Title
			if h.Detail != "" {
				title += " · " + h.Detail
			}
			b := parts.NewButton(title, picture(h.Route.Place.Under(model.Pages())), func() { visit(h) }, func() { closed() })
			b.Alignment, b.Importance = widget.ButtonAlignLeading, widget.LowImportance
			if i == at {
				b.Importance = widget.MediumImportance
			}
			list.Add(b)
		}
		if len(hits) == 0 {
			list.Add(frame.Low(s.text("app.search.none")))
		}
	}
	look := func(text string) {
		hits, at = model.Search(s.without(), s.o.Texts, text), 0
		show()
	}
	entry = parts.NewEntry(s.text("app.search.hint"), false, parts.Keys{
		Cancel: func() { closed() },
		Confirm: func() {
			if at < len(hits) {
				visit(hits[at])
			}
		},
		Move: func(step int) {
			at = max(0, min(len(hits)-1, at+step))
			show()
		}})
	entry.OnChanged = look
	look("")
	scroll := container.NewVScroll(list)
	scroll.SetMinSize(fyne.NewSize(200, 320))
	closed = s.desk.Modal(container.NewVBox(entry, scroll), entry, nil)
}

// pairing is the page with the codes for Apple Home.
type pairing struct {
	s      *Screen
	holder *fyne.Container
	shown  []wire.HomeKit
}

// Content is the page.
func (p *pairing) Content() fyne.CanvasObject { return p.holder }

// Show brings it up to date.
func (p *pairing) Show(s frame.State) {
	if len(p.holder.Objects) > 0 && reflect.DeepEqual(p.shown, s.Home.Status.HomeKit) {
		return
	}
	p.shown = s.Home.Status.HomeKit
	p.holder.Objects = []fyne.CanvasObject{p.s.pairPage(s.Home.Status.HomeKit)}
	p.holder.Refresh()
}
