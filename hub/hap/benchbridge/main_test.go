package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/hap/haptest"
)

// within is how long what must happen may take on a busy machine.
const within = 30 * time.Second

// bridgeEnv makes the test binary the program itself.
const bridgeEnv = "INGLE_BE_THE_BRIDGE"

func TestMain(m *testing.M) {
	if os.Getenv(bridgeEnv) != "" {
		main()
	}
	os.Exit(m.Run())
}

// bridge is a running program and what it said.
type bridge struct {
	Port int    `json:"port"`
	Code string `json:"setup_code"`
	ID   string `json:"device_id"`

	addr    string
	control string
	rest    chan string // what else it said on stdout, once it has ended
	process *os.Process
	ended   chan error
}

func start(t *testing.T, args ...string) *bridge {
	t.Helper()
	b := &bridge{control: freeAddress(t), rest: make(chan string, 1), ended: make(chan error, 1)}
	cmd := exec.Command(os.Args[0], append([]string{"-loopback", "-ctl", b.control}, args...)...)
	cmd.Env = append(os.Environ(), bridgeEnv+"=1")
	var log bytes.Buffer
	cmd.Stderr = &log
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	b.process = cmd.Process
	t.Cleanup(func() { _ = b.process.Kill() }) // it may have ended long ago
	lines := bufio.NewReader(out)
	line, err := lines.ReadBytes('\n')
	go func() {
		more, _ := io.ReadAll(lines) // a killed program ends its line anywhere
		b.rest <- string(more)
		b.ended <- cmd.Wait()
	}()
	if err != nil {
		t.Fatalf("no line on stdout: %v: %v: %s", err, <-b.ended, log.String())
	}
	if err := json.Unmarshal(line, b); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	b.addr = fmt.Sprintf("127.0.0.1:%d", b.Port)
	return b
}

func freeAddress(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// end sends a signal and waits until the program is gone.
func (b *bridge) end(t *testing.T, s os.Signal) error {
	t.Helper()
	if err := b.process.Signal(s); err != nil {
		t.Fatal(err)
	}
	if more := <-b.rest; more != "" {
		t.Errorf("more than one line on stdout: %q", more)
	}
	select {
	case err := <-b.ended:
		return err
	case <-time.After(within):
		t.Fatalf("%v does not end it", s)
	}
	return nil
}

func (b *bridge) ask(t *testing.T, path string) string {
	t.Helper()
	r, err := http.Get("http://" + b.control + path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != 200 {
		t.Fatalf("%s: %s %s %v", path, r.Status, body, err)
	}
	return string(body)
}

func (b *bridge) session(t *testing.T, creds haptest.Credentials) *haptest.Client {
	t.Helper()
	c, err := haptest.Open(t.Context(), b.addr, creds)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func (b *bridge) pair(t *testing.T) haptest.Credentials {
	t.Helper()
	creds, err := haptest.Pair(t.Context(), b.addr, b.Code, haptest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return creds
}

func do(t *testing.T, c *haptest.Client, want int, method, path, body string) string {
	t.Helper()
	var b []byte
	if body != "" {
		b = []byte(body)
	}
	status, answer, err := c.Do(method, path, b)
	if err != nil || status != want {
		t.Fatalf("%s %s: %d %s %v, want %d", method, path, status, answer, err, want)
	}
	return string(answer)
}

func TestShape(t *testing.T) {
	b := start(t, "-accessories", "149")
	c := b.session(t, b.pair(t))
	body := do(t, c, 200, "GET", "/accessories", "")
	var has struct {
		Accessories []struct {
			AID      uint64
			Services []struct{ Type string }
		}
	}
	if err := json.Unmarshal([]byte(body), &has); err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for i, a := range has.Accessories {
		if a.AID != uint64(i+1) {
			t.Errorf("accessory %d has aid %d", i, a.AID)
		}
		for _, s := range a.Services {
			count[s.Type]++
		}
	}
	if len(has.Accessories) != 150 || count["43"] != 100 || count["8A"] != 49 || count["A2"] != 1 {
		t.Errorf("%d accessories with services %v", len(has.Accessories), count)
	}
	for _, aid := range []int{2, 3, 5} {
		if got := do(t, c, 200, "GET", fmt.Sprintf("/characteristics?id=%d.9&type=1", aid), ""); !strings.Contains(got, `"type":"25"`) {
			t.Errorf("accessory %d: %s is no lamp", aid, got)
		}
	}
	if err := b.end(t, syscall.SIGTERM); err != nil {
		t.Error(err)
	}
}

func TestControl(t *testing.T) {
	b := start(t, "-accessories", "4")
	c := b.session(t, b.pair(t))
	do(t, c, 204, "PUT", "/characteristics", `{"characteristics":[{"aid":2,"iid":9,"ev":true},{"aid":5,"iid":9,"ev":true}]}`)
	if ns := b.ask(t, "/emit?count=3"); strings.Trim(ns, "0123456789") != "" || ns == "" {
		t.Errorf("elapsed %q", ns)
	}
	if e := event(t, c); !strings.Contains(e, `{"aid":2,"iid":9,"value":true}`) {
		t.Errorf("after three changes: %s", e)
	}
	b.ask(t, "/emit?count=3&all=1&us=100")
	got := event(t, c)
	for !strings.Contains(got, `"aid":5`) {
		got += event(t, c)
	}
	if !strings.Contains(got, `{"aid":2,"iid":9,"value":false}`) || !strings.Contains(got, `{"aid":5,"iid":9,"value":true}`) {
		t.Errorf("after one change of each lamp: %s", got)
	}
	b.ask(t, "/slow?ms=60000")
	if got := do(t, c, 207, "GET", "/characteristics?id=2.10,3.10", ""); !strings.Contains(got, `"aid":2,"iid":10,"status":-70408`) ||
		!strings.Contains(got, `"aid":3,"iid":10,"status":0,"value":100`) {
		t.Errorf("with a slow lamp: %s", got)
	}
	b.ask(t, "/slow?ms=0")
	if got := do(t, c, 200, "GET", "/characteristics?id=2.10", ""); !strings.Contains(got, `"value":100`) {
		t.Errorf("with a fast lamp: %s", got)
	}
	for path, want := range map[string]int{"/emit?count=many": 400, "/emit?count=-1": 400, "/slow?ms=soon": 400, "/nothing": 404} {
		r, err := http.Get("http://" + b.control + path)
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.StatusCode != want {
			t.Errorf("%s: %s, %d was due", path, r.Status, want)
		}
	}
	var gc struct{ Heap, Goroutines int }
	if err := json.Unmarshal([]byte(b.ask(t, "/gc")), &gc); err != nil || gc.Heap == 0 || gc.Goroutines == 0 {
		t.Errorf("gc %+v, %v", gc, err)
	}
	if status := b.ask(t, "/rss"); !strings.Contains(status, "VmRSS:") {
		t.Errorf("rss %q", status)
	}
	b.ask(t, "/slow?ms=60000") // what waits for a device does not hold up the end
	if err := c.Send(haptest.Request("GET", "/characteristics?id=2.10", nil)); err != nil {
		t.Fatal(err)
	}
	if err := b.end(t, syscall.SIGTERM); err != nil {
		t.Error(err)
	}
}

func event(t *testing.T, c *haptest.Client) string {
	t.Helper()
	select {
	case e, ok := <-c.Events():
		if !ok {
			t.Fatal("the session has ended")
		}
		return string(e.Body)
	case <-time.After(within):
		t.Fatal("no event")
	}
	return ""
}

// TestKilled takes the power away right after M6: what the controller was told must be there again.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	first := start(t, "-accessories", "4", "-port", "0", "-store", dir)
	creds := first.pair(t)
	if err := first.end(t, syscall.SIGKILL); err == nil {
		t.Error("killed, and ended well")
	}
	killed := stateIn(t, dir)
	second := start(t, "-accessories", "4", "-port", "0", "-store", dir)
	if second.ID != first.ID || second.Code != first.Code || second.Port != first.Port {
		t.Errorf("was %s %s %d, is %s %s %d", first.ID, first.Code, first.Port, second.ID, second.Code, second.Port)
	}
	do(t, second.session(t, creds), 200, "GET", "/accessories", "")
	if err := second.end(t, syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	after := stateIn(t, dir)
	if len(killed.Pairings) != 1 || len(after.Pairings) != 1 || killed.ConfigNumber != after.ConfigNumber {
		t.Errorf("killed with %d pairings and c# %d, after a restart %d and %d",
			len(killed.Pairings), killed.ConfigNumber, len(after.Pairings), after.ConfigNumber)
	}
}

func stateIn(t *testing.T, dir string) hap.State {
	t.Helper()
	memory, closeMemory, err := openMemory(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := closeMemory(); err != nil {
			t.Error(err)
		}
	}()
	state, err := memory.Load(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return state
}

func TestWrongUse(t *testing.T) {
	for _, test := range []struct {
		args []string
		code int
	}{
		{[]string{"-nonsense"}, 2},
		{[]string{"left over"}, 2},
		{[]string{"-ctl", "192.0.2.1:80"}, 1},
		{[]string{"-ctl", "0.0.0.0:0"}, 1},
	} {
		var out, log bytes.Buffer
		if code := run(test.args, &out, &log); code != test.code || out.Len() > 0 || log.Len() == 0 {
			t.Errorf("%q: %d, %q, %q", test.args, code, out.String(), log.String())
		}
	}
}
