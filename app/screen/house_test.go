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
	checks  int
	dialled string // where a hub was looked for
}

func (h *house) ConfirmRecovery(ctx context.Context, code string) error {
	return h.Home.ConfirmRecovery(ctx, wire.RecoveryCode{RecoveryCode: code})
}

func (h *house) Setup(ctx context.Context, password string) (wire.SetupAnswer, error) {
	return h.Home.Setup(ctx, wire.SetupRequest{Password: password})
}

func (h *house) Unlock(ctx context.Context, password string) error {
	return h.Home.Unlock(ctx, wire.UnlockRequest{Password: password})
}

func (h *house) Check() { h.checks++ }

// Pair knows one code.
func (h *house) Pair(_ context.Context, address, code string) error {
	h.dialled = address
	if code != apitest.ClaimCode {
		return wire.Refuse(403, wire.CodeClaimCode)
	}
	return nil
}

func open(t *testing.T, state wire.State, lang string, size fyne.Size) *house {
	t.Helper()
	test.NewTempApp(t).Settings().SetTheme(parts.NewLook())
	h := &house{Home: apitest.New(state), t: t}
	h.s = screen.New(screen.Options{Hub: h, Texts: i18n.For(lang), Place: time.UTC,
		Work:   func(f func(context.Context)) { f(t.Context()) },
		OnView: func(ids []string) { h.onView = ids }})
	h.w = test.NewTempWindow(t, h.s.Content())
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
	h.s.Show(link.State{Phase: phase[snap.Status.State], Home: snap})
}

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

func (h *house) button(text string) *widget.Button {
	h.t.Helper()
	return find(h, func(b *widget.Button) bool { return b.Text == text })
}

// words is all the text on view.
func (h *house) words() []string {
	var list []string
	for _, o := range h.all() {
		switch o := o.(type) {
		case *widget.Label:
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
