// Package screen holds the window: what stands before the home, and around its pages the rail or the
// bar, the search and the messages. A screen shows what the model says and passes on what a person
// does; nothing here waits for the network on the window's goroutine. All of it runs and is tested
// without a display.
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
	"github.com/ingle-home/ingle/app/screen/frame"
	"github.com/ingle-home/ingle/app/screen/onboard"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/i18n"
)

// Hub is what the screens ask of the hub.
type Hub interface {
	frame.Hub
	onboard.Hub
	Unpair(ctx context.Context) error // leave this hub
}

// Options are what the screens need. Work runs a function elsewhere and waits for it before the app
// ends; OnView is told which cameras are on view, and whether somebody looks closely; OnTaste, what a
// person chose in the settings. Now and After are the time's, unless a test has its own.
type Options struct {
	Hub    Hub
	Texts  *i18n.Texts
	Place  *time.Location
	Work   func(func(ctx context.Context))
	OnView func(cameras []string, live bool)
	Taste  frame.Taste
	Now    func() time.Time
	After  func(d time.Duration, f func()) (stop func())
}

// Screen is everything in the window. Its methods are for the window's goroutine only.
type Screen struct {
	o       Options
	root    *fyne.Container
	phase   link.Phase
	shown   bool
	state   link.State
	past    *model.Past
	onTaste func(frame.Taste)
	desk    *frame.Desk
	shell   *shell // of an open home
	resting bool
	guide   *onboard.Guide // of a household that sets out; nil as a rule
	onView  []string
	live    bool
	keyed   fyne.Canvas   // that has our shortcuts
	entry   *widget.Entry // the password field, when there is one
	why     string        // there is no hub, by its code
	held    bool          // what is on view stays, whatever becomes of the hub
}

// New makes the screens; the first one says that the hub is being looked for.
func New(o Options) *Screen {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.After == nil {
		o.After = func(d time.Duration, f func()) func() {
			t := time.AfterFunc(d, func() { fyne.Do(f) })
			return func() { t.Stop() }
		}
	}
	s := &Screen{o: o, root: container.NewStack(), past: model.NewPast()}
	s.begin()
	s.Show(link.State{})
	return s
}

// begin makes the desk for the pages to come.
func (s *Screen) begin() {
	s.desk = &frame.Desk{Hub: s.o.Hub, Texts: s.o.Texts, Place: s.o.Place, Now: s.o.Now, Work: s.o.Work, After: s.o.After,
		Go: s.Go, Back: s.Back, Again: s.again, Hold: s.hold, Proof: s.proof, Canvas: s.canvas, Taste: s.o.Taste, SetTaste: s.setTaste}
	s.shell = nil
}

// Content is what the window shows.
func (s *Screen) Content() fyne.CanvasObject { return s.root }

func (s *Screen) canvas() fyne.Canvas { return fyne.CurrentApp().Driver().CanvasForObject(s.root) }

// Show brings the screens up to date.
func (s *Screen) Show(state link.State) {
	s.state = state
	if s.held {
		return
	}
	if s.guide != nil && s.guide.Held() { // the recovery code is shown only once
		return
	}
	if s.guided() {
		s.guideTo(state)
		return
	}
	s.unguide()
	if state.Phase == link.Open {
		s.past.Take(state.Home)
		s.showHome()
		return
	}
	if !s.shown || s.phase != state.Phase || state.Phase == link.NoHub && s.why != wire.Code(state.Why) {
		s.why = wire.Code(state.Why)
		s.entry = nil
		for s.desk.Escape() {
		}
		s.leave()
		s.begin()
		s.put(s.gate(state.Phase))
		s.focus()
		s.look(nil, false)
	}
	s.phase, s.shown = state.Phase, true
}

func (s *Screen) showHome() {
	first := s.shell == nil
	if first {
		s.shell = s.newShell()
	}
	if first || s.phase != link.Open {
		s.put(s.shell.content)
		s.Keys()
	}
	s.phase, s.shown = link.Open, true
	s.again()
}

// again shows the page on view as the home is now.
func (s *Screen) again() {
	if s.shell == nil || s.shell.page == nil {
		return
	}
	s.shell.lose(s.state.Lost)
	s.shell.mark(len(s.state.Home.Troubles) > 0)
	s.shell.page.Show(frame.State{Home: s.without(), Past: s.past, Lost: s.state.Lost, Films: s.state.Films})
	s.lookAtPage()
}

// without leaves out what is about to be deleted.
func (s *Screen) without() wire.Snapshot {
	home := s.state.Home
	home.Accessories = slices.DeleteFunc(slices.Clone(home.Accessories), func(a wire.Accessory) bool { return s.desk.Gone(a.ID) })
	return home
}

// lookAtPage tells which cameras have a tile to fill.
func (s *Screen) lookAtPage() {
	if s.shell == nil {
		return
	}
	if v, ok := s.shell.page.(frame.Viewer); ok {
		s.look(v.Cameras())
		return
	}
	s.look(nil, false)
}

// Rest says that nobody can see the window, so that no camera is asked for pictures.
func (s *Screen) Rest(yes bool) {
	s.resting = yes
	if yes {
		s.leave()
		s.look(nil, false)
		return
	}
	s.lookAtPage()
}

func (s *Screen) look(ids []string, live bool) {
	if s.resting {
		ids = nil
	}
	if slices.Equal(ids, s.onView) && live == s.live {
		return
	}
	s.onView, s.live = ids, live
	if s.o.OnView != nil {
		s.o.OnView(ids, live)
	}
}

// Pictures shows the newest pictures of cameras by their IDs, with their age where they are not live.
func (s *Screen) Pictures(newest map[string]link.Picture) {
	if s.shell == nil {
		return
	}
	v, ok := s.shell.page.(frame.Viewer)
	for id, p := range newest {
		if ok && slices.Contains(s.onView, id) {
			v.Picture(id, p)
		}
	}
}

// Filled says whether a page is shown and every camera on view has its picture.
func (s *Screen) Filled() bool {
	if s.shell == nil {
		return s.shown && s.phase != link.Searching
	}
	v, ok := s.shell.page.(frame.Viewer)
	return !ok || v.Filled()
}

// focus lets a person type the password at once.
func (s *Screen) focus() {
	if s.entry == nil {
		return
	}
	if c := s.canvas(); c != nil {
		c.Focus(s.entry)
	}
}

func (s *Screen) put(page fyne.CanvasObject) {
	s.root.Objects = []fyne.CanvasObject{page}
	s.root.Refresh()
}

// Speak has everything in another language from now on.
func (s *Screen) Speak(t *i18n.Texts) {
	at := model.Route{}
	if s.shell != nil {
		at = s.shell.route
	}
	s.o.Texts = t
	s.begin()
	s.shown = false
	s.Show(s.state)
	if s.shell != nil {
		s.Go(at)
	}
}

// OnTaste has f told what a person chooses in the settings.
func (s *Screen) OnTaste(f func(frame.Taste)) { s.onTaste = f }

func (s *Screen) setTaste(t frame.Taste) {
	if t == s.o.Taste {
		return
	}
	s.o.Taste, s.desk.Taste = t, t
	if s.onTaste != nil {
		s.onTaste(t)
	}
}

func (s *Screen) text(key string) string { return s.o.Texts.Text(key, nil) }
