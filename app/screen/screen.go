// Package screen holds the app's screens. A screen shows what the model says and passes on what a
// person does; nothing here waits for the network on the window's goroutine. All of it runs and is
// tested without a display.
package screen

import (
	"context"
	"slices"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"

	"github.com/ingle-home/ingle/app/link"
	"github.com/ingle-home/ingle/app/model"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/i18n"
)

// Hub is what the screens ask of the hub.
type Hub interface {
	Setup(ctx context.Context, password string) (wire.SetupAnswer, error)
	Unlock(ctx context.Context, password string) error
	ConfirmRecovery(ctx context.Context, code string) error
	Do(ctx context.Context, id string, d wire.Do) error
	// Pair proves the code that a hub elsewhere shows.
	Pair(ctx context.Context, address, code string) error
	Check() // look at the hub again now
}

// Options are what the screens need. Work runs a function elsewhere and waits for it before the app
// ends; OnView is told which cameras are on view.
type Options struct {
	Hub    Hub
	Texts  *i18n.Texts
	Place  *time.Location
	Work   func(func(ctx context.Context))
	OnView func(cameras []string)
}

// Screen is everything in the window. Its methods are for the window's goroutine only.
type Screen struct {
	o       Options
	root    *fyne.Container
	phase   link.Phase
	shown   bool
	state   link.State
	home    *home
	pairing bool
	resting bool
	written bool // the recovery code is still on the screen
	onView  []string
	entry   *widget.Entry // the password field, when there is one
}

// New makes the screens; the first one says that the hub is being looked for.
func New(o Options) *Screen {
	s := &Screen{o: o, root: container.NewStack()}
	s.Show(link.State{})
	return s
}

// Content is what the window shows.
func (s *Screen) Content() fyne.CanvasObject { return s.root }

// Show brings the screens up to date.
func (s *Screen) Show(state link.State) {
	s.state = state
	if s.written { // it is shown only once, so nothing takes it away but its button
		return
	}
	if state.Phase == link.Open {
		s.showHome()
		return
	}
	if !s.shown || s.phase != state.Phase {
		s.home, s.pairing, s.entry = nil, false, nil
		s.put(s.gate(state.Phase))
		s.focus()
		s.look(nil)
	}
	s.phase, s.shown = state.Phase, true
}

func (s *Screen) showHome() {
	view := model.Of(s.state.Home, s.o.Texts, s.o.Place)
	first := s.home == nil
	if first {
		s.home = s.newHome()
	}
	s.home.show(view, s.state.Lost)
	if s.pairing {
		return
	}
	if first || s.phase != link.Open {
		s.put(s.home.page)
	}
	s.phase, s.shown = link.Open, true
	s.lookAtHome(view)
}

// lookAtHome tells which cameras have a tile to fill.
func (s *Screen) lookAtHome(view model.Home) {
	var ids []string
	for _, c := range view.Cameras {
		if !c.Private { // the hub may have a last picture of one that is away
			ids = append(ids, c.ID)
		}
	}
	s.look(ids)
}

// Rest says that nobody can see the window, so that no camera is asked for pictures.
func (s *Screen) Rest(yes bool) {
	s.resting = yes
	switch {
	case yes:
		s.look(nil)
	case s.home != nil && !s.pairing:
		s.lookAtHome(model.Of(s.state.Home, s.o.Texts, s.o.Place))
	}
}

func (s *Screen) look(ids []string) {
	if s.resting {
		ids = nil
	}
	if slices.Equal(ids, s.onView) {
		return
	}
	s.onView = ids
	if s.o.OnView != nil {
		s.o.OnView(ids)
	}
}

// Picture shows a camera's newest picture, with its age where it is not live.
func (s *Screen) Picture(id string, p link.Picture) {
	if s.home != nil && slices.Contains(s.onView, id) {
		s.home.picture(id, p)
	}
}

// Filled says whether the home is shown and every camera on view has its picture.
func (s *Screen) Filled() bool {
	if s.home == nil {
		return s.shown && s.phase != link.Searching
	}
	for _, id := range s.onView {
		if t := s.home.cameras[id]; t == nil || t.now.Reachable && t.view.Image() == nil {
			return false
		}
	}
	return true
}

// focus lets a person type the password at once.
func (s *Screen) focus() {
	if s.entry == nil {
		return
	}
	if c := fyne.CurrentApp().Driver().CanvasForObject(s.root); c != nil {
		c.Focus(s.entry)
	}
}

func (s *Screen) put(page fyne.CanvasObject) {
	s.root.Objects = []fyne.CanvasObject{page}
	s.root.Refresh()
}

// pair shows how to add the hub to Apple Home.
func (s *Screen) pair() {
	s.pairing = true
	s.look(nil)
	s.put(s.pairPage(s.state.Home.Status.HomeKit))
}

func (s *Screen) back() {
	s.pairing = false
	s.put(s.home.page)
	s.lookAtHome(model.Of(s.state.Home, s.o.Texts, s.o.Place))
}

// order sends a command; after it failed the home says why.
func (s *Screen) order(o model.Order) {
	s.o.Work(func(ctx context.Context) {
		err := s.o.Hub.Do(ctx, o.Accessory, o.Do)
		fyne.Do(func() {
			if s.home == nil {
				return
			}
			if err != nil {
				s.home.show(model.Of(s.state.Home, s.o.Texts, s.o.Place), s.state.Lost) // the slider goes back
				s.home.complain(model.Problem(err, s.o.Texts))
				return
			}
			s.home.complain("")
		})
	})
}

func (s *Screen) text(key string) string { return s.o.Texts.Text(key, nil) }
