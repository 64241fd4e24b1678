package gallery_test

import (
	"crypto/sha256"
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"fyne.io/fyne/v2"

	"github.com/ingle-home/ingle/app/gallery"
	parts "github.com/ingle-home/ingle/app/widget"
	"github.com/ingle-home/ingle/i18n"
)

// TestThePicturesInTheDocuments says when a picture in docs/images is not what the app shows any more:
// by its size, and by the outline of the screen that it was drawn from. How letters are drawn may
// differ from machine to machine, so the dots are not compared.
func TestThePicturesInTheDocuments(t *testing.T) {
	const dir = "../../docs/images"
	for _, p := range []struct {
		file, scene string
		mood        parts.Mood
		size        fyne.Size
	}{
		{"home", "home", parts.MoodLight, desktop},
		{"app-camera", "camera", parts.MoodDark, desktop},
		{"app-people", "people", parts.MoodLight, desktop},
		{"app-privacy", "privacy", parts.MoodLight, desktop},
		{"app-care-phone", "home-care", parts.MoodLight, phone},
	} {
		_, w := window(t, scene(t, p.scene), i18n.For("en"), p.mood, p.size)
		sum := fmt.Sprintf("%x\n", sha256.Sum256([]byte(outline(w)+string(p.mood))))
		compare(t, filepath.Join("testdata", "documents", p.file+".sha256"), sum)
		if *update {
			draw(t, dir, p.file, w)
		}
		f, err := os.Open(filepath.Join(dir, p.file+".png"))
		if err != nil {
			t.Error(err)
			continue
		}
		c, err := png.DecodeConfig(f)
		_ = f.Close()
		if err != nil || float32(c.Width) != p.size.Width || float32(c.Height) != p.size.Height {
			t.Errorf("%s: %d by %d, %v; the window is %v", p.file, c.Width, c.Height, err, p.size)
		}
	}
}

func scene(t *testing.T, name string) gallery.Scene {
	t.Helper()
	for _, c := range gallery.Scenes() {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("there is no scene %s", name)
	panic("unreachable")
}
