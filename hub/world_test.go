package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/api/client"
	"github.com/ingle-home/ingle/hub/api/wire"
)

// patience is how long a test waits for what must come; a busy machine is slow.
const patience = 40 * time.Second

// password passes the judge of passwords.
const password = "quiet otters paint seven lanterns"

// process is a hub that runs as a program of its own.
type process struct {
	cmd   *exec.Cmd
	ready wire.Status
	log   *notes
	ended chan struct{} // closed when it has gone; then cmd.ProcessState is set
}

// notes collects what a process writes while others read it.
type notes struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (n *notes) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.all.Write(p)
}

func (n *notes) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.all.String()
}

// launch starts a hub on a data folder and waits until it says that it is ready.
func launch(dir string, flags ...string) (*process, error) {
	return launchAs(dir, append([]string{"serve", "--data", dir, "--loopback", "--api", "127.0.0.1:0", "--homekit-port", "0", "--password-effort", "0s", "--json"}, flags...)...)
}

// launchAs starts whichever command is a hub.
func launchAs(dir string, args ...string) (*process, error) {
	p := &process{cmd: exec.Command("hub", args...), log: &notes{}, ended: make(chan struct{})}
	p.cmd.Stderr = p.log
	machine := dir + ".machine" // its secrets, beside the folder, as a real machine's are
	if err := os.MkdirAll(machine, 0o700); err != nil {
		return nil, err
	}
	p.cmd.Env = surroundings("XDG_CONFIG_HOME="+machine, "SYSTEMD_CREDENTIAL_SECRET="+filepath.Join(machine, "secret"))
	said, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	first := make(chan error, 1)
	go func() {
		defer close(p.ended)
		line, err := bufio.NewReader(said).ReadBytes('\n')
		if err == nil {
			err = json.Unmarshal(line, &p.ready)
		}
		first <- err
		_ = p.cmd.Wait() // how it ended stands in ProcessState
	}()
	select {
	case err = <-first:
	case <-time.After(patience):
		err = errors.New("it is not ready in time")
	}
	if err != nil {
		p.kill()
		return nil, fmt.Errorf("hub serve: %w; it said: %s", err, p.log)
	}
	return p, nil
}

// surroundings are the environment of a program that a test runs: English, and where it looks for races
// it does not linger for a second after its end.
func surroundings(more ...string) []string {
	return append(append(os.Environ(), "LANG=en_GB.UTF-8", "LC_ALL=", hurry), more...)
}

const hurry = "GORACE=atexit_sleep_ms=0"

// kill ends the hub as a power cut does.
func (p *process) kill() {
	_ = p.cmd.Process.Signal(syscall.SIGKILL) // it may have gone already
	<-p.ended
}

// stop ends the hub as the system does at shutdown.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-p.ended:
	case <-time.After(patience):
		p.kill()
		return errors.New("it did not end")
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		return fmt.Errorf("exit code %d: %s", code, p.log)
	}
	return nil
}

// running starts a hub for a test; it is gone when the test ends.
func running(t *testing.T, dir string, flags ...string) (*process, *client.Client) {
	t.Helper()
	return watched(t)(launch(dir, flags...))
}

// watched ends a hub with the test, and shows its log if that failed.
func watched(t *testing.T) func(*process, error) (*process, *client.Client) {
	t.Helper()
	return func(p *process, err error) (*process, *client.Client) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return p, dialed(t, p)
	}
}

func dialed(t *testing.T, p *process) *client.Client {
	t.Helper()
	c := client.Dial(p.ready.Socket)
	t.Cleanup(func() {
		c.Close()
		p.kill()
		if t.Failed() {
			t.Logf("the hub's log:\n%s", p.log)
		}
	})
	return c
}

// soon asks until it is true.
func soon(t *testing.T, what string, is func() bool) {
	t.Helper()
	if !within(t.Context(), is) {
		t.Fatalf("in vain: %s", what)
	}
}

func within(ctx context.Context, is func() bool) bool {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
	return true
}

// freePort reserves a TCP port of loopback for whoever will listen there later, until release. A port
// that was asked of the system and closed again may be the next one's: of 400 on a busy machine 8 were
// gone after 30 ms. So it lies below those that the system gives away, and a name that only one can
// have, which ends with the process, keeps the tests of this machine apart.
func freePort() (port string, release func(), err error) {
	const first, ports = 20_000, 12_000
	start := rand.IntN(ports)
	for i := range ports {
		port := strconv.Itoa(first + (start+i)%ports)
		claim, err := net.Listen("unix", "@ingle-test-port-"+port)
		if err != nil {
			continue
		}
		ln, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", port))
		if err == nil {
			err = ln.Close()
		}
		if err == nil {
			return port, func() { _ = claim.Close() }, nil
		}
		_ = claim.Close() // somebody else's port
	}
	return "", nil, errors.New("no port is free")
}

// door is a free port for watches, and its address.
func door(t *testing.T) (port, address string) {
	t.Helper()
	port, release, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	return port, net.JoinHostPort("127.0.0.1", port)
}

// shortDir is a folder whose path leaves room for a socket's name, of which the system takes 108 bytes.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "ingle")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = os.RemoveAll(dir)
		_ = os.RemoveAll(dir + ".machine")
	})
	return dir
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(explain(err))
		}
		return v
	}
}

func explain(err error) string {
	var p *wire.Problem
	if errors.As(err, &p) {
		return strings.TrimSpace(fmt.Sprint(p.Code, " ", p.Args))
	}
	return err.Error()
}
