package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// benchEnv names the benchmark bridge: hub/hap with made accessories and a door for tests.
const benchEnv = "INGLE_BENCHBRIDGE"

// soak tells whether the long form of the tests is wanted; it takes some minutes.
func soak() bool { return os.Getenv("INGLE_SOAK") != "" }

// times is how often a test repeats what must always work.
func times(usually, soaking int) int {
	if soak() {
		return soaking
	}
	return usually
}

// bench is a running benchmark bridge: aid 1 is the bridge, then two lamps and a thermometer in turn.
type bench struct {
	bridge
	args []string
	ctl  string
	log  string
	cmd  *exec.Cmd
	done chan struct{}
}

// startBench starts a bridge with so many accessories. A folder makes it remember.
func startBench(t *testing.T, accessories int, store string, flags ...string) *bench {
	t.Helper()
	b := &bench{ctl: freeDoor(t)}
	b.args = []string{"-loopback", "-port", "0", "-accessories", strconv.Itoa(accessories), "-ctl", b.ctl}
	b.args = append(b.args, flags...)
	if store != "" {
		b.args = append(b.args, "-store", store)
	}
	b.log = filepath.Join(t.TempDir(), "bench")
	t.Cleanup(func() {
		_ = b.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-b.done:
		case <-time.After(10 * time.Second):
			t.Error("the bridge did not end")
			b.kill()
		}
		confess(t, "the bridge", b.log)
	})
	b.start(t)
	return b
}

// confess looks at a program's log: it is shown when the test failed, and a panic or, in a program that
// was built with the race detector, a race makes it fail.
func confess(t *testing.T, who, log string) {
	t.Helper()
	said, err := os.ReadFile(log)
	if err != nil {
		t.Error(err)
	}
	for _, sin := range []string{"DATA RACE", "panic", "fatal error"} {
		if bytes.Contains(said, []byte(sin)) {
			t.Errorf("%s has a %s", who, sin)
		}
	}
	if t.Failed() && len(said) > 0 {
		t.Logf("%s said:\n%.8000s", who, said)
	}
}

// freeDoor is a TCP address that is free.
func freeDoor(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// start starts the bridge, for the first time or again.
func (b *bench) start(t *testing.T) {
	t.Helper()
	b.cmd, b.done = exec.Command(os.Getenv(benchEnv), b.args...), make(chan struct{})
	log, err := os.OpenFile(b.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	b.cmd.Stderr = log
	out, err := b.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := b.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line := make(chan []byte, 1)
	go func() {
		defer close(b.done)
		first, _ := bufio.NewReader(out).ReadBytes('\n')
		line <- first
		_ = b.cmd.Wait()
	}()
	select {
	case first := <-line:
		said := bridge{Name: "Bench", Kind: "bridge"}
		if err := json.Unmarshal(first, &said); err != nil {
			t.Fatalf("the ready line is %q: %v", first, err)
		}
		b.bridge = said
	case <-time.After(30 * time.Second):
		t.Fatal("no ready line")
	}
}

// kill ends the bridge as a power cut does.
func (b *bench) kill() {
	_ = b.cmd.Process.Kill()
	<-b.done
}

// get asks the door for tests.
func (b *bench) get(path string) (string, error) {
	c := http.Client{Timeout: 2 * time.Minute}
	resp, err := c.Get("http://" + b.ctl + path)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s %s", path, resp.Status, body)
	}
	return string(body), err
}

// control asks the door for tests what it cannot refuse.
func (b *bench) control(t *testing.T, format string, args ...any) string {
	t.Helper()
	said, err := b.get(fmt.Sprintf(format, args...))
	if err != nil {
		t.Fatal(err)
	}
	return said
}

// emit changes lamps and gives how long handing the changes over took.
func (b *bench) emit(t *testing.T, query string, args ...any) time.Duration {
	t.Helper()
	ns, err := strconv.ParseInt(b.control(t, "/emit?"+query, args...), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return time.Duration(ns)
}

// memory is what the bridge holds after a full collection.
type memory struct {
	Heap       int64 `json:"heap"`
	Goroutines int   `json:"goroutines"`
}

func (b *bench) memory(t *testing.T) memory {
	t.Helper()
	var m memory
	if err := json.Unmarshal([]byte(b.control(t, "/gc")), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func (b bridge) address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(b.Port)) }
