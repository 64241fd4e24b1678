package e2e

import (
	"image"
	"testing"
	"time"
)

// TestAFreshHubIsSetUpInTheWindow takes a hub without an owner through the three steps by keyboard: the
// hub on this computer, a password, and the code for Apple Home, which a phone could scan off the screen.
func TestAFreshHubIsSetUpInTheWindow(t *testing.T) {
	const password = "paper lantern over the harbour"
	d := startHub(t, t.TempDir(), "serve", "--loopback", "--api", "127.0.0.1:0", "--homekit-port", "0", "--password-effort", "10ms")
	if d.State != "unclaimed" {
		t.Fatalf("a fresh hub is %s", d.State)
	}
	began := time.Now()
	w := openWindow(t, d.socket())
	card := image.Rect(240, 60, 820, 700)
	until(t, 60*time.Second, "the first step is shown", func() bool { return accents(w.look(t), card) > 2000 })
	w.keep(t, w.steady(t, card), "1-find")

	w.leave(t, card, func() { w.press(t, "Return") })
	w.keep(t, w.steady(t, card), "2-password")
	offered, ok := w.tick(t)
	if !ok {
		t.Fatal("no way to choose a password is chosen")
	}
	w.leave(t, card, func() { w.click(t, offered.Add(image.Pt(0, 35))) }) // one of my own, the next line
	w.write(t, password)
	w.keep(t, w.steady(t, card), "2-typed")
	w.leave(t, card, func() { w.press(t, "Return") })
	until(t, 60*time.Second, "the hub is claimed", func() bool { return d.now(t).State == "open" })
	w.keep(t, w.steady(t, card), "2-recovery")

	w.press(t, "Tab", "Tab", "space", "Tab") // it is in a safe place; on
	w.leave(t, card, func() { w.press(t, "Return") })
	w.scan(t, d.now(t).server(t, "bridge").SetupURI)
	t.Logf("set up %v after the start", time.Since(began))

	w.press(t, "Return")
	until(t, 30*time.Second, "the home is shown", func() bool { return accents(w.look(t), image.Rect(10, 10, 180, 60)) > 1000 })
	w.keep(t, w.look(t), "home")
	d.run(t, password+"\n", "boot", "itself", "--password-stdin") // what was typed is the password
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
