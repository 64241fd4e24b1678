package probe_test

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/label/probe"
)

// clock stands still but for those who wait.
type clock struct {
	mu     sync.Mutex
	now    time.Time
	knocks []time.Time // when somebody had waited
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Wait(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	c.knocks = append(c.knocks, c.now)
	return ctx.Err()
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// memory outlives a prober, as the store does.
type memory struct {
	mu   sync.Mutex
	kept probe.Looks
	fail error
}

func (m *memory) Load(context.Context) (probe.Looks, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.kept, nil
}

func (m *memory) Keep(_ context.Context, l probe.Looks) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail == nil {
		m.kept = l
	}
	return m.fail
}

var errDisk = errors.New("the disk is full")

func begin() *clock { return &clock{now: time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)} }

// host is an address of the loopback network for this test alone.
func host(n int) string { return fmt.Sprintf("127.78.%d.%d", os.Getpid()%250, n) }

func target(t *testing.T, at string) probe.Target {
	t.Helper()
	to, err := probe.Permit(t.Context(), probe.Request{Kind: "camera", Address: at, Consent: begin().now})
	if err != nil {
		t.Fatal(err)
	}
	return to
}

// TestWhoIsNeverLookedAt: what locks, warns, drives or heals is left alone, and so is every kind that nobody
// named, every address that the household did not add or that is outside, and everything without consent.
func TestWhoIsNeverLookedAt(t *testing.T) {
	yes := begin().now
	for _, c := range []struct {
		r    probe.Request
		want error
	}{
		{probe.Request{Kind: "lock", Address: "127.0.0.1", Consent: yes}, probe.ErrNever},
		{probe.Request{Kind: "alarm", Address: "127.0.0.1", Consent: yes}, probe.ErrNever},
		{probe.Request{Kind: "medical", Address: "127.0.0.1", Consent: yes}, probe.ErrNever},
		{probe.Request{Kind: "car", Address: "127.0.0.1", Consent: yes}, probe.ErrNever},
		{probe.Request{Kind: "watch", Address: "127.0.0.1", Consent: yes}, probe.ErrNever},
		{probe.Request{Kind: "Camera", Address: "127.0.0.1", Consent: yes}, probe.ErrNever},
		{probe.Request{Kind: "", Address: "127.0.0.1", Consent: yes}, probe.ErrNever},
		{probe.Request{Kind: "camera", Address: "", Consent: yes}, probe.ErrNoDoors},
		{probe.Request{Kind: "camera", Address: "8.8.8.8", Consent: yes}, probe.ErrNoDoors},
		{probe.Request{Kind: "camera", Address: "http://192.0.2.7:80/", Consent: yes}, probe.ErrNoDoors},
		{probe.Request{Kind: "camera", Address: "[2001:db8::1]:80", Consent: yes}, probe.ErrNoDoors},
		{probe.Request{Kind: "camera", Address: "0.0.0.0", Consent: yes}, probe.ErrNoDoors},
		{probe.Request{Kind: "camera", Address: "224.0.0.1", Consent: yes}, probe.ErrNoDoors},
		{probe.Request{Kind: "camera", Address: "127.0.0.1"}, probe.ErrConsent},
		{probe.Request{Kind: "camera", Address: "rtsp://127.0.0.1/live", Consent: yes}, nil},
		{probe.Request{Kind: "toy", Address: "192.168.1.9:12345", Consent: yes}, nil},
	} {
		if _, err := probe.Permit(t.Context(), c.r); !errors.Is(err, c.want) {
			t.Errorf("%+v: %v", c.r, err)
		}
	}
	if _, err := probe.New(&memory{}, begin(), nil).Look(t.Context(), probe.Target{}, nil); !errors.Is(err, probe.ErrNoDoors) {
		t.Errorf("a target that nobody permitted: %v", err)
	}
}

// TestOnceADay: a second look is refused for a day, also by a hub that was started anew, that fell over in
// the middle, or whose clock went back; and where the look could not be remembered, there is none.
func TestOnceADay(t *testing.T) {
	t.Parallel()
	to, m, c := target(t, host(1)), &memory{}, begin()
	broken := &memory{fail: errDisk}
	if f, err := probe.New(broken, c, nil).Look(t.Context(), to, nil); !errors.Is(err, errDisk) || f.Packets > 0 {
		t.Fatalf("%d packets without memory: %v", f.Packets, err)
	}
	killed, kill := context.WithCancel(t.Context())
	kill()
	if _, err := probe.New(m, c, nil).Look(killed, to, nil); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	for _, pass := range []time.Duration{0, 12 * time.Hour, 11 * time.Hour, -3 * time.Hour} {
		c.pass(pass)
		if _, err := probe.New(m, c, nil).Look(t.Context(), to, nil); !errors.Is(err, probe.ErrDaily) {
			t.Errorf("after %v more: %v", pass, err)
		}
	}
	if next, paused, err := probe.New(m, c, nil).Next(t.Context(), to); err != nil || paused || next.Sub(begin().now) != 24*time.Hour {
		t.Errorf("next %v %v %v", next, paused, err)
	}
	c.pass(5 * time.Hour)
	if _, err := probe.New(m, c, nil).Look(t.Context(), to, nil); err != nil {
		t.Errorf("the next day: %v", err)
	}
	c.pass(-10 * 365 * 24 * time.Hour) // a clock that was ten years ahead must not forbid it for ten years
	if next, _, err := probe.New(m, c, nil).Next(t.Context(), to); err != nil || next.Sub(c.Now()) > 24*time.Hour {
		t.Errorf("after a wrong clock: %v %v", next, err)
	}
	_, err := probe.New(m, c, nil).Look(t.Context(), to, nil)
	c.pass(25 * time.Hour)
	if _, again := probe.New(m, c, nil).Look(t.Context(), to, nil); !errors.Is(err, probe.ErrDaily) || again != nil {
		t.Errorf("after a wrong clock: %v, then %v", err, again)
	}
	if strings.Contains(fmt.Sprint(m.kept), host(1)) {
		t.Error("the memory names the address")
	}
}

// TestOneASecond: between two knocks there is a second, also between those at two devices.
func TestOneASecond(t *testing.T) {
	t.Parallel()
	c := begin()
	p := probe.New(&memory{}, c, nil)
	first, err := p.Look(t.Context(), target(t, host(2)), nil)
	if err != nil {
		t.Fatal(err)
	}
	second, err := p.Look(t.Context(), target(t, host(3)), nil)
	if err != nil {
		t.Fatal(err)
	}
	var at []time.Time
	for _, s := range slices.Concat(first.Doors, second.Doors) {
		at = append(at, s.At)
	}
	if len(at) != 2*len(probe.Doors()) || first.Packets != len(probe.Doors()) {
		t.Fatalf("%d doors, %d packets", len(at), first.Packets)
	}
	for i := 1; i < len(at); i++ {
		if gap := at[i].Sub(at[i-1]); gap < time.Second {
			t.Errorf("%v between two knocks", gap)
		}
	}
}

// TestBrokenOff: a device that breaks off is not asked on, and left alone for a day.
func TestBrokenOff(t *testing.T) {
	t.Parallel()
	at, c, m := host(4), begin(), &memory{}
	for _, port := range []string{"23", "2323", "21", "22"} {
		slam(t, net.JoinHostPort(at, port))
	}
	f, err := probe.New(m, c, nil).Look(t.Context(), target(t, at), nil)
	if err != nil || !f.Broken {
		t.Fatalf("%+v, %v", f, err)
	}
	asked := 0
	for _, s := range f.Doors {
		if s.State != probe.Unasked {
			asked++
		}
	}
	if asked != 2 {
		t.Errorf("%d doors after it broke off twice", asked)
	}
	c.pass(23*time.Hour + 50*time.Minute)
	if _, err := probe.New(m, c, nil).Look(t.Context(), target(t, at), nil); !errors.Is(err, probe.ErrPaused) {
		t.Errorf("within a day: %v", err)
	}
}

// slam opens a port that breaks off as soon as somebody has come in.
func slam(t *testing.T, address string) {
	t.Helper()
	ln, err := net.Listen("tcp", address)
	if errors.Is(err, syscall.EACCES) {
		t.Skip("this test needs the right to open ports below 1024")
	} else if err != nil {
		t.Fatal(err)
	}
	var done sync.WaitGroup
	done.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			_ = conn.(*net.TCPConn).SetLinger(0)
			_ = conn.Close()
		}
	})
	t.Cleanup(func() { _ = ln.Close(); done.Wait() })
}

// TestUnaskedComeFirst: the doors for which no packets were left are the first of the next day.
func TestUnaskedComeFirst(t *testing.T) {
	t.Parallel()
	c := begin()
	p := probe.New(&memory{}, c, nil)
	var before []probe.Seen
	for i, d := range probe.Doors() {
		s := probe.Seen{Port: d.Port(), State: probe.Shut, At: c.Now()}
		if i >= 10 {
			s.State = probe.Unasked
		}
		before = append(before, s)
	}
	c.pass(25 * time.Hour)
	f, err := p.Look(t.Context(), target(t, host(5)), before)
	if err != nil || f.Doors[0].Port != before[10].Port {
		t.Errorf("%v, %v", f.Doors[0], err)
	}
}

// TestThereIsOneWayToSpeak: in the source of this package the only thing that writes to a connection is the
// greeting of TLS, once. Who adds another way has to change this test, and should not.
func TestThereIsOneWayToSpeak(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var writes, dials []string
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range f.Imports {
			if path := strings.Trim(i.Path.Value, `"`); path == "net/http" || path == "os/exec" || strings.Contains(path, "ssh") || strings.Contains(path, "accessories") {
				t.Errorf("%s imports %s", name, path)
			}
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				if sel, ok := call.Fun.(*ast.SelectorExpr); ok {
					switch {
					case strings.HasPrefix(sel.Sel.Name, "Write") || sel.Sel.Name == "ReadFrom" || sel.Sel.Name == "Copy" || strings.HasPrefix(sel.Sel.Name, "Fprint"):
						writes = append(writes, name)
					case strings.HasPrefix(sel.Sel.Name, "Dial"):
						dials = append(dials, name)
					}
				}
			}
			return true
		})
	}
	if !slices.Equal(writes, []string{"hello.go"}) || !slices.Equal(dials, []string{"knock.go"}) {
		t.Errorf("writes in %v, dials in %v", writes, dials)
	}
}
