package e2e

import (
	"bytes"
	"image"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestAFreshHubIsSetUpInTheWindow takes a hub without an owner through the three steps, with no hand on a
// mouse: the hub on this computer, a password, the recovery sheet in a browser, and the code for Apple Home,
// which a phone could scan off the screen.
func TestAFreshHubIsSetUpInTheWindow(t *testing.T) {
	const password = "paper lantern over the harbour"
	d := startHub(t, t.TempDir(), "serve", "--loopback", "--api", "127.0.0.1:0", "--homekit-port", "0", "--password-effort", "10ms")
	if d.State != "unclaimed" {
		t.Fatalf("a fresh hub is %s", d.State)
	}
	printed := printer(t)
	began := time.Now()
	w := openWindow(t, d.socket())
	card := image.Rect(240, 60, 820, 700)
	until(t, 60*time.Second, "the first step is shown", func() bool { return accents(w.look(t), card) > 2000 })
	w.keep(t, w.steady(t, card), "1-find")

	w.leave(t, card, func() { w.press(t, "Return") })
	w.keep(t, w.steady(t, card), "2-password")
	w.leave(t, card, func() { w.press(t, "Tab", "Tab", "space") }) // round to the offered one; one of my own
	w.write(t, password)
	w.keep(t, w.steady(t, card), "2-typed")
	w.leave(t, card, func() { w.press(t, "Return") })
	until(t, 60*time.Second, "the hub is claimed", func() bool { return d.now(t).State == "open" })
	w.keep(t, w.steady(t, card), "2-recovery")

	w.press(t, "space") // print
	until(t, 30*time.Second, "the recovery sheet is in the browser", func() bool {
		sheet, err := os.ReadFile(printed)
		return err == nil && bytes.Contains(sheet, []byte("</code>"))
	})
	w.keep(t, w.steady(t, card), "2-printed")
	w.press(t, "Tab", "Tab", "space", "Tab") // past saving; it is in a safe place; on
	w.leave(t, card, func() { w.press(t, "Return") })
	w.scan(t, d.now(t).server(t, "bridge").SetupURI)
	t.Logf("set up %v after the start", time.Since(began))

	w.press(t, "Return")
	until(t, 30*time.Second, "the home is shown", func() bool { return accents(w.look(t), image.Rect(10, 10, 180, 60)) > 1000 })
	w.keep(t, w.look(t), "home")
	d.run(t, password+"\n", "boot", "itself", "--password-stdin") // what was typed is the password
}

// printer stands for a browser: it fetches the page that it is called with. It gives where the page is.
func printer(t *testing.T) (page string) {
	t.Helper()
	dir := t.TempDir()
	page = filepath.Join(dir, "page.html")
	script := "#!/bin/sh\nexec curl --silent --noproxy '*' --output " + page + " \"$1\"\n"
	if err := os.WriteFile(filepath.Join(dir, "xdg-open"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	return page
}

// leave does something and waits until the window shows something else.
func (w *window) leave(t *testing.T, part image.Rectangle, do func()) {
	t.Helper()
	before := w.steady(t, part)
	do()
	until(t, 60*time.Second, "the next step", func() bool { return differ(before, w.look(t), part) > 3000 })
}

// accents counts the pixels of a part that have the colour of what is on or chosen, or of its focus.
func accents(m *image.RGBA, part image.Rectangle) (n int) {
	for y := part.Min.Y; y < part.Max.Y; y++ {
		for x := part.Min.X; x < part.Max.X; x++ {
			if c := m.RGBAAt(x, y); c.G > 0xa0 && c.B > 0xa0 && c.R < 0x80 {
				n++
			}
		}
	}
	return n
}
