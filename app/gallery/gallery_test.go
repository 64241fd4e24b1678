package gallery_test

import (
	"context"
	"flag"
	"image/png"
	"os"
	"path/filepath"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"github.com/ingle-home/ingle/app/gallery"
	"github.com/ingle-home/ingle/app/screen"
	"github.com/ingle-home/ingle/app/screen/frame"
	parts "github.com/ingle-home/ingle/app/widget"
	"github.com/ingle-home/ingle/i18n"
)

var (
	update  = flag.Bool("update", false, "write what the screens are now")
	phone   = fyne.NewSize(360, 740)
	desktop = fyne.NewSize(1024, 700)
)

func noonOfADay() time.Time { return time.Date(2026, 11, 25, 12, 30, 0, 0, time.UTC) }

// window shows a scene in a window of a size.
func window(t *testing.T, c gallery.Scene, texts *i18n.Texts, mood parts.Mood, size fyne.Size) (*screen.Screen, fyne.Window) {
	t.Helper()
	test.NewTempApp(t).Settings().SetTheme(parts.LookIn(mood))
	h := gallery.New(noonOfADay)
	s := screen.New(screen.Options{Hub: h, Texts: texts, Place: time.UTC, Now: noonOfADay, Taste: frame.Taste{Mood: mood},
		Work:  func(f func(context.Context)) { f(t.Context()) },
		After: func(time.Duration, func()) func() { return func() {} }})
	w := test.NewTempWindow(t, s.Content())
	w.Resize(size)
	c.Show(h, s)
	return s, w
}

// TestEveryScreenFits draws each scene into INGLE_PICTURES, a folder, to look at.
func TestEveryScreenFits(t *testing.T) {
	for _, c := range gallery.Scenes() {
		for _, lang := range i18n.Languages() {
			for name, size := range map[string]fyne.Size{"phone": phone, "desktop": desktop} {
				s, w := window(t, c, i18n.For(lang), parts.MoodLight, size)
				if least := s.Content().MinSize(); least.Width > phone.Width {
					t.Errorf("%s in %s needs a width of %v", c.Name, lang, least.Width)
				}
				if got := w.Canvas().Size(); got != size {
					t.Errorf("%s in %s made the window %v", c.Name, lang, got)
				}
				if dir := os.Getenv("INGLE_PICTURES"); dir != "" {
					f, err := os.Create(filepath.Join(dir, c.Name+"-"+lang+"-"+name+".png"))
					if err != nil {
						t.Fatal(err)
					}
					_ = png.Encode(f, w.Canvas().Capture())
					_ = f.Close()
				}
			}
		}
	}
}
