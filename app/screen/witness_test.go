package screen_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2/test"

	"github.com/ingle-home/ingle/app/gallery"
	"github.com/ingle-home/ingle/app/model"
	"github.com/ingle-home/ingle/app/screen"
	parts "github.com/ingle-home/ingle/app/widget"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/i18n"
)

// made is a window on the family's home of the gallery.
func made(t *testing.T) *house {
	t.Helper()
	test.NewTempApp(t).Settings().SetTheme(parts.NewLook())
	g := gallery.New(time.Now)
	h := &house{t: t}
	h.s = screen.New(screen.Options{Hub: g, Texts: i18n.For("en"), Place: time.UTC, Work: func(f func(context.Context)) { f(t.Context()) },
		After: func(time.Duration, func()) func() { return func() {} }})
	h.w = test.NewTempWindow(t, h.s.Content())
	h.w.SetPadded(false)
	h.w.Resize(desktop)
	h.s.Show(g.State())
	return h
}

func TestWhoLookedIsFiltered(t *testing.T) {
	h := made(t)
	h.visit(model.AtLooks, "")
	h.expect("Kitchen laptop", "Live pictures · Porch", "In Apple Home · 3 times", "Forgotten since")
	choose := func(name, what string) {
		find(h, func(c *parts.Choice) bool { return strings.HasPrefix(c.AccessibilityLabel(), name) }).SetSelected(what)
	}
	choose("At what", "Garden")
	if h.expect("A picture · Garden"); h.says("Kitchen laptop") {
		t.Errorf("the filter lets through %q", h.words())
	}
	choose("At what", "Everything")
	choose("Who, or at whom", "Mia")
	if h.expect("Where somebody is · Mia"); h.says("A picture · Garden") {
		t.Errorf("the filter lets through %q", h.words())
	}
	test.Tap(h.button("Check the list"))
	h.expect("All 5 entries are as they were written.")
	h.visit(model.AtLooks, gallery.Porch) // as its own page leads there
	if h.expect("A recording · Porch"); h.says("A picture · Garden") {
		t.Errorf("the way from the porch shows %q", h.words())
	}
}

func TestAnAlertIsSeen(t *testing.T) {
	h := made(t)
	h.visit(model.AtSecurity, "")
	h.expect("Somebody tried several wrong passwords.", "6 times", "from 192.0.2.77", "If it was none of you")
	test.Tap(h.button("I have seen it"))
	if h.expect("Seen on"); h.says("If it was none of you") {
		t.Error("it is still to be seen to")
	}
	test.Tap(h.button("Check the list"))
	h.expect("Somebody changed what was written.", "Entry 12 was changed.")
}

// The same over the API of a hub.
func TestTheHubTellsWhatItWitnessed(t *testing.T) {
	h := open(t, wire.Open, "en", phone)
	h.visit(model.AtLooks, "")
	h.expect("Who looked", "Porch")
	test.Tap(h.button("Check the list"))
	if h.says("Somebody changed what was written.") == h.says("entries are as they were written.") {
		t.Errorf("the check says %q", h.words())
	}
	h.visit(model.AtSecurity, "")
	test.Tap(h.button("I have seen it"))
	h.expect("Seen on")
}
