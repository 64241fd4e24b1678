package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// porchTile is where the first camera's picture is on Home, in a window as it opens.
func porchTile() image.Rectangle { return image.Rect(220, 210, 600, 420) }

// openDemo runs a demo home with the app before it, and waits until Home shows its cameras.
func openDemo(t *testing.T) (*demo, *window) {
	t.Helper()
	d := startDemo(t, t.TempDir())
	w := openWindow(t, d.socket())
	w.waitForHome(t)
	return d, w
}

func (d *demo) socket() string { return filepath.Join(d.dir, "hub.sock") }

// waitForHome waits for the toy's stop and the porch's picture.
func (w *window) waitForHome(t *testing.T) (shown *image.RGBA) {
	t.Helper()
	until(t, 60*time.Second, "the window shows the home", func() bool {
		shown = w.look(t)
		_, ok := redButton(shown)
		return ok && colours(shown, porchTile()) >= 6
	})
	return shown
}

// TestTheWindowShowsTheHome goes through the demo home by mouse and keyboard: a camera's picture moves,
// the toy runs and stops, a switch turns and turns back, and the codes for Apple Home can be scanned.
func TestTheWindowShowsTheHome(t *testing.T) {
	d, w := openDemo(t)
	first := w.look(t)
	w.keep(t, first, "home")
	until(t, 20*time.Second, "the porch's picture moves", func() bool { return differ(first, w.look(t), porchTile()) > 200 })

	stop, _ := redButton(w.look(t))
	w.click(t, stop.Sub(image.Pt(0, 53))) // the middle of the slider above
	until(t, 10*time.Second, "the toy runs", func() bool { m, err := d.rocket(); return err == nil && m.Level > 0.3 })
	w.keep(t, w.look(t), "running")
	w.click(t, stop)
	until(t, 5*time.Second, "the click stops the toy", func() bool { m, err := d.rocket(); return err == nil && m.Level == 0 })

	w.visit(t, "Porch")
	tick, ok := w.tick(t)
	if !ok {
		t.Fatal("no switch that is on is on the porch's page")
	}
	for _, on := range []bool{false, true} {
		w.click(t, tick)
		until(t, 10*time.Second, fmt.Sprintf("the hub's switch of the porch is %t", on), func() bool { return d.reads(t, "Porch", "active") == fmt.Sprint(on) })
		w.keep(t, w.look(t), fmt.Sprintf("porch-%t", on))
	}

	w.visit(t, "Apple Home")
	want := []string{d.server(t, "bridge").SetupURI, d.server(t, "camera").SetupURI}
	w.scan(t, want...)
}

// tick finds the switch that is on highest on a page.
func (w *window) tick(t *testing.T) (at image.Point, ok bool) {
	t.Helper()
	page := image.Rect(200, 60, 1050, 730)
	m := w.steady(t, page)
	for y := page.Min.Y; y < page.Max.Y; y++ {
		for x := page.Min.X; x < page.Max.X; x++ {
			if accent(m.RGBAAt(x, y)) {
				return image.Pt(x+6, y+6), true
			}
		}
	}
	return at, false
}

// accent is the colour of what is on or chosen.
func accent(c color.RGBA) bool {
	near := func(a, b uint8) bool { return max(a, b)-min(a, b) < 8 }
	return near(c.R, 0x6c) && near(c.G, 0xc5) && near(c.B, 0xb3)
}

// scan reads the QR codes in the window until they say what is wanted, in any order.
func (w *window) scan(t *testing.T, want ...string) {
	t.Helper()
	reader, err := binary("INGLE_READQR", "./internal/readqr")
	if err != nil {
		t.Fatal(err)
	}
	var said string
	slices.Sort(want)
	until(t, 20*time.Second, "a phone that scans the window reads "+strings.Join(want, " and "), func() bool {
		m := w.look(t)
		var picture, out bytes.Buffer
		if err := png.Encode(&picture, m); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(reader)
		cmd.Stdin, cmd.Stdout = &picture, &out
		if cmd.Run() != nil { // there is none yet
			return false
		}
		said = out.String()
		lines := strings.Fields(said)
		slices.Sort(lines)
		if !slices.Equal(lines, want) {
			return false
		}
		w.keep(t, m, "codes")
		return true
	})
}

// reads is what the hub knows of a thing's trait, as JSON.
func (d *demo) reads(t *testing.T, name, trait string) string {
	t.Helper()
	for _, a := range d.things(t) {
		for _, v := range a.Traits {
			if a.Name == name && v.Trait == trait {
				return string(v.Value)
			}
		}
	}
	return ""
}

// shown is a thing as `hub list` gives it.
type shown struct {
	Name   string `json:"name"`
	Traits []struct {
		Trait string          `json:"trait"`
		Value json.RawMessage `json:"value"`
	} `json:"traits"`
}

func (d *demo) things(t *testing.T) (all []shown) {
	t.Helper()
	if err := json.Unmarshal([]byte(d.run(t, "", "list", "--json")), &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestTheWindowOutlivesItsHub kills the hub as a power cut does: the window says so within five seconds,
// and shows the same home again when the hub is back.
func TestTheWindowOutlivesItsHub(t *testing.T) {
	d, w := openDemo(t)
	d.run(t, d.Password+"\n", "boot", "itself", "--password-stdin")
	w.press(t, "ctrl+2")
	list := image.Rect(190, 0, 1060, 740)
	before := w.steady(t, list)
	w.keep(t, before, "before")

	d.kill(t)
	took := until(t, 5*time.Second, "the window says that the line is lost", func() bool {
		return differ(before, w.look(t), image.Rect(190, 0, 1060, 40)) > 100
	})
	t.Logf("said after %v", took)
	w.keep(t, w.look(t), "lost")

	again := startDemo(t, d.dir)
	if again.State != "open" {
		t.Fatalf("the hub is %s", again.State)
	}
	took = until(t, 60*time.Second, "the same things, each once, are shown", func() bool { return differ(before, w.look(t), list) == 0 })
	t.Logf("the same again %v after the hub was ready", took)
	w.keep(t, w.look(t), "back")
	w.press(t, "ctrl+1")
	shown := w.waitForHome(t)
	until(t, 20*time.Second, "the porch's picture moves again", func() bool { return differ(shown, w.look(t), porchTile()) > 200 })
}

// TestABusyHomeDoesNotStallTheWindow has ten thousand things happen in a minute, and a person press stop.
func TestABusyHomeDoesNotStallTheWindow(t *testing.T) {
	d, w := openDemo(t)
	stop, _ := redButton(w.look(t))
	busy := make(chan int)
	over := make(chan struct{})
	go func() { busy <- d.bustle(over, 10_000/60) }()

	var took []time.Duration
	began := time.Now()
	pause := time.NewTicker(2500 * time.Millisecond)
	defer pause.Stop()
	for range 7 {
		<-pause.C
		d.run(t, "", "do", "Rocket", "speed", "50")
		until(t, 10*time.Second, "the toy runs", func() bool { m, err := d.rocket(); return err == nil && m.Level > 0 })
		clicked := time.Now()
		w.click(t, stop)
		until(t, 10*time.Second, "the click stops the toy", func() bool { m, err := d.rocket(); return err == nil && m.Level == 0 })
		took = append(took, time.Since(clicked))
	}
	close(over)
	events, lasted := <-busy, time.Since(began)
	slices.Sort(took)
	t.Logf("%d events in %v; a click answered after %v", events, lasted, took)
	if took[len(took)/2] > time.Second {
		t.Errorf("a click answers after %v; want a second", took[len(took)/2])
	}
	if rate := float64(events) / lasted.Minutes(); rate < 9000 {
		t.Errorf("only %.0f events a minute came about", rate)
	}
}

// bustle has the watch report a new place so many times a second until over, and gives how often it did.
func (d *demo) bustle(over <-chan struct{}, perSecond int) (n int) {
	began := time.Now()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-over:
			return n
		case <-tick.C:
		}
		for ; n < int(time.Since(began).Seconds()*float64(perSecond)); n++ {
			answer, err := http.Post(fmt.Sprintf("%s/sim/watch/place?lat=52.1%03d&lon=5.2", d.Control, n%1000), "", nil)
			if err != nil {
				return n
			}
			_ = answer.Body.Close()
		}
	}
}

// redButton finds the middle of the largest run of rows in the colour of the stop button: a soft red
// that no test picture has.
func redButton(m *image.RGBA) (image.Point, bool) {
	b := m.Bounds()
	var rows, left, right, top, bottom int
	for y := b.Min.Y; y < b.Max.Y; y++ {
		from, to, n := b.Max.X, b.Min.X, 0
		for x := b.Min.X; x < b.Max.X; x++ {
			if red(m.RGBAAt(x, y)) {
				from, to, n = min(from, x), max(to, x), n+1
			}
		}
		if n < 150 {
			continue
		}
		if rows == 0 {
			top = y
		}
		rows, bottom, left, right = rows+1, y, from, to
	}
	return image.Pt((left+right)/2, (top+bottom)/2), rows >= 20
}

func red(c color.RGBA) bool {
	return c.R > 0xd0 && c.G > 0x50 && c.G < 0xa0 && c.B > 0x50 && c.B < 0xa0
}

// TestTheWindowPlaysARecording has something move at the porch, plays what was recorded of it, and pauses.
func TestTheWindowPlaysARecording(t *testing.T) {
	d, w := openDemo(t)
	d.run(t, "", "clips", "on", "Porch")
	d.simulate(t, "porch/motion")
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	until(t, 90*time.Second, "there is a whole recording", func() bool {
		<-tick.C
		var clips []struct {
			State string `json:"state"`
		}
		if err := json.Unmarshal([]byte(d.run(t, "", "clips", "list", "--json")), &clips); err != nil {
			t.Fatal(err)
		}
		return len(clips) == 1 && clips[0].State == "whole"
	})
	w.press(t, "ctrl+3")
	until(t, 20*time.Second, "the cameras are shown", func() bool { return colours(w.look(t), image.Rect(220, 120, 600, 330)) >= 6 })
	w.click(t, image.Pt(400, 250))
	right := image.Rect(650, 100, 1030, 600)
	var film image.Rectangle
	until(t, 30*time.Second, "the recording's picture is shown", func() bool {
		film = strongest(w.look(t), right)
		return film.Dy() > 150
	})
	film = strongest(w.steady(t, right), right)
	play := image.Pt(film.Min.X+15, film.Max.Y+27) // the bar stands below
	w.click(t, play)
	w.keep(t, w.look(t), "recorded")
	last, moved := w.look(t), 0
	until(t, 30*time.Second, "the recording plays", func() bool {
		now := w.look(t)
		if differ(last, now, film) > 200 {
			moved++
		}
		last = now
		return moved >= 5
	})
	w.keep(t, last, "plays")
	w.click(t, play)
	w.steady(t, film)
}

// strongest is the part of a column in which a test picture is.
func strongest(m *image.RGBA, in image.Rectangle) image.Rectangle {
	out := image.Rectangle{Min: image.Pt(in.Min.X, in.Max.Y), Max: image.Pt(in.Max.X, in.Min.Y)}
	for y := in.Min.Y; y < in.Max.Y; y++ {
		if colours(m, image.Rect(in.Min.X, y, in.Max.X, y+1)) >= 5 {
			out.Min.Y, out.Max.Y = min(out.Min.Y, y), max(out.Max.Y, y+1)
		}
	}
	if out.Min.Y > out.Max.Y {
		return image.Rectangle{}
	}
	return out
}

// colours counts the strong colours of a part, as a test picture has them.
func colours(m *image.RGBA, part image.Rectangle) int {
	seen := map[color.RGBA]bool{}
	for y := part.Min.Y; y < part.Max.Y; y += 3 {
		for x := part.Min.X; x < part.Max.X; x += 3 {
			c := m.RGBAAt(x, y)
			if max(c.R, c.G, c.B)-min(c.R, c.G, c.B) > 0xa0 {
				seen[color.RGBA{c.R & 0xc0, c.G & 0xc0, c.B & 0xc0, 0xff}] = true
			}
		}
	}
	return len(seen)
}
