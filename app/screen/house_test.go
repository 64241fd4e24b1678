package screen_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"

	"github.com/ingle-home/ingle/app/link"
	"github.com/ingle-home/ingle/app/screen"
	parts "github.com/ingle-home/ingle/app/widget"
	"github.com/ingle-home/ingle/hub/api/apitest"
	"github.com/ingle-home/ingle/hub/api/client"
	"github.com/ingle-home/ingle/hub/api/frames"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/i18n"
)

// house is a window on a hub in memory. What the hub is asked is answered at once.
type house struct {
	*apitest.Home
	t       *testing.T
	s       *screen.Screen
	w       fyne.Window
	onView  []string
	live    bool
	later   []*later
	checks  int
	guest   bool   // who asks is not told about backups and recordings
	strict  bool   // it takes the password again to remove a thing
	dialled string // where a hub was looked for
	here    bool   // there is a hub on this computer
	left    bool   // the app was told to forget its hub
	films   int
	want    func(ids []string, live bool)   // told which cameras are on view
	frame   func(n int, into time.Duration) // told of each picture of a recording, before it is shown; nil: nobody
}

// later is what is to be done after a while.
type later struct {
	d time.Duration
	f func()
}

// pass lets the time pass.
func (h *house) pass() {
	for _, l := range slices.Clone(h.later) {
		l.f()
	}
	h.later = nil
}

// asked is the hub as the screens ask it: over its socket.
type asked struct {
	*client.Client
	h *house
}

func (a asked) Check() { a.h.checks++ }

func (a asked) Setup(ctx context.Context, password, language string) (wire.SetupAnswer, error) {
	return a.Claim(ctx, wire.SetupRequest{Password: password, Language: language})
}

func (a asked) Backups(ctx context.Context) (wire.BackupStatus, error) {
	if a.h.guest {
		return wire.BackupStatus{}, wire.Refuse(403, wire.CodeForbidden)
	}
	return a.Client.Backups(ctx)
}

func (a asked) Clips(ctx context.Context, camera string) ([]wire.Clip, error) {
	if a.h.guest {
		return nil, wire.Refuse(403, wire.CodeForbidden)
	}
	return a.Client.Clips(ctx, camera)
}

func (a asked) Holdings(ctx context.Context) ([]wire.Holding, error) {
	if a.h.guest {
		return nil, wire.Refuse(403, wire.CodeForbidden)
	}
	return a.Client.Holdings(ctx)
}

func (a asked) PrivacyInventory(ctx context.Context, s wire.PrivacyScope, room string) ([]wire.PrivacyItem, error) {
	if a.h.guest {
		return nil, wire.Refuse(403, wire.CodeForbidden)
	}
	return a.Client.PrivacyInventory(ctx, s, room)
}

func (a asked) ClipFrames(ctx context.Context, id string, from time.Duration, l wire.Look, put func(frames.Frame) error) error {
	n := 0
	return a.Client.ClipFrames(ctx, id, from, l, func(f frames.Frame) error {
		if n++; a.h.frame != nil {
			a.h.frame(n, f.Into)
		}
		return put(f)
	})
}

func (a asked) Remove(ctx context.Context, id string) error {
	if a.h.strict {
		return wire.Refuse(403, wire.CodeConfirm)
	}
	return a.Client.Remove(ctx, id)
}

func (a asked) Unlock(ctx context.Context, password string) error {
	err := a.Client.Unlock(ctx, password)
	a.h.strict = a.h.strict && err != nil
	return err
}

// Search finds the hub on this computer and one elsewhere.
func (a asked) Search(_ context.Context, found func([]link.Found)) {
	list := []link.Found{{Address: "192.168.1.20:8443", State: wire.Claimed}}
	if a.h.here {
		list = append([]link.Found{{Here: true, State: a.h.Status(context.Background()).State}}, list...)
	}
	found(list)
}

func (a asked) PairHere(context.Context) error { return nil }

func (a asked) Unpair(context.Context) error {
	a.h.left = true
	return nil
}

// Pair knows one code.
func (a asked) Pair(_ context.Context, address, code string) error {
	a.h.dialled = address
	if code != apitest.ClaimCode {
		return wire.Refuse(403, wire.CodeClaimCode)
	}
	return nil
}

func open(t *testing.T, state wire.State, lang string, size fyne.Size) *house {
	t.Helper()
	test.NewTempApp(t).Settings().SetTheme(parts.NewLook())
	h := &house{Home: apitest.New(state), t: t, want: func([]string, bool) {}}
	socket := apitest.Socket(t)
	h.Serve(t, socket)
	c := client.Dial(socket)
	t.Cleanup(c.Close)
	h.s = screen.New(screen.Options{Hub: asked{c, h}, Texts: i18n.For(lang), Place: time.UTC,
		Work: func(f func(context.Context)) { f(t.Context()) },
		OnView: func(ids []string, live bool) {
			h.onView, h.live = ids, live
			h.want(ids, live)
		},
		After: func(d time.Duration, f func()) func() {
			l := &later{d, f}
			h.later = append(h.later, l)
			return func() { l.f = func() {} }
		}})
	h.w = test.NewTempWindow(t, h.s.Content())
	h.w.SetPadded(false)
	h.w.Resize(size)
	h.update()
	return h
}

var (
	phone   = fyne.NewSize(360, 740)
	desktop = fyne.NewSize(1024, 700)
)

// update does what the link does after a change.
func (h *house) update() {
	snap, _ := h.Snapshot(context.Background())
	phase := map[wire.State]link.Phase{wire.Open: link.Open, wire.Locked: link.Locked, wire.Unclaimed: link.Unclaimed}
	h.s.Show(link.State{Phase: phase[snap.Status.State], Home: snap, Films: h.films})
}

// picture shows what the camera sees.
func (h *house) picture(p link.Picture) { h.s.Pictures(map[string]link.Picture{apitest.Camera: p}) }

// all lists every visible object in the window.
func (h *house) all() []fyne.CanvasObject { return walk(h.w.Content()) }

func walk(o fyne.CanvasObject) []fyne.CanvasObject {
	if !o.Visible() {
		return nil
	}
	list := []fyne.CanvasObject{o}
	switch o := o.(type) {
	case *fyne.Container:
		for _, c := range o.Objects {
			list = append(list, walk(c)...)
		}
	case *container.Scroll:
		list = append(list, walk(o.Content)...)
	case fyne.Widget:
		for _, c := range test.WidgetRenderer(o).Objects() {
			list = append(list, walk(c)...)
		}
	}
	return list
}

func find[T fyne.CanvasObject](h *house, is func(T) bool) T {
	h.t.Helper()
	for _, o := range h.all() {
		if v, ok := o.(T); ok && is(v) {
			return v
		}
	}
	h.t.Fatalf("the window has no such %T; it says %q", *new(T), h.words())
	panic("unreachable")
}

func first[T any](T) bool { return true }

func (h *house) button(text string) fyne.Tappable {
	h.t.Helper()
	for _, o := range h.all() {
		switch b := o.(type) {
		case *parts.Button:
			if b.Text == text {
				return b
			}
		case *widget.Button:
			if b.Text == text {
				return b
			}
		case *parts.Nav:
			if b.AccessibilityLabel() == text {
				return b
			}
		}
	}
	h.t.Fatalf("the window has no button %q; it says %q", text, h.words())
	panic("unreachable")
}

func (h *house) c() fyne.Canvas { return h.w.Canvas() }

// modal is all the text of what is over the page.
func (h *house) modal() (list []string) {
	if top := h.c().Overlays().Top(); top != nil {
		for _, o := range walk(top) {
			if l, ok := o.(*widget.Label); ok {
				list = append(list, l.Text)
			}
		}
	}
	return list
}

// words is all the text on view.
func (h *house) words() []string {
	var list []string
	for _, o := range h.all() {
		switch o := o.(type) {
		case *widget.Label:
			list = append(list, o.Text)
		case *parts.Button:
			list = append(list, o.Text)
		case *widget.Button:
			list = append(list, o.Text)
		case *widget.Check:
			list = append(list, o.Text)
		case *widget.RichText:
			list = append(list, o.String())
		case *canvas.Text:
			list = append(list, o.Text)
		}
	}
	return list
}

func (h *house) says(text string) bool {
	return slices.ContainsFunc(h.words(), func(w string) bool { return strings.Contains(w, text) })
}

func (h *house) expect(texts ...string) {
	h.t.Helper()
	for _, text := range texts {
		if !h.says(text) {
			h.t.Errorf("nothing says %q; the window says %q", text, h.words())
		}
	}
}
