package screen

import (
	"context"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/ingle-home/ingle/app/link"
	"github.com/ingle-home/ingle/app/model"
	"github.com/ingle-home/ingle/app/screen/frame"
	"github.com/ingle-home/ingle/app/screen/onboard"
	"github.com/ingle-home/ingle/app/sheet"
	parts "github.com/ingle-home/ingle/app/widget"
	"github.com/ingle-home/ingle/hub/api/wire"
)

// gate is what stands before the home: no hub, a locked one, or one without an owner.
func (s *Screen) gate(p link.Phase) fyne.CanvasObject {
	switch p {
	case link.NoHub:
		return s.strange()
	case link.Locked:
		return s.ask("gate.unlock", s.shut(), func(ctx context.Context, password string) (func(), error) {
			return s.o.Hub.Check, s.o.Hub.Unlock(ctx, password)
		})
	}
	return card(s.text("gate.search.title"), s.text("gate.search.text"))
}

// ask is a screen with a password. try runs elsewhere; what it gives is run here when it went well.
func (s *Screen) ask(key, hint string, try func(ctx context.Context, password string) (func(), error)) fyne.CanvasObject {
	entry := widget.NewPasswordEntry()
	entry.SetPlaceHolder(s.text("gate.password"))
	problem := frame.Wrapped(hint)
	problem.Importance = widget.WarningImportance
	frame.Visible(problem, hint != "")
	button := frame.Button(s.text(key+".button"), nil, nil)
	button.Importance = widget.HighImportance
	submit := func() {
		if button.Works() {
			return
		}
		over := button.Busy(s.text("gate.working"))
		password := entry.Text
		s.o.Work(func(ctx context.Context) {
			well, err := try(ctx, password)
			fyne.Do(func() {
				over()
				if err != nil {
					problem.Importance = widget.DangerImportance
					frame.Set(problem, model.Problem(err, s.o.Texts))
					problem.Refresh()
					return
				}
				entry.SetText("")
				well()
			})
		})
	}
	s.entry = entry
	button.OnTapped = submit
	entry.OnSubmitted = func(string) { submit() }
	return card(s.text(key+".title"), s.text(key+".text"), entry, problem, button)
}

// shut says why a claimed hub could not open its store by itself; empty where it waits for the password.
func (s *Screen) shut() string {
	if s.state.Shut == nil {
		return ""
	}
	return model.Problem(s.state.Shut, s.o.Texts)
}

// guided says whether a household that sets out is shown the way: there is a hub without an owner, none
// that the app knows, or one that does not know the app any more.
func (s *Screen) guided() bool {
	p := s.state.Phase
	return p == link.Unclaimed || p == link.NoHub && (!s.state.Known || wire.Code(s.state.Why) == wire.CodeStranger)
}

// guideTo shows the step that the hub is at.
func (s *Screen) guideTo(state link.State) {
	if s.guide == nil {
		for s.desk.Escape() {
		}
		s.begin()
		s.entry = nil
		s.look(nil, false)
		s.guide = onboard.New(onboard.Options{Hub: s.o.Hub, Desk: s.desk, Print: sheet.Print, Done: s.arrive})
		s.put(s.guide.Content())
	}
	s.guide.Show(state)
	s.phase, s.shown = state.Phase, true
}

// arrive is the end of the way.
func (s *Screen) arrive() {
	s.unguide()
	s.shown = false
	if s.state.Phase == link.Unclaimed { // not looked at since: it is about to open
		s.state = link.State{}
	}
	s.Show(s.state)
	s.o.Hub.Check()
}

func (s *Screen) unguide() {
	if s.guide != nil {
		s.guide.Close()
		s.guide, s.shown = nil, false
	}
}

// Guide is the way of a household that sets out; nil for one that has arrived.
func (s *Screen) Guide() *onboard.Guide { return s.guide }

// card is a narrow tile in the middle of the window.
func card(title, text string, more ...fyne.CanvasObject) fyne.CanvasObject {
	head := frame.Wrapped(title)
	head.SizeName = theme.SizeNameHeadingText
	head.TextStyle = fyne.TextStyle{Bold: true}
	body := frame.Wrapped(text)
	tile := parts.NewTile("", append([]fyne.CanvasObject{head, body}, more...)...)
	column := container.New(&parts.Middle{Width: 440, Margin: 12}, tile)
	return container.NewVScroll(container.NewVBox(layout.NewSpacer(), column, layout.NewSpacer()))
}
