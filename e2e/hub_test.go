package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	insideEnv = "INGLE_E2E_INSIDE" // marks the process that runs in a network of its own
	egressEnv = "INGLE_EGRESS"     // the program that makes and watches that network
)

// TestMain runs the tests in a network of their own, where the clients' multicasts stay on the machine and
// every packet and look-up that would have left the home is counted: one fails the run.
func TestMain(m *testing.M) {
	if os.Getenv(insideEnv) != "" {
		os.Exit(m.Run())
	}
	env, programs := append(os.Environ(), insideEnv+"=1"), map[string]string{}
	for name, pkg := range map[string]string{
		egressEnv: "./internal/egress", "INGLE_HUB": "./hub", benchEnv: "./hub/hap/benchbridge", go2rtcEnv: "github.com/AlexxIT/go2rtc",
	} {
		path, err := binary(name, pkg)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		env, programs[name] = append(env, name+"="+path), path
	}
	args := append(slices.Clone(os.Args), "-test.parallel=8") // those that run side by side wait most of the time
	cmd := exec.Command(programs[egressEnv], args...)
	cmd.Env = env
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "e2e: the tests in their own network:", err)
		os.Exit(1)
	}
}

// binary is the program to test: the one that the environment names, or one built now.
func binary(env, pkg string) (string, error) {
	if path := os.Getenv(env); path != "" {
		return path, nil
	}
	path := filepath.Join(os.TempDir(), fmt.Sprintf("ingle-e2e-%s-%d", filepath.Base(pkg), os.Getuid()))
	cmd := exec.Command("go", "build", "-o", path, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if strings.HasPrefix(pkg, ".") { // of ours
		cmd.Dir, cmd.Env = "..", append(os.Environ(), "CGO_ENABLED=1")
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("e2e: build %s: %w\n%s", pkg, err, out)
	}
	return path, nil
}

type bridge struct {
	Name      string `json:"name"`
	Kind      string `json:"kind"`
	Port      int    `json:"port"`
	DeviceID  string `json:"device_id"`
	SetupCode string `json:"setup_code"`
	SetupURI  string `json:"setup_uri"`
	Paired    bool   `json:"paired"`
}

// demo is a running `hub demo`.
type demo struct {
	State      string            `json:"state"`
	HomeKit    []bridge          `json:"homekit"`
	Control    string            `json:"control"`
	Simulators map[string]string `json:"simulators"`
	Password   string            `json:"demo_password"`

	dir  string
	cmd  *exec.Cmd
	done chan struct{}
}

// startDemo starts a demo home in a folder and waits for its ready line.
func startDemo(t *testing.T, dir string, flags ...string) *demo {
	t.Helper()
	return startHub(t, dir, append([]string{"demo"}, flags...)...)
}

// startHub starts the hub by one of its commands and waits for its ready line.
func startHub(t *testing.T, dir string, args ...string) *demo {
	t.Helper()
	d := &demo{dir: dir, done: make(chan struct{})}
	d.cmd = exec.Command(os.Getenv("INGLE_HUB"), append(args, "--json", "--data", dir)...)
	log, err := os.Create(filepath.Join(t.TempDir(), "log")) // a pipe would be held open by the simulators
	if err != nil {
		t.Fatal(err)
	}
	d.cmd.Stderr = log
	out, err := d.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line := make(chan []byte, 1)
	go func() {
		first, _ := bufio.NewReader(out).ReadBytes('\n')
		line <- first
		_ = d.cmd.Wait()
		close(d.done)
	}()
	t.Cleanup(func() {
		d.stop(t)
		confess(t, "the hub", log.Name())
	})
	select {
	case first := <-line:
		if err := json.Unmarshal(first, d); err != nil {
			t.Fatalf("the ready line is %q: %v", first, err)
		}
	case <-time.After(time.Minute):
		t.Fatal("no ready line")
	}
	return d
}

// stop ends the hub as its owner does.
func (d *demo) stop(t *testing.T) {
	t.Helper()
	_ = d.cmd.Process.Signal(syscall.SIGTERM) // it may have ended already
	select {
	case <-d.done:
	case <-time.After(20 * time.Second):
		t.Error("the hub did not end")
		_ = d.cmd.Process.Kill()
		<-d.done
	}
}

// kill ends the hub as a power cut does.
func (d *demo) kill(t *testing.T) {
	t.Helper()
	if err := d.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-d.done
}

// run runs a command of the hub against the demo.
func (d *demo) run(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Getenv("INGLE_HUB"), append(args, "--data", d.dir)...)
	cmd.Stdin = strings.NewReader(stdin)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("hub %s: %v: %s", strings.Join(args, " "), err, said.String())
	}
	return string(out)
}

// now is how the hub is at this moment.
func (d *demo) now(t *testing.T) *demo {
	t.Helper()
	var status demo
	if err := json.Unmarshal([]byte(d.run(t, "", "status", "--json")), &status); err != nil {
		t.Fatal(err)
	}
	return &status
}

// server finds the first HomeKit server of a kind.
func (d *demo) server(t *testing.T, kind string) bridge {
	t.Helper()
	for _, h := range d.HomeKit {
		if h.Kind == kind {
			return h
		}
	}
	t.Fatalf("no %s in %+v", kind, d.HomeKit)
	return bridge{}
}

// simulate makes a simulated thing act.
func (d *demo) simulate(t *testing.T, path string) {
	t.Helper()
	resp, err := http.Post(d.Control+"/sim/"+path, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusNoContent {
		t.Fatalf("%s: %s", path, resp.Status)
	}
}

type motor struct {
	Writes []int   `json:"writes"`
	Level  float64 `json:"level"`
}

// rocket is what the toy's motor last received.
func (d *demo) rocket() (motor, error) {
	var m motor
	resp, err := http.Get(d.Control + "/sim/rocket")
	if err != nil {
		return m, err
	}
	defer resp.Body.Close()
	return m, json.NewDecoder(resp.Body).Decode(&m)
}

// until waits for a condition, at most for the given time.
func until(t *testing.T, within time.Duration, what string, ok func() bool) time.Duration {
	t.Helper()
	start := time.Now()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Since(start) > within {
			t.Fatalf("%s: not within %v", what, within)
		}
		<-tick.C
	}
	return time.Since(start)
}
