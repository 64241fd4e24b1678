package screen_test

import (
	"image"
	"image/png"
	"os"
	"path/filepath"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/widget"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/app/link"
	"github.com/ingle-home/ingle/app/model"
	parts "github.com/ingle-home/ingle/app/widget"
	"github.com/ingle-home/ingle/hub/api/apitest"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/i18n"
)

// TestEveryScreenFitsAPhone lets nothing lie over another either. It also draws each screen into INGLE_PICTURES, a folder, to look at.
func TestEveryScreenFitsAPhone(t *testing.T) {
	for _, lang := range i18n.Languages() {
		for name, visit := range screens() {
			for _, size := range []fyne.Size{phone, desktop} {
				h := open(t, wire.Open, lang, size)
				visit(h)
				h.picture(link.Picture{Image: image.NewRGBA(image.Rect(0, 0, 64, 36)), At: time.Now()})
				if least := h.s.Content().MinSize(); least.Width > phone.Width {
					t.Errorf("%s in %s needs a width of %v", name, lang, least.Width)
				}
				if got := h.w.Canvas().Size(); got != size {
					t.Errorf("%s in %s made the window %v", name, lang, got)
				}
				h.nothingOverlaps(name + " in " + lang)
				draw(t, h, name+"-"+lang+map[bool]string{true: "-phone", false: ""}[size == phone])
			}
		}
	}
}

func screens() map[string]func(*house) {
	return map[string]func(*house){
		"home": func(*house) {},
		"alarm": func(h *house) {
			list := []wire.Trouble{{Code: "accessory-unreachable", Subject: apitest.Toy}}
			h.Publish(wire.Change{Troubles: &list})
			h.Publish(wire.Change{Condition: &wire.Standing{Accessory: apitest.Toy, Condition: wire.Condition{State: "waiting", Code: "accessory-unreachable"}}})
			h.Report(apitest.Watch, trait.Emergency.Of(true, time.Date(2026, 11, 25, 8, 30, 0, 0, time.UTC)))
			h.update()
		},
		"pair":      func(h *house) { h.s.Go(model.Route{Place: model.AtPairing}) },
		"searching": func(h *house) { h.s.Show(link.State{}) },
		"lost":      func(h *house) { h.s.Show(link.State{Phase: link.NoHub}) },
		"locked":    func(h *house) { h.s.Show(link.State{Phase: link.Locked}) },
		"unclaimed": func(h *house) { h.s.Show(link.State{Phase: link.Unclaimed}) },
	}
}

func draw(t *testing.T, h *house, name string) {
	dir := os.Getenv("INGLE_PICTURES")
	if dir == "" {
		return
	}
	write(t, filepath.Join(dir, name+".png"), h.w.Canvas().Capture())
}

// nothingOverlaps compares each tile with each other, and each text with each other.
func (h *house) nothingOverlaps(name string) {
	h.t.Helper()
	tiles := h.tiles()
	for i, a := range tiles {
		for _, b := range tiles[:i] {
			if overlap(a, b) {
				h.t.Errorf("%s: %q lies over %q", name, a.(fyne.Accessible).AccessibilityLabel(), b.(fyne.Accessible).AccessibilityLabel())
			}
		}
	}
	h.noWordsOverlap(name)
}

func (h *house) tiles() []fyne.CanvasObject {
	var list []fyne.CanvasObject
	for _, o := range h.all() {
		if _, ok := o.(*parts.Tile); ok {
			list = append(list, o)
		}
	}
	return list
}

func (h *house) noWordsOverlap(name string) {
	h.t.Helper()
	var list []*widget.Label
	for _, o := range h.all() {
		if l, ok := o.(*widget.Label); ok && l.Text != "" {
			list = append(list, l)
		}
	}
	for i, a := range list {
		for _, b := range list[:i] {
			if overlap(a, b) {
				h.t.Errorf("%s: %q lies over %q", name, a.Text, b.Text)
			}
		}
	}
}

func overlap(a, b fyne.CanvasObject) bool {
	d := fyne.CurrentApp().Driver()
	p, q := d.AbsolutePositionForObject(a), d.AbsolutePositionForObject(b)
	return p.X+1 < q.X+b.Size().Width && q.X+1 < p.X+a.Size().Width && p.Y+1 < q.Y+b.Size().Height && q.Y+1 < p.Y+a.Size().Height
}

func write(t *testing.T, file string, m image.Image) {
	t.Helper()
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := png.Encode(f, m); err != nil {
		t.Error(err)
	}
}
