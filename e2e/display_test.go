package e2e

import (
	"bufio"
	"context"
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// pictures is where what the window showed is kept, to look at; bin is in no commit.
const pictures = "../bin/window"

// window is the running app on a display of its own, as a person has it before them.
type window struct {
	screen string // the display
	said   string // its log
	name   string // of the test, for pictures
}

// openWindow runs the app against a hub's socket.
func openWindow(t *testing.T, socket string, flags ...string) *window {
	t.Helper()
	for _, tool := range []string{"Xvfb", "xdotool", "import", "dbus-daemon"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed here: `make test` installs it", tool)
		}
	}
	app, err := binary("INGLE_APP", ".")
	if err != nil {
		t.Fatal(err)
	}
	w := &window{screen: display(t), name: t.Name()}
	home, run := t.TempDir(), t.TempDir()
	if err := os.Chmod(run, 0o700); err != nil {
		t.Fatal(err)
	}
	w.said = start(t, exec.Command(app, append([]string{"--hub", socket}, flags...)...), "DISPLAY="+w.screen, "WAYLAND_DISPLAY=",
		"DBUS_SESSION_BUS_ADDRESS="+bus(t), "HOME="+home, "XDG_CONFIG_HOME="+home, "XDG_CACHE_HOME="+filepath.Join(home, "cache"),
		"XDG_RUNTIME_DIR="+run, "LANG=en_US.UTF-8")
	t.Cleanup(func() { w.quiet(t) })
	return w
}

// quiet wants nothing in the log: Fyne writes there what an app does wrong, such as drawing from a
// goroutine of its own, and what it misses.
func (w *window) quiet(t *testing.T) {
	t.Helper()
	said, err := os.ReadFile(w.said)
	if err != nil {
		t.Error(err)
	}
	for line := range strings.Lines(string(said)) {
		if strings.Contains(line, "org.kde.StatusNotifierWatcher was not provided") {
			continue // this display has no tray
		}
		t.Errorf("the app said: %s", strings.TrimSpace(line))
	}
}

// press presses keys, such as "ctrl+k" or "Tab".
func (w *window) press(t *testing.T, keys ...string) {
	t.Helper()
	w.do(t, append([]string{"key", "--delay", "60"}, keys...)...)
}

// write types a text.
func (w *window) write(t *testing.T, text string) {
	t.Helper()
	w.do(t, "type", "--delay", "30", text)
}

// click presses the mouse at a point.
func (w *window) click(t *testing.T, at image.Point) {
	t.Helper()
	w.do(t, "mousemove", fmt.Sprint(at.X), fmt.Sprint(at.Y), "click", "1")
}

func (w *window) do(t *testing.T, args ...string) {
	t.Helper()
	shell(t, w.screen, "xdotool", args...)
}

// visit opens a page or a thing by its name, with the search.
func (w *window) visit(t *testing.T, name string) {
	t.Helper()
	before := w.look(t)
	w.press(t, "ctrl+k")
	until(t, 10*time.Second, "the search opens", func() bool { return differ(before, w.look(t), before.Bounds()) > 1000 })
	w.write(t, name)
	open := w.steady(t, image.Rect(370, 170, 700, 560))
	w.press(t, "Return")
	until(t, 10*time.Second, "the search closes", func() bool { return differ(open, w.look(t), image.Rect(370, 170, 700, 560)) > 1000 })
}

// look takes a picture of the whole display.
func (w *window) look(t *testing.T) *image.RGBA {
	t.Helper()
	m, err := png.Decode(strings.NewReader(string(shell(t, w.screen, "import", "-window", "root", "png:-"))))
	if err != nil {
		t.Fatal(err)
	}
	out := image.NewRGBA(m.Bounds())
	draw.Draw(out, out.Bounds(), m, image.Point{}, draw.Src)
	return out
}

// steady waits until a part of the window does not change any more.
func (w *window) steady(t *testing.T, part image.Rectangle) *image.RGBA {
	t.Helper()
	last, same := w.look(t), 0
	until(t, 20*time.Second, "the window is at rest", func() bool {
		now := w.look(t)
		if same++; differ(last, now, part) > 0 {
			same = 0
		}
		last = now
		return same >= 3
	})
	return last
}

// keep writes what the window shows into a file of the test's.
func (w *window) keep(t *testing.T, m image.Image, name string) {
	t.Helper()
	path := filepath.Join(pictures, regexp.MustCompile(`\W`).ReplaceAllString(w.name, "-")+"-"+name+".png")
	if err := os.MkdirAll(pictures, 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := png.Encode(f, m); err != nil {
		t.Fatal(err)
	}
	t.Logf("kept %s", path)
}

// differ counts the pixels of a part that differ between two pictures.
func differ(a, b *image.RGBA, part image.Rectangle) (n int) {
	for y := part.Min.Y; y < part.Max.Y; y++ {
		for x := part.Min.X; x < part.Max.X; x++ {
			if a.RGBAAt(x, y) != b.RGBAAt(x, y) {
				n++
			}
		}
	}
	return n
}

// display starts a virtual display and gives its name.
func display(t *testing.T) string {
	t.Helper()
	return ":" + announced(t, func(fd string) *exec.Cmd {
		return exec.Command("Xvfb", "-displayfd", fd, "-screen", "0", "1100x780x24", "+extension", "GLX", "-nolisten", "tcp")
	})
}

// bus starts a session bus, as every desktop has one, and gives its address.
func bus(t *testing.T) string {
	t.Helper()
	return announced(t, func(fd string) *exec.Cmd {
		return exec.Command("dbus-daemon", "--session", "--nofork", "--nopidfile", "--nosyslog", "--print-address="+fd)
	})
}

// announced starts a program that writes one line into a file that it inherits, and gives that line.
func announced(t *testing.T, made func(fd string) *exec.Cmd) string {
	t.Helper()
	mine, theirs, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer mine.Close()
	cmd := made("3")
	cmd.ExtraFiles = []*os.File{theirs}
	start(t, cmd)
	_ = theirs.Close()
	line, err := bufio.NewReader(mine).ReadString('\n')
	if err != nil {
		t.Fatalf("%s did not start: %v", cmd.Path, err)
	}
	return strings.TrimSpace(line)
}

// start runs a program until the test ends, and gives the file with what it says.
func start(t *testing.T, cmd *exec.Cmd, env ...string) string {
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
	return log.Name()
}

func shell(t *testing.T, screen, name string, args ...string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "DISPLAY="+screen)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return out
}
