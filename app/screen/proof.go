package screen

import (
	"fyne.io/fyne/v2/container"

	"github.com/ingle-home/ingle/app/model"
	"github.com/ingle-home/ingle/app/model/keeping"
	"github.com/ingle-home/ingle/app/screen/frame"
	"github.com/ingle-home/ingle/app/screen/privacy"
	"github.com/ingle-home/ingle/hub/api/wire"
)

// hold keeps what is on view, or shows again what is.
func (s *Screen) hold(yes bool) {
	s.held = yes
	if !yes {
		s.Show(s.state)
	}
}

// proof shows the receipt of what was just forgotten, in the place of the plan. After everything it stands
// where the home was, until somebody is through with it.
func (s *Screen) proof(r wire.PrivacyReceipt) {
	if r.Scope != keeping.Everything {
		s.show(model.Route{Place: model.AtReceipt, ID: r.ID})
		return
	}
	s.leave()
	s.look(nil, false)
	s.begin()
	s.past = model.NewPast()
	toasts := frame.NewToasts(s.desk)
	last := privacy.NewLast(s.desk, r, func() {
		s.shown = false
		s.hold(false)
	})
	s.put(container.NewStack(last.Content(), toasts.Content()))
}

// Drop forgets what the app still has of the home beside its state now: pictures, the past, the pages that
// keep some. The page on view is made anew.
func (s *Screen) Drop() {
	s.past = model.NewPast()
	if s.shell == nil || s.held {
		return
	}
	clear(s.shell.pages)
	s.past.Take(s.state.Home)
	switch s.shell.route.Place {
	case model.AtForget, model.AtReceipt: // they have nothing of it, and somebody may be in the midst of it
	default:
		s.show(s.shell.route)
	}
}
