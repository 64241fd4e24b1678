package command_test

import (
	"bytes"
	"fmt"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ingle-home/ingle/hub/api/apitest"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/command"
	"github.com/ingle-home/ingle/hub/hap/setup"
	"github.com/ingle-home/ingle/i18n"
)

// full is a home with a server of each kind.
func full() *apitest.Home {
	h := apitest.New(wire.Open)
	h.Bridge(
		wire.HomeKit{ID: "bridge", Name: "Ingle", Kind: "bridge", Port: 51826, DeviceID: "AA:BB:CC:DD:EE:01",
			SetupCode: "482-61-937", SetupURI: apitest.SetupURI, Paired: true, Controllers: 3},
		wire.HomeKit{ID: apitest.Camera, Name: "Porch", Kind: "camera", Port: 40001, DeviceID: "AA:BB:CC:DD:EE:02",
			SetupCode: "239-06-429", SetupURI: "X-HM://00GWLID8DCFAV", Paired: true, Controllers: 1},
		wire.HomeKit{ID: "private", Name: "Bridge", Kind: "private"},
	)
	return h
}

func TestSeveralServers(t *testing.T) {
	speak(t, "C", "dumb")
	d := sit(t, full())
	var got strings.Builder
	for _, line := range []string{"homekit", "homekit porch --qr", "homekit private --json", "homekit private --png card.png", "homekit new-code private", "homekit bridge", "homekit Bridge", "homekit new-code", "homekit new-code Porch",
		"homekit forget", "homekit forget porch", "homekit forget porch --yes", "homekit arm --for 500ms", "homekit arm --for 2h", "homekit private",
		"homekit arm --json", "homekit disarm", "homekit disarm --json", "homekit private", "homekit new-code private", "homekit --png card.png", "homekit porch --png " + d.dir, "status"} {
		fmt.Fprint(&got, d.lasting("$ hub "+line+"\n")+d.shown(line, ""))
	}
	golden(t, "servers", got.String())
}

func TestAThingIsMoved(t *testing.T) {
	speak(t, "C", "dumb")
	h := full()
	d := sit(t, h)
	var got strings.Builder
	for _, line := range []string{"homekit move", "homekit move " + apitest.Toy + " private", "homekit move " + apitest.Camera + " private", "homekit move " + apitest.Camera + " alone --json",
		"homekit move " + apitest.Camera + " alone", "homekit move " + apitest.Toy + " bridge", "homekit move nobody bridge", "homekit move " + apitest.Toy + " cellar"} {
		fmt.Fprint(&got, d.lasting("$ hub "+line+"\n")+d.shown(line, ""))
	}
	golden(t, "moved", got.String())
}

func TestTheCard(t *testing.T) {
	d := sit(t, full())
	file := filepath.Join(d.dir, "my card.png")
	if err := os.WriteFile(file, []byte("an old card"), 0o644); err != nil {
		t.Fatal(err)
	}
	out, complaint, code := d.types(`homekit porch --png "`+file+`"`, "")
	if code != 0 || !strings.Contains(out, file) || !strings.Contains(out, "Porch") || strings.Contains(out, "239-06-429") {
		t.Errorf("exit code %d: %s%s", code, out, complaint)
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	if err := setup.PNG(&want, "X-HM://00GWLID8DCFAV", "239-06-429", 12); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(raw, want.Bytes()) {
		t.Error("the card is another server's")
	}
	if _, err := png.Decode(bytes.NewReader(raw)); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others can read the card: %v, %v", info.Mode(), err)
	}
	if out, _, code := d.types(`homekit porch --json --png "`+file+`"`, ""); code != 0 || !strings.HasPrefix(out, "[{") {
		t.Errorf("exit code %d: %s", code, out)
	}
}

// terminal gives the two ends of a terminal: what a program writes to it, and what a person reads.
func terminal(t *testing.T) (program *os.File, person *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("this system gives no terminal: %v", err)
	}
	t.Cleanup(func() { _ = person.Close() })
	fd := int(person.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("this system gives no terminal: %v", err)
	}
	return program, person
}

// onScreen is what a person reads of what write says.
func onScreen(t *testing.T, write func(out *os.File)) string {
	t.Helper()
	program, person := terminal(t)
	seen := make(chan string, 1)
	go func() {
		raw, _ := io.ReadAll(person) // ends with EIO when the program has gone
		seen <- strings.ReplaceAll(string(raw), "\r\n", "\n")
	}()
	write(program)
	if err := program.Close(); err != nil {
		t.Error(err)
	}
	return <-seen
}

func drawn(t *testing.T, able setup.Terminal, uri string) string {
	t.Helper()
	lines, err := able.QR(uri)
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

func TestTheCodeToScanIsInTheTerminal(t *testing.T) {
	speak(t, "en_GB.UTF-8", "xterm-256color")
	colour := setup.Terminal{UTF8: true, Colour: true}
	bridge := drawn(t, colour, apitest.SetupURI)
	fresh := sit(t, apitest.New(wire.Unclaimed))
	screen := onScreen(t, func(out *os.File) {
		fresh.start(t.Context(), []string{"setup", "--password-stdin"}, "quiet otters paint seven lanterns", out, out)
	})
	if want := "HomeKit “Ingle”: code 482-61-937, QR " + apitest.SetupURI + "\n" + bridge; !strings.HasSuffix(screen, want) {
		t.Errorf("setup shows:\n%s", screen)
	}
	if n := strings.Count(screen, "\n"); n > 23 {
		t.Errorf("%d lines do not fit on a small screen", n)
	}
	d := sit(t, full())
	screen = onScreen(t, func(out *os.File) { d.start(t.Context(), []string{"homekit"}, "", out, out) })
	if strings.Contains(screen, "\x1b") {
		t.Errorf("codes that are of no use are shown:\n%s", screen)
	}
	screen = onScreen(t, func(out *os.File) { d.start(t.Context(), []string{"homekit", "arm"}, "", out, out) })
	if !strings.HasSuffix(screen, drawn(t, colour, apitest.PrivateURI)) {
		t.Errorf("an armed server shows:\n%s", screen)
	}
	screen = onScreen(t, func(out *os.File) { d.start(t.Context(), []string{"homekit", "Ingle", "--qr"}, "", out, out) })
	if !strings.HasSuffix(screen, bridge) {
		t.Errorf("a code that is asked for:\n%s", screen)
	}
	speak(t, "C", "dumb")
	screen = onScreen(t, func(out *os.File) { d.start(t.Context(), []string{"homekit", "Ingle", "--qr"}, "", out, out) })
	if !strings.HasSuffix(screen, drawn(t, setup.Terminal{}, apitest.SetupURI)) {
		t.Errorf("a terminal of old:\n%s", screen)
	}
}

func TestOnlyBridgesAreDrawnAtTheStart(t *testing.T) {
	speak(t, "en_GB.UTF-8", "xterm")
	text := command.At(i18n.For("en").With(i18n.Args{"hub": "bin/ingle-hub"}), "/my house")
	porch := wire.HomeKit{Name: "Porch", Kind: "camera", SetupCode: "239-06-429", SetupURI: "X-HM://00GWLID8DCFAV"}
	ingle := wire.HomeKit{Name: "Ingle", Kind: "bridge", SetupCode: "482-61-937", SetupURI: apitest.SetupURI}
	screen := onScreen(t, func(out *os.File) {
		if err := command.HomeKit(out, text, []wire.HomeKit{ingle, porch}); err != nil {
			t.Error(err)
		}
	})
	want := "HomeKit “Ingle”: code 482-61-937, QR X-HM://0023ISYWYINGL\n" + drawn(t, setup.Terminal{UTF8: true, Colour: true}, apitest.SetupURI) +
		"HomeKit “Porch”: code 239-06-429, QR X-HM://00GWLID8DCFAV\nAll QR codes: bin/ingle-hub homekit --data '/my house'\n"
	if screen != want {
		t.Errorf("the terminal shows:\n%s", screen)
	}
	var piped bytes.Buffer
	if err := command.HomeKit(&piped, text, []wire.HomeKit{ingle, porch}); err != nil || strings.Count(piped.String(), "\n") != 2 {
		t.Errorf("a pipe gets %q, %v", &piped, err)
	}
}

func TestChangesAreShownAsTheyHappen(t *testing.T) {
	for _, c := range []struct {
		line  string
		start string
		then  string
	}{
		{"watch", "Waiting for changes", "Rocket: speed 50\n"},
		{"watch --json", `"accessories"`, `"trait":"speed","value":50`},
	} {
		d := sit(t, apitest.New(wire.Open))
		said := &spoken{more: make(chan struct{}, 1)}
		ctx, stop := contextOf(t)
		ended := make(chan int, 1)
		go func() { ended <- d.start(ctx, strings.Fields(c.line), "", said, said) }()
		said.await(t, c.start)
		if _, complaint, code := d.types("do toy-rocket speed 50", ""); code != 0 {
			t.Fatal(complaint)
		}
		said.await(t, c.then)
		stop()
		select {
		case code := <-ended:
			if code != 0 {
				t.Errorf("%s: ended with %d: %s", c.line, code, said)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("%s: goes on", c.line)
		}
	}
}

func TestTokensOfScripts(t *testing.T) {
	d := sit(t, apitest.New(wire.Open))
	if out, _, code := d.types("tokens list", ""); code != 0 || !strings.Contains(out, "hub tokens add NAME") {
		t.Errorf("no token: %d %s", code, out)
	}
	out, _, code := d.types("tokens add Bell --role guest --days 7", "")
	if code != 0 || !strings.Contains(out, apitest.TokenSecret) || !strings.Contains(out, "Bell") {
		t.Errorf("a token: %d %s", code, out)
	}
	if out, _, code := d.types("tokens list", ""); code != 0 || !strings.Contains(out, "Bell") || strings.Contains(out, apitest.TokenSecret) {
		t.Errorf("the list: %d %s", code, out)
	}
	for want, line := range []string{"tokens revoke Bell", "tokens revoke Bell", "tokens add"} {
		if out, complaint, code := d.types(line, ""); code != want {
			t.Errorf("%s: %d %s%s", line, code, out, complaint)
		}
	}
	if _, complaint, code := d.types("tokens add King --role owner", ""); code == 0 || complaint == "" {
		t.Errorf("an owner's token: %d %s", code, complaint)
	}
}
