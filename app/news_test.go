package app_test

import (
	"bufio"
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/api/apitest"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/i18n"
)

const patience = time.Minute

// desktop is what shows notices and the tray, on a session bus of its own: org.freedesktop.Notifications
// (Desktop Notifications 1.2) and org.kde.StatusNotifierWatcher with com.canonical.dbusmenu.
type desktop struct {
	t       *testing.T
	address string
	conn    *dbus.Conn
	notices chan notice
	trays   chan string
	tray    dbus.BusObject
}

type notice struct{ Title, Text string }

// Notify is how a program shows a notice.
func (d *desktop) Notify(_ string, _ uint32, _, title, text string, _ []string, _ map[string]dbus.Variant, _ int32) (uint32, *dbus.Error) {
	d.notices <- notice{title, text}
	return 1, nil
}

// RegisterStatusNotifierItem is how a program comes into the tray.
func (d *desktop) RegisterStatusNotifierItem(_ string, who dbus.Sender) *dbus.Error {
	d.trays <- string(who)
	return nil
}

func openDesktop(t *testing.T) *desktop {
	t.Helper()
	d := &desktop{t: t, notices: make(chan notice, 64), trays: make(chan string, 64)}
	d.address = started(t, exec.Command("dbus-daemon", "--session", "--nofork", "--nopidfile", "--nosyslog", "--print-address=3"))
	var err error
	if d.conn, err = dbus.Connect(d.address); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.conn.Close() })
	for name, path := range map[string]dbus.ObjectPath{"org.freedesktop.Notifications": "/org/freedesktop/Notifications", "org.kde.StatusNotifierWatcher": "/StatusNotifierWatcher"} {
		if err := d.conn.Export(d, path, name); err != nil {
			t.Fatal(err)
		}
		if _, err := d.conn.RequestName(name, dbus.NameFlagDoNotQueue); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// item is a line of the tray's menu.
type item struct {
	id      int32
	label   string
	checked bool
}

// menu is what the tray offers now.
func (d *desktop) menu() (list []item) {
	d.t.Helper()
	var revision uint32
	var root struct {
		ID    int32
		About map[string]dbus.Variant
		Items []dbus.Variant
	}
	if err := d.tray.Call("com.canonical.dbusmenu.GetLayout", 0, int32(0), int32(-1), []string{}).Store(&revision, &root); err != nil {
		d.t.Fatal(err)
	}
	for _, v := range root.Items {
		var one struct {
			ID    int32
			About map[string]dbus.Variant
			Items []dbus.Variant
		}
		if err := dbus.Store([]any{v.Value()}, &one); err != nil {
			d.t.Fatal(err)
		}
		label, _ := one.About["label"].Value().(string)
		state, _ := one.About["toggle-state"].Value().(int32)
		list = append(list, item{one.ID, label, state == 1})
	}
	return list
}

// item waits for a line of the tray's menu, which is empty while it is made anew.
func (d *desktop) item(label string) (found item) {
	d.t.Helper()
	await(d.t, "the tray has "+label, func() bool {
		list := d.menu()
		i := slices.IndexFunc(list, func(i item) bool { return i.label == label })
		if i >= 0 {
			found = list[i]
		}
		return i >= 0
	})
	return found
}

func (d *desktop) press(label string) {
	d.t.Helper()
	if err := d.tray.Call("com.canonical.dbusmenu.Event", 0, d.item(label).id, "clicked", dbus.MakeVariant(""), uint32(0)).Err; err != nil {
		d.t.Fatal(err)
	}
}

// shows waits for the next notice, which must be this one.
func (d *desktop) shows(want notice) {
	d.t.Helper()
	select {
	case got := <-d.notices:
		if got != want {
			d.t.Errorf("the notice says %q, not %q", got, want)
		}
	case <-time.After(patience):
		d.t.Fatalf("no notice says %q", want)
	}
}

// TestTheTrayAndTheNotices runs the app in German before a hub: who calls for help, who rings and who falls
// silent is told once, also when the line to the hub was lost in between, and the tray's menu acts.
func TestTheTrayAndTheNotices(t *testing.T) {
	for _, tool := range []string{"Xvfb", "dbus-daemon"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed here: `make test` installs it", tool)
		}
	}
	now := time.Now()
	h, socket := apitest.New(wire.Open), apitest.Socket(t)
	stop := h.Serve(t, socket)
	h.Report(apitest.Camera, trait.Doorbell.Of(true, now.Add(-time.Hour))) // rang before the app was there
	h.Report("privacy", trait.Privacy.Of(true, now))
	d := openDesktop(t)
	runApp(t, d, socket)
	select {
	case who := <-d.trays:
		d.tray = d.conn.Object(who, "/StatusNotifierItem/menu")
	case <-time.After(patience):
		t.Fatal("the app does not come into the tray")
	}
	const privacy, all = "Privatsphäre", "Alles stopp"
	private := func(on bool) func() bool { return func() bool { return d.item(privacy).checked == on } }
	await(t, "Privacy is ticked", private(true))
	d.press(privacy)
	await(t, "the hub is told", func() bool { return ordered(h, trait.Privacy.ID(), "false") })
	await(t, "Privacy is not ticked", private(false))
	d.press(all)
	await(t, "everything is told to stop", func() bool { return ordered(h, trait.StopAll.ID(), "true") })

	rings := notice{"Porch: Es klingelt", ""}
	h.Report(apitest.Watch, trait.Emergency.Of(true, now))
	d.shows(notice{"Mia: SOS", "seit " + now.Format("15:04")})
	h.Report(apitest.Camera, trait.Doorbell.Of(true, now))
	d.shows(rings)
	h.Publish(wire.Change{Condition: &wire.Standing{Accessory: apitest.Watch, Condition: wire.Condition{State: "waiting", Code: "accessory-unreachable"}}})
	d.shows(notice{"Mia's watch meldet sich nicht", i18n.For("de").Text("health.accessory-unreachable", i18n.Args{"name": "Mia's watch"})})

	stop()
	h.Report("privacy", trait.Privacy.Of(true, now.Add(time.Second)))
	h.Serve(t, socket)
	await(t, "the app is there again", private(true))
	h.Report(apitest.Camera, trait.Doorbell.Of(true, now.Add(time.Second)))
	d.shows(rings) // and nothing before it
	h.Report("privacy", trait.Privacy.Of(false, now.Add(2*time.Second)))
	await(t, "the app has heard it all", private(false))
	select {
	case n := <-d.notices:
		t.Errorf("told again: %q", n)
	default:
	}
}

// ordered says whether a command reached the hub.
func ordered(h *apitest.Home, of, value string) bool {
	for _, o := range h.Orders() {
		if o.Trait == of && string(o.Value) == value {
			return true
		}
	}
	return false
}

func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for end := time.Now().Add(patience); !is(); <-look.C {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

// runApp runs the app on a display and a desktop until the test ends.
func runApp(t *testing.T, d *desktop, socket string) {
	t.Helper()
	home := t.TempDir()
	app := cmp.Or(os.Getenv("INGLE_APP"), filepath.Join(t.TempDir(), "ingle"))
	if os.Getenv("INGLE_APP") == "" {
		if said, err := exec.Command("go", "build", "-buildvcs=false", "-o", app, "..").CombinedOutput(); err != nil {
			t.Fatalf("build: %v\n%s", err, said)
		}
	}
	screen := ":" + started(t, exec.Command("Xvfb", "-displayfd", "3", "-screen", "0", "1100x780x24", "+extension", "GLX", "-nolisten", "tcp"))
	cmd := exec.Command(app, "--hub", socket)
	cmd.Env = append(os.Environ(), "DISPLAY="+screen, "WAYLAND_DISPLAY=", "DBUS_SESSION_BUS_ADDRESS="+d.address, "HOME="+home, "XDG_CONFIG_HOME="+home,
		"XDG_CACHE_HOME="+filepath.Join(home, "cache"), "XDG_RUNTIME_DIR="+home, "LANG=de_DE.UTF-8", "LC_ALL=de_DE.UTF-8")
	run(t, cmd)
}

// started runs a program that writes one line into its file 3 when it is ready, and gives that line.
func started(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	mine, theirs, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer mine.Close()
	cmd.ExtraFiles = []*os.File{theirs}
	run(t, cmd)
	_ = theirs.Close()
	line, err := bufio.NewReader(mine).ReadString('\n')
	if err != nil {
		t.Fatalf("%s did not start: %v", cmd.Path, err)
	}
	return strings.TrimSpace(line)
}

func run(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		kill := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
		defer kill.Stop()
		_ = cmd.Wait() // how it ends is not tested
		if t.Failed() {
			t.Logf("%s said:\n%s", cmd.Path, &said)
		}
	})
}
