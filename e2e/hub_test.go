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
	"strings"
	"syscall"
	"testing"
	"time"
)

// insideEnv marks the process that runs in a network of its own.
const insideEnv = "INGLE_E2E_INSIDE"

// TestMain runs the tests in a network namespace with nothing but loopback: the clients look for
// accessories by multicast, and none of that shall leave the machine.
func TestMain(m *testing.M) {
	if os.Getenv(insideEnv) != "" {
		os.Exit(m.Run())
	}
	hub, err := binary("INGLE_HUB", "./hub")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	bridge, err := binary(benchEnv, "./hub/hap/benchbridge")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	recorder, err := binary(go2rtcEnv, "github.com/AlexxIT/go2rtc")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	flags := []string{"-n"}
	if os.Getuid() != 0 {
		flags = []string{"-r", "-n"}
	}
	script := `ip link set lo up && ip link set lo multicast on && ip route add 224.0.0.0/4 dev lo && exec "$0" "$@"`
	args := append(os.Args, "-test.parallel=8") // those that run side by side wait most of the time
	cmd := exec.Command("unshare", append(flags, append([]string{"sh", "-c", script}, args...)...)...)
	cmd.Env = append(os.Environ(), insideEnv+"=1", "INGLE_HUB="+hub, benchEnv+"="+bridge, go2rtcEnv+"="+recorder)
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
