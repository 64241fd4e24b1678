package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	buttplug "github.com/ingle-home/ingle/accessories/buttplug/sim"
	"github.com/ingle-home/ingle/accessories/media"
	onvif "github.com/ingle-home/ingle/accessories/onvif/sim"
	rtsp "github.com/ingle-home/ingle/accessories/rtsp/sim"
	setracker "github.com/ingle-home/ingle/accessories/setracker/sim"
	"github.com/ingle-home/ingle/hub/api/claim"
	"github.com/ingle-home/ingle/hub/api/client"
	"github.com/ingle-home/ingle/hub/api/wire"
)

// TestMain makes "hub" a program that scripts and tests can run: this very code, as a process.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"hub": main})
}

// TestScripts runs what people type. The scripts' own commands are below.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("XDG_DATA_HOME", e.WorkDir)
			e.Setenv("DATA", filepath.Join(e.WorkDir, "ingle"))
			e.Vars = append(e.Vars, "LANG=en_GB.UTF-8", hurry)
			s := &scene{sims: map[string]simulator{}, said: map[string]*notes{}}
			e.Values[scene{}.key()] = s
			e.Defer(s.close)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"up": up, "down": down, "cut": cut, "exit": exit, "await": await,
			"sim": startSim, "act": act, "occupy": occupy, "vacate": vacate, "noise": noise, "follow": follow, "seen": seen,
			"claim": claimHub,
		},
	})
}

// scene is what one script has running.
type scene struct {
	hub  *process
	sims map[string]simulator
	held []net.Listener
	said map[string]*notes // what followed programs have written
}

func (scene) key() string { return "scene" }

func on(ts *testscript.TestScript) *scene { return ts.Value(scene{}.key()).(*scene) }

func (s *scene) close() {
	if s.hub != nil {
		s.hub.kill()
	}
	for _, sim := range s.sims {
		_ = sim.Close() // the script is over
	}
	for _, ln := range s.held {
		_ = ln.Close() // the script is over
	}
}

// up starts a hub on $DATA and waits for its ready line: up [flag...].
func up(ts *testscript.TestScript, _ bool, flags []string) {
	p, err := launch(ts.Getenv("DATA"), flags...)
	ts.Check(err)
	on(ts).hub = p
	ts.Setenv("STATE", string(p.ready.State))
	ts.Setenv("API", strings.TrimPrefix(p.ready.API, "https://"))
}

// down ends the hub as the system does.
func down(ts *testscript.TestScript, _ bool, _ []string) { ts.Check(on(ts).hub.stop()) }

// cut ends the hub with kill -9.
func cut(ts *testscript.TestScript, _ bool, _ []string) { on(ts).hub.kill() }

// exit runs a program that must end with a code: exit CODE PROGRAM [arg...].
func exit(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		got = ended.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// await runs a program until its output matches: await REGEXP PROGRAM [arg...].
func await(ts *testscript.TestScript, _ bool, args []string) {
	want, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	if !within(context.Background(), func() bool {
		err = ts.Exec(args[1], args[2:]...)
		return err == nil && want.MatchString(ts.ReadFile("stdout"))
	}) {
		ts.Fatalf("in vain: %q", args[0])
	}
}

// startSim starts a simulated thing and puts its address into the variable of its name:
// sim camera|toy|watch.
func startSim(ts *testscript.TestScript, _ bool, args []string) {
	var sim simulator
	var err error
	switch args[0] {
	case "camera":
		sim, err = rtsp.Start(rtsp.Options{User: "ingle", Password: "porch-light-9"})
	case "onvif":
		sim, err = onvif.Start(onvif.Options{User: "ingle", Password: "porch-light-9", Doorbell: true, Sound: media.PCMU})
	case "toy":
		sim, err = buttplug.Start(buttplug.Options{MaxPingTime: time.Second})
	case "watch":
		sim, err = setracker.Start(setracker.Options{Repeat: 100 * time.Millisecond})
		port, release, ferr := freePort()
		ts.Check(ferr)
		ts.Defer(release)
		ts.Setenv("DOOR", port)
	default:
		ts.Fatalf("no simulator %q", args[0])
	}
	ts.Check(err)
	on(ts).sims[args[0]] = sim
	ts.Setenv(strings.ToUpper(args[0]), sim.Address())
}

// act has a simulated thing do something, or waits until what it received matches:
// act THING EVENT [key=value...] or act THING -received REGEXP.
func act(ts *testscript.TestScript, _ bool, args []string) {
	sim := on(ts).sims[args[0]]
	if sim == nil {
		ts.Fatalf("no %s runs", args[0])
	}
	if args[1] != "-received" {
		q, err := url.ParseQuery(strings.Join(args[2:], "&"))
		ts.Check(err)
		ts.Check(sim.Do(context.Background(), args[1], q))
		return
	}
	want, err := regexp.Compile(args[2])
	ts.Check(err)
	var last []byte
	if !within(context.Background(), func() bool {
		last, err = json.Marshal(sim.State())
		return err == nil && want.Match(last)
	}) {
		ts.Fatalf("the %s received %s", args[0], last)
	}
}

// occupy takes a port of loopback, any free one unless its number is given, and puts the number into a
// variable: occupy NAME [PORT].
func occupy(ts *testscript.TestScript, _ bool, args []string) {
	port := "0"
	if len(args) > 1 {
		port = args[1]
	}
	ln, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", port))
	ts.Check(err)
	on(ts).held = append(on(ts).held, ln)
	ts.Setenv(args[0], strconv.Itoa(ln.Addr().(*net.TCPAddr).Port))
}

// vacate gives every port back.
func vacate(ts *testscript.TestScript, _ bool, _ []string) {
	for _, ln := range on(ts).held {
		ts.Check(ln.Close())
	}
	on(ts).held = nil
}

// noise sends what no protocol has to a port, on several lines: noise PORT.
func noise(ts *testscript.TestScript, _ bool, args []string) {
	for _, start := range []string{"", "[", "[3G*", "[3G*3456789012*FFFF*", "GET / HTTP/1.1\r\n\r\n", "[3G*3456789012*0002*LK", "[3G*0000000000*0002*AL]"} {
		c, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", args[0]))
		ts.Check(err)
		ts.Check(c.SetDeadline(time.Now().Add(patience)))
		_, _ = io.WriteString(c, start)                      // it may hang up at once
		_, _ = io.CopyN(c, rand.Reader, 64<<10)              // as well
		_ = c.(*net.TCPConn).CloseWrite()                    // as well
		_, _ = io.Copy(io.Discard, io.LimitReader(c, 1<<20)) // until it hangs up
		ts.Check(c.Close())
	}
}

// follow starts a program that goes on until the script ends, and then must end well when it is
// interrupted: follow NAME PROGRAM [arg...].
func follow(ts *testscript.TestScript, _ bool, args []string) {
	said := &notes{}
	cmd := exec.Command(args[1], args[2:]...)
	cmd.Env = surroundings("XDG_DATA_HOME=" + ts.Getenv("XDG_DATA_HOME"))
	cmd.Stdout, cmd.Stderr = said, said
	ts.Check(cmd.Start())
	on(ts).said[args[0]] = said
	ts.Defer(func() {
		_ = cmd.Process.Signal(os.Interrupt) // if it has gone, Wait says how
		ts.Check(cmd.Wait())
	})
}

// seen waits until a followed program has written what matches: seen NAME REGEXP.
func seen(ts *testscript.TestScript, _ bool, args []string) {
	want, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	said := on(ts).said[args[0]]
	if !within(context.Background(), func() bool { return want.MatchString(said.String()) }) {
		ts.Fatalf("in vain: %q; it wrote:\n%s", args[1], said)
	}
}

// claimHub has an app prove the codes in files, as the hub printed them, one after the other; the last
// answer's code becomes stdout, which is empty when it went well: claim APP FILE...
func claimHub(ts *testscript.TestScript, _ bool, args []string) {
	vault := client.File(ts.MkAbs(args[0] + ".json"))
	said := ""
	for _, file := range args[1:] {
		var c wire.ClaimCode
		ts.Check(json.Unmarshal([]byte(ts.ReadFile(file)), &c))
		_, err := client.Pair(context.Background(), vault, ts.Getenv("API"), c.Code, claim.App{Name: "Phone", Platform: "script"})
		if said = wire.Code(err); err != nil && said == "" {
			ts.Check(err)
		}
	}
	ts.Check(ts.Exec("echo", said))
}
