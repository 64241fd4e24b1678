package e2e

import (
	"bufio"
	"context"
	"fmt"
	"image"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestTheWindowShowsTheHome runs the app in a window of a virtual display: it shows the demo home, and
// a click on the toy's stop reaches the toy.
func TestTheWindowShowsTheHome(t *testing.T) {
	for _, tool := range []string{"Xvfb", "xdotool", "import"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed here: `make test` installs it", tool)
		}
	}
	app := appBinary(t)
	d := startDemo(t, t.TempDir())
	d.run(t, "", "do", "Rocket", "speed", "50")
	screen := display(t)
	home := t.TempDir()
	start(t, exec.Command(app, "--hub", filepath.Join(d.dir, "hub.sock")), "DISPLAY="+screen, "HOME="+home, "XDG_CACHE_HOME="+home, "LANG=en_US.UTF-8")

	var shown image.Image
	var stop image.Point
	until(t, 30*time.Second, "the window shows the toy", func() bool {
		shown = shoot(t, screen)
		at, ok := redButton(shown)
		stop = at
		return ok && colours(shown) > 200 // with the cameras' pictures
	})
	if kept := os.Getenv("INGLE_SCREENSHOT"); kept != "" {
		keep(t, shown, kept)
	}
	shell(t, screen, "xdotool", "mousemove", fmt.Sprint(stop.X), fmt.Sprint(stop.Y), "click", "1")
	until(t, 5*time.Second, "the click stops the toy", func() bool {
		m, err := d.rocket()
		return err == nil && m.Level == 0
	})
}

// appBinary builds the app, which takes minutes the first time.
func appBinary(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ingle")
	cmd := exec.Command("go", "build", "-o", path, ".")
	cmd.Dir = ".."
	cmd.Env = append(os.Environ(), "CGO_ENABLED=1", "GOFLAGS=-buildvcs=false")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build the app: %v\n%s", err, out)
	}
	return path
}

// display starts a virtual display and gives its name.
func display(t *testing.T) string {
	t.Helper()
	number, theirs, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer number.Close()
	cmd := exec.Command("Xvfb", "-displayfd", "3", "-screen", "0", "1100x780x24", "+extension", "GLX", "-nolisten", "tcp")
	cmd.ExtraFiles = []*os.File{theirs}
	start(t, cmd)
	_ = theirs.Close()
	line, err := bufio.NewReader(number).ReadString('\n')
	if err != nil {
		t.Fatalf("the display did not start: %v", err)
	}
	return ":" + strings.TrimSpace(line)
}

// start runs a program until the test ends.
func start(t *testing.T, cmd *exec.Cmd, env ...string) {
	t.Helper()
	cmd.Env = append(os.Environ(), env...)
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		done := make(chan error, 1)
		go func() { done <- cmd.Wait() }()
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			_ = cmd.Process.Kill()
			<-done
		}
		if said, _ := os.ReadFile(log.Name()); t.Failed() {
			t.Logf("%s said:\n%s", cmd.Path, said)
		}
	})
}

func shell(t *testing.T, screen, name string, args ...string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "DISPLAY="+screen)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return out
}

// shoot takes a picture of the whole display.
func shoot(t *testing.T, screen string) image.Image {
	t.Helper()
	m, err := png.Decode(strings.NewReader(string(shell(t, screen, "import", "-window", "root", "png:-"))))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// redButton finds the middle of the largest run of rows in the colour of the stop button: a soft red
// that no test picture has.
func redButton(m image.Image) (image.Point, bool) {
	b := m.Bounds()
	var rows, left, right, top, bottom int
	for y := b.Min.Y; y < b.Max.Y; y++ {
		from, to, n := b.Max.X, b.Min.X, 0
		for x := b.Min.X; x < b.Max.X; x++ {
			r, g, bl, _ := m.At(x, y).RGBA()
			if r>>8 > 0xd0 && g>>8 > 0x50 && g>>8 < 0xa0 && bl>>8 > 0x50 && bl>>8 < 0xa0 {
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

// colours counts the different colours of a picture, up to 1000.
func colours(m image.Image) int {
	seen := map[[3]uint32]bool{}
	b := m.Bounds()
	for y := b.Min.Y; y < b.Max.Y && len(seen) < 1000; y += 3 {
		for x := b.Min.X; x < b.Max.X; x += 3 {
			r, g, bl, _ := m.At(x, y).RGBA()
			seen[[3]uint32{r, g, bl}] = true
		}
	}
	return len(seen)
}

func keep(t *testing.T, m image.Image, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := png.Encode(f, m); err != nil {
		t.Fatal(err)
	}
}
