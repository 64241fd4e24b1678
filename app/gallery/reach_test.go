package gallery_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/test"

	"github.com/ingle-home/ingle/app/gallery"
	parts "github.com/ingle-home/ingle/app/widget"
	"github.com/ingle-home/ingle/i18n"
)

// walk lists every visible object below o.
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

// TestOwnPartsCanBeReadOut looks at every own part on every screen: whoever cannot see it hears what
// it is.
func TestOwnPartsCanBeReadOut(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range gallery.Scenes() {
		_, w := window(t, c, i18n.For("en"), parts.MoodLight, desktop)
		for _, o := range walk(w.Content()) {
			kind := reflect.TypeOf(o).Elem()
			if !strings.Contains(kind.PkgPath(), "app/widget") {
				continue
			}
			seen[kind.Name()] = true
			a, ok := o.(fyne.Accessible)
			_, tapped := o.(fyne.Tappable)
			if !ok || a.AccessibilityRole() == "" || tapped && a.AccessibilityLabel() == "" {
				t.Errorf("%s: a %s cannot be read out", c.Name, kind.Name())
			}
		}
	}
	for _, kind := range []string{"Tile", "Card", "Nav", "Button", "Choice", "Chart", "Plot", "Timeline", "Picture", "Speed", "Bar"} {
		if !seen[kind] {
			t.Errorf("no screen has a %s", kind)
		}
	}
}

// TestTabReachesEverything goes once round each screen.
func TestTabReachesEverything(t *testing.T) {
	for _, c := range gallery.Scenes() {
		for _, size := range []fyne.Size{phone, desktop} {
			_, w := window(t, c, i18n.For("en"), parts.MoodLight, size)
			want := map[fyne.Focusable]bool{}
			for _, o := range walk(w.Content()) {
				f, ok := o.(fyne.Focusable)
				if off, can := o.(fyne.Disableable); ok && (!can || !off.Disabled()) {
					want[f] = true
				}
			}
			for range len(want) + 2 {
				w.Canvas().FocusNext()
				delete(want, w.Canvas().Focused())
			}
			for f := range want {
				t.Errorf("%s at %v: Tab does not reach %s", c.Name, size, fmt.Sprintf("%T", f))
			}
		}
	}
}
