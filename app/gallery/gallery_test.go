package gallery_test

import (
	"context"
	"flag"
	"image/png"
	"os"
	"path/filepath"
	"strings"
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
	w.SetPadded(false)
	w.Resize(size)
	s.Keys()
	c.Show(h, s)
	return s, w
}

// TestEveryScreenIsAsItWas compares each scene with its golden file, and draws it into
// INGLE_PICTURES, a folder, to look at.
func TestEveryScreenIsAsItWas(t *testing.T) {
	for _, c := range gallery.Scenes() {
		for _, lang := range []string{"en", "de"} {
			for form, size := range map[string]fyne.Size{"phone": phone, "desktop": desktop} {
				name := c.Name + "-" + lang + "-" + form
				s, w := window(t, c, i18n.For(lang), parts.MoodLight, size)
				fits(t, name, s, w, size)
				compare(t, filepath.Join("testdata", name+".txt"), outline(w))
				draw(t, os.Getenv("INGLE_PICTURES"), name, w)
			}
		}
	}
}

func fits(t *testing.T, name string, s *screen.Screen, w fyne.Window, size fyne.Size) {
	t.Helper()
	if least := s.Content().MinSize(); least.Width > phone.Width {
		t.Errorf("%s needs a width of %v", name, least.Width)
	}
	if got := w.Canvas().Size(); got != size {
		t.Errorf("%s made the window %v", name, got)
	}
}

func compare(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Errorf("%v; write it with: go test ./app/gallery -update", err)
		return
	}
	if string(want) == got {
		return
	}
	old, lines := strings.Split(string(want), "\n"), strings.Split(got, "\n")
	for i, line := range lines {
		if i >= len(old) || old[i] != line {
			was := ""
			if i < len(old) {
				was = old[i]
			}
			t.Errorf("%s:%d is %q, was %q; if that is right: go test ./app/gallery -update", file, i+1, line, was)
			return
		}
	}
	t.Errorf("%s has fewer lines than it had; if that is right: go test ./app/gallery -update", file)
}

func draw(t *testing.T, dir, name string, w fyne.Window) {
	t.Helper()
	if dir == "" {
		return
	}
	f, err := os.Create(filepath.Join(dir, name+".png"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := png.Encode(f, w.Canvas().Capture()); err != nil {
		t.Error(err)
	}
}
