package command_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/ingle-home/ingle/hub/api/apitest"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/command"
	"github.com/ingle-home/ingle/i18n"
)

var update = flag.Bool("update", false, "write the golden files anew")

// desk is a person at the console of a running hub.
type desk struct {
	t    *testing.T
	home *apitest.Home
	dir  string
}

func sit(t *testing.T, home *apitest.Home) *desk {
	t.Helper()
	socket := apitest.Socket(t)
	home.Serve(t, socket)
	return &desk{t: t, home: home, dir: filepath.Dir(socket)}
}

// types runs a command line as the program does; input is what is piped in.
func (d *desk) types(line, input string) (out, complaint string, code int) {
	d.t.Helper()
	var stdout, stderr bytes.Buffer
	code = d.start(d.t.Context(), words(d.t, line), input, &stdout, &stderr)
	return stdout.String(), stderr.String(), code
}

func (d *desk) start(ctx context.Context, args []string, input string, out, complaints writer) int {
	text := i18n.For("en")
	program := &cobra.Command{Use: "hub", Short: text.Text("command.hub", nil)}
	program.SetOut(out)
	program.SetErr(complaints)
	program.SetIn(strings.NewReader(input))
	if len(args) > 0 { // the program itself has no folder
		args = append(args, "--data", d.dir)
	}
	program.SetArgs(args)
	return command.Run(ctx, text, program)
}

type writer interface{ Write([]byte) (int, error) }

// words splits a line as a shell does, as far as these tests need it.
func words(t *testing.T, line string) []string {
	t.Helper()
	list := []string{} // nil would make cobra take the words of the test's own process
	for _, w := range regexp.MustCompile(`"[^"]*"|[^ ]+`).FindAllString(line, -1) {
		list = append(list, strings.Trim(w, `"`))
	}
	return list
}

// visits are what golden files show: what is typed, what is answered.
func visits() []struct {
	name  string
	state wire.State
	lines []string // "line < input"
} {
	return []struct {
		name  string
		state wire.State
		lines []string
	}{
		{"claim", wire.Unclaimed, []string{
			"status", "status --json", "list", "setup", "setup --password-stdin < short", "unlock --password-stdin < any words at all",
			"setup --password-stdin < quiet otters paint seven lanterns", "setup --password-stdin < quiet otters paint seven lanterns", "status",
		}},
		{"claim-json", wire.Unclaimed, []string{"setup --password-stdin --json < quiet otters paint seven lanterns"}},
		{"unlock", wire.Locked, []string{
			"status", "list", "homekit", "people list --json", "do Rocket speed 5", "watch", "unlock", "unlock --password-stdin < wrong",
			"unlock --password-stdin < " + apitest.Password, "status --json",
		}},
		{"unlock-json", wire.Locked, []string{"unlock --password-stdin --json < " + apitest.Password}},
		{"things", wire.Open, []string{
			"list", "list --json",
			`add rtsp --name Garden --address rtsp://127.0.0.1/ --set user=u --secret-stdin --room Garden < p`, "add rtsp --set name=Garden --set address=rtsp://127.0.0.1/",
			"add rtsp --name Yard --json", "remove new-1", "remove new-2 --json", "remove new-1",
			"do toy-rocket speed 50", "do toy-rocket speed 0 --json", "do toy-rocket height 5", "do toy-rocket speed fast", "do toy-rocket battery 5", "do nothing speed 5",
		}},
		{"label", wire.Open, []string{
			"label hub", "label nothing", "label check Porch", "label check Porch --yes", "label offline Porch finish", "label facts verify ../label/facts/facts.signed", "label facts verify ../label/facts/list.json", "label Porch --json", "label facts", "label facts verify",
		}},
		{"keys", wire.Open, []string{
			"password suggest", "password suggest --json", "password change", "password change --password-stdin < " + apitest.Password,
			"password change --password-stdin < wrong\nseven lanterns over a loud harbour", "password change --password-stdin < " + apitest.Password + "\nshort",
			"recovery-code new --password-stdin < " + apitest.Password, "recovery-code new --password-stdin --json < " + apitest.Password, "recovery-code new --password-stdin < wrong",
			"recovery-code confirm", "recovery-code confirm --recovery-code-stdin < " + apitest.NewCode, "recovery-code confirm --recovery-code-stdin < 0000",
			"boot itself --password-stdin < " + apitest.Password, "status", "boot key-file /media/key/ingle.key --password-stdin < " + apitest.Password,
			"boot", "boot --json", "boot locked --password-stdin --json < " + apitest.Password, "boot key-file --password-stdin", "boot sideways", "boot locked",
			"privacy rotate --password-stdin < " + apitest.Password, "privacy rotate --password-stdin --json < " + apitest.Password, "privacy rotate --password-stdin < wrong",
			"password change --password-stdin < " + apitest.Password + "\nseven lanterns over a loud harbour", "unlock --password-stdin < " + apitest.Password,
		}},
		{"claim-locked", wire.Unclaimed, []string{"setup --suggest --start-locked", "status"}},
		{"claim-offered-json", wire.Unclaimed, []string{"setup --suggest --json"}},
		{"family", wire.Open, []string{
			"people list", "people add Noor --role guardian", "people add Robin --json", "people add Kim --role king", "people list --json",
			"zones list", "zones add School --lat 52.5 --lon 13.4 --radius 150", "zones add Den --lat 51.5 --lon -0.25 --radius 120 --json",
			"zones add Nowhere --lat 91 --lon 0 --radius 100", "zones add Nowhere --lat 1", "zones list --json",
		}},
		{"usage", wire.Open, []string{
			"", "add", "add rtsp extra", "remove", "do Rocket", "list all", "list --sideways", "people", "people dance", "people add", "zones dance",
			"watch it", "setup words", "unlock words --password-stdin", "homekit a b", "homekit arm now", "homekit forget a b", "dance",
		}},
		{"cameras", wire.Open, []string{
			"find", "find --json", "find --seconds 1", "secure", "secure cam-porch", "secure cam-porch --yes", "secure cam-porch --yes --json", "secure toy-rocket --yes --json",
			"camera cam-porch", "camera cam-porch --sound on", "camera cam-porch --motion on --sound off --json", "camera cam-porch --sound loud", "camera toy-rocket --sound on",
		}},
		{"homekit", wire.Open, []string{
			"homekit", "homekit --json", "homekit ingle --qr", "homekit nothing", "homekit new-code", "homekit new-code bridge --json", "homekit arm", "homekit disarm",
			"homekit forget", "homekit forget --json", "homekit forget --yes", "homekit forget AA:BB:CC:DD:EE:01 --yes --json",
		}},
	}
}

func TestWhatIsAnswered(t *testing.T) {
	speak(t, "en_GB.UTF-8", "xterm")
	for _, v := range visits() {
		t.Run(v.name, func(t *testing.T) {
			d := sit(t, apitest.New(v.state))
			var got strings.Builder
			for _, line := range v.lines {
				line, input, _ := strings.Cut(line, " < ")
				fmt.Fprint(&got, strings.TrimRight("$ hub "+line, " ")+"\n"+d.shown(line, input))
			}
			golden(t, v.name, got.String())
		})
	}
}

// speak sets the environment of a terminal.
func speak(t *testing.T, lang, term string) {
	t.Helper()
	for name, value := range map[string]string{"LC_ALL": "", "LC_CTYPE": "", "LANG": lang, "TERM": term, "NO_COLOR": ""} {
		t.Setenv(name, value)
	}
}

// shown is what a person sees after a line.
func (d *desk) shown(line, input string) string {
	d.t.Helper()
	out, complaint, code := d.types(line, input)
	for line := range strings.Lines(complaint) {
		out += "! " + line
	}
	if code != 0 {
		out += fmt.Sprintf("= %d\n", code)
	}
	return d.lasting(out)
}

// lasting leaves out what differs from run to run.
func (d *desk) lasting(text string) string {
	text = strings.ReplaceAll(text, d.dir, "DIR")
	text = regexp.MustCompile(`"[^"]*/\.local/share/ingle"`).ReplaceAllString(text, `"HOME"`)
	text = regexp.MustCompile(`\d{4}-\d\d-\d\dT[0-9:.]+Z`).ReplaceAllString(text, "TIME")
	text = regexp.MustCompile(`Known: .*`).ReplaceAllString(text, "Known: TRAITS")
	return regexp.MustCompile(`until \d\d:\d\d`).ReplaceAllString(text, "until TIME")
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; run go test ./hub/command -update and look at the difference. Got:\n%s", file, got)
	}
}

func TestExitCodes(t *testing.T) {
	open, locked, unclaimed := sit(t, apitest.New(wire.Open)), sit(t, apitest.New(wire.Locked)), sit(t, apitest.New(wire.Unclaimed))
	paired, nobody := sit(t, full()), &desk{t: t, dir: t.TempDir()}
	for _, c := range []struct {
		desk *desk
		line string
		want int
	}{
		{open, "list", 0}, {open, "homekit", 0}, {open, "list --help", 0}, {open, "homekit forget", 0},
		{open, "remove nothing", 1}, {open, "homekit nothing", 1}, {nobody, "list", 1}, {nobody, "homekit new-code", 1},
		{open, "list all", 2}, {open, "dance", 2}, {paired, "homekit forget porch", 2}, {open, "homekit arm --for 25h", 2}, {open, "homekit arm --for soon", 2}, {nobody, "unlock", 2},
		{locked, "list", 3}, {locked, "homekit", 3}, {locked, "homekit forget --yes", 3}, {unclaimed, "homekit arm", 3}, {unclaimed, "people add Robin", 3},
	} {
		if _, complaint, code := c.desk.types(c.line, ""); code != c.want || (code == 0) != (complaint == "") {
			t.Errorf("%s: exit code %d, want %d: %s", c.line, code, c.want, complaint)
		}
	}
}

func TestAnOrderReachesTheThing(t *testing.T) {
	d := sit(t, apitest.New(wire.Open))
	d.types("do toy-rocket speed 50", "")
	if done := d.home.Orders(); len(done) != 1 || done[0].Accessory != apitest.Toy || string(done[0].Value) != "50" {
		t.Errorf("the toy was told %+v", done)
	}
}
