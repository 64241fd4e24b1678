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
	parts "github.com/ingle-home/ingle/app/widget"
	"github.com/ingle-home/ingle/hub/api/wire"
)

// gate is what stands before the home: no hub, a locked one, or one without an owner.
func (s *Screen) gate(p link.Phase) fyne.CanvasObject {
	switch p {
	case link.NoHub:
		return s.strange()
	case link.Locked:
		return s.ask("gate.unlock", "", func(ctx context.Context, password string) (func(), error) {
			return s.o.Hub.Check, s.o.Hub.Unlock(ctx, password)
		})
	case link.Unclaimed:
		return s.ask("gate.claim", s.text("gate.claim.hint"), func(ctx context.Context, password string) (func(), error) {
			answer, err := s.o.Hub.Setup(ctx, password)
			return func() { s.recovery(answer) }, err
		})
	}
	return card(s.text("gate.search.title"), s.text("gate.search.text"))
}

// ask is a screen with a password. try runs elsewhere; what it gives is run here when it went well.
func (s *Screen) ask(key, hint string, try func(ctx context.Context, password string) (func(), error)) fyne.CanvasObject {
	entry := widget.NewPasswordEntry()
	entry.SetPlaceHolder(s.text("gate.password"))
	problem := frame.Wrapped(hint)
	problem.Importance = widget.LowImportance
	frame.Visible(problem, hint != "")
	button := widget.NewButton(s.text(key+".button"), nil)
	button.Importance = widget.HighImportance
	submit := func() {
		if button.Disabled() {
			return
		}
		button.Disable()
		button.SetText(s.text("gate.working"))
		password := entry.Text
		s.o.Work(func(ctx context.Context) {
			well, err := try(ctx, password)
			fyne.Do(func() {
				button.SetText(s.text(key + ".button"))
				button.Enable()
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

// recovery shows the code that opens the home when the password is lost, until it is written down, and
// what the key protects with which the hub starts.
func (s *Screen) recovery(answer wire.SetupAnswer) {
	s.written = true
	words := frame.Wrapped(answer.RecoveryCode)
	words.SizeName = theme.SizeNameSubHeadingText
	words.TextStyle = fyne.TextStyle{Bold: true, Monospace: true}
	words.Selectable = true
	done := widget.NewButton(s.text("gate.recovery.button"), func() {
		s.written, s.shown = false, false
		if s.state.Phase == link.Unclaimed { // not looked at since: it is about to open
			s.state = link.State{}
		}
		s.Show(s.state)
		s.o.Work(func(ctx context.Context) {
			_ = s.o.Hub.ConfirmRecovery(ctx, answer.RecoveryCode) // or else the hub goes on saying that nobody has it
			s.o.Hub.Check()
		})
	})
	done.Importance = widget.HighImportance
	level := frame.Wrapped(s.text("protection." + string(answer.Protection)))
	level.Importance = widget.LowImportance
	s.put(card(s.text("gate.recovery.title"), s.text("gate.recovery.text"), words, level, done))
}

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
