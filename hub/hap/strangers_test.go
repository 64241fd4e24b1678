package hap_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/hap/haptest"
)

// TestStrangersYield: the oldest of those that say nothing makes room, not one
// that is asking, or pairing.
func TestStrangersYield(t *testing.T) {
	t.Parallel()
	limits := hap.Limits{Unauthenticated: 8, Idle: time.Hour, Setup: time.Hour}
	h := open(t, hap.Options{Limits: limits}, &disk{}, bridge())
	pairing, asking, oldest := h.dial(t), h.dial(t), h.dial(t)
	do(t, pairing, 200, "POST", "/pair-setup", "\x06\x01\x01\x00\x01\x00")
	do(t, asking, 470, "GET", "/accessories", "")
	for range 300 {
		h.dial(t)
	}
	if _, err := oldest.Receive(); err == nil || isTimeout(err) {
		t.Errorf("the oldest stranger was kept: %v", err)
	}
	do(t, pairing, 470, "GET", "/accessories", "")
	do(t, asking, 470, "GET", "/accessories", "")
}

// TestStrangersAtOneAddress push out only each other, and never an admin who
// comes from the same address, or from behind the same router.
func TestStrangersAtOneAddress(t *testing.T) {
	t.Parallel()
	h, creds, admin := paired(t, hap.Options{Limits: hap.Limits{Idle: time.Hour}}, bridge())
	far := dialFrom(t, h.addr, "127.0.0.2:0")
	oldest := h.dial(t)
	for range 300 {
		h.dial(t)
	}
	if _, err := oldest.Receive(); err == nil || isTimeout(err) {
		t.Errorf("the oldest of 301 was kept: %v", err)
	}
	do(t, far, 470, "GET", "/accessories", "")
	do(t, admin, 200, "GET", "/accessories", "")
	do(t, h.session(t, creds), 200, "GET", "/accessories", "")
}

// dialFrom connects from an address of the caller's choice.
func dialFrom(t testing.TB, to, from string) *haptest.Client {
	t.Helper()
	local, err := net.ResolveTCPAddr("tcp", from)
	if err != nil {
		t.Fatal(err)
	}
	c, err := haptest.DialFrom(t.Context(), to, local)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// TestIdleStranger has 10 s, and whoever begins a request as long to finish it.
func TestIdleStranger(t *testing.T) {
	t.Parallel()
	limits := hap.Limits{Idle: 300 * time.Millisecond, Request: 300 * time.Millisecond}
	if os.Getenv("INGLE_SOAK") != "" {
		limits = hap.Limits{}
	}
	h := open(t, hap.Options{Limits: limits}, &disk{}, bridge())
	start := time.Now()
	idle, slow := h.dial(t), h.dial(t)
	slow.Raw([]byte("POST /pair-setup HTTP/1.1\r\nContent-Length: 9\r\n\r\n"))
	for _, c := range []*haptest.Client{idle, slow} {
		if _, err := c.Receive(); err == nil || isTimeout(err) {
			t.Errorf("kept: %v", err)
		}
	}
	if d := time.Since(start); limits.Idle == 0 && d > 12*time.Second {
		t.Errorf("closed after %v", d)
	}
}

// TestLargeBodyOfAStranger is refused as soon as it is announced, and the
// refusal arrives although the body is sent.
func TestLargeBodyOfAStranger(t *testing.T) {
	t.Parallel()
	h := open(t, hap.Options{}, &disk{}, bridge())
	for _, path := range []string{"/pair-setup", "/pair-verify", "/nowhere"} {
		c := h.dial(t)
		c.Send(haptest.Request("POST", path, make([]byte, 10_000))) // fails when the server has closed
		if r, err := c.Receive(); err != nil || r.Status != 413 {
			t.Errorf("%s: %+v, %v", path, r, err)
		}
	}
	c := h.dial(t)
	c.Raw([]byte("GET /" + strings.Repeat("x", 10_000)))
	if r, err := c.Receive(); err != nil || r.Status != 413 {
		t.Errorf("long line: %+v, %v", r, err)
	}
}

// garbage is what a port scanner may say.
func garbage() map[string][]byte {
	post := func(path string, body ...byte) []byte { return haptest.Request("POST", path, body) }
	half := haptest.Request("POST", "/pair-setup", []byte{6, 1, 1, 0, 1, 0})
	return map[string][]byte{
		"tls": []byte("\x16\x03\x01\x02\r\n\r\n"), "zeros": make([]byte, 4096), "line ends": []byte("\r\n\r\n\r\n"),
		"http 0.9": []byte("GET /\r\n\r\n"), "http 2": []byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
		"chunked":     []byte("POST /pair-setup HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
		"minus":       []byte("POST /pair-setup HTTP/1.1\r\nContent-Length: -1\r\n\r\n"),
		"two lengths": []byte("POST /pair-setup HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
		"half":        half[:len(half)-3], "empty setup": post("/pair-setup"), "empty verify": post("/pair-verify"),
		"half an item": post("/pair-setup", 6), "long item": post("/pair-verify", 6, 255, 1), "state 9": post("/pair-setup", 6, 1, 9),
		"zero key":      post("/pair-verify", append([]byte{6, 1, 1, 3, 32}, make([]byte, 32)...)...),
		"five byte key": post("/pair-verify", 6, 1, 1, 3, 5, 1, 2, 3, 4, 5), "three bytes sealed": post("/pair-verify", 6, 1, 3, 5, 3, 1, 2, 3),
	}
}

// TestGarbage ends no server, and fills no log.
func TestGarbage(t *testing.T) {
	t.Parallel()
	var log lines
	h, creds, _ := paired(t, hap.Options{Log: slog.New(slog.NewTextHandler(&log, nil))}, bridge())
	before := log.count()
	for name, b := range garbage() {
		for range 20 {
			c, err := haptest.Dial(h.ctx, h.addr)
			if err != nil {
				t.Fatal(name, err)
			}
			c.Raw(b)
			c.Close()
		}
		do(t, h.session(t, creds), 200, "GET", "/accessories", "")
	}
	if n := log.count() - before; n > 0 {
		t.Errorf("%d lines in the log", n)
	}
}

// TestHostilePairing: each of these is answered with an error and pairs nobody.
func TestHostilePairing(t *testing.T) {
	t.Parallel()
	h := open(t, hap.Options{}, &disk{}, bridge())
	for name, b := range garbage() {
		if !bytes.HasPrefix(b, []byte("POST /pair-")) || name == "half" {
			continue
		}
		c := h.dial(t)
		c.Raw(b)
		r, err := c.Receive()
		if code := haptest.Code(r.Body, haptest.Error); err != nil || r.Status == 200 && code < 1 || r.Status != 200 && r.Status != 400 {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
	if h.Paired() {
		t.Error("paired")
	}
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}

// TestConnectionsLeaveNothing must not run beside other tests: it counts
// goroutines and the heap of the whole process.
func TestConnectionsLeaveNothing(t *testing.T) {
	a, _, _ := lamp(2, "Lamp")
	h, creds, admin := paired(t, hap.Options{}, bridge(), a)
	visit := func(i int) {
		c, err := haptest.Dial(h.ctx, h.addr)
		if err != nil {
			t.Fatal(err)
		}
		switch i % 10 {
		case 0:
			if err := c.Verify(creds); err != nil {
				t.Fatal(err)
			}
			put(t, c, 204, subscribe)
		case 1:
			do(t, c, 200, "POST", "/pair-verify", string(haptest.NewVerify(creds).M1()))
		case 2:
			c.Raw([]byte("POST /pair-setup HTTP/1.1\r\n"))
		}
		c.Close()
	}
	do(t, admin, 200, "GET", "/accessories", "") // everything of this session runs
	before := runtime.NumGoroutine()
	for i := range 200 { // pools and maps reach their size
		visit(i)
	}
	eventually(t, "goroutines as before", func() bool { return runtime.NumGoroutine() <= before })
	heap := live()
	for i := range 2000 {
		visit(i)
	}
	eventually(t, "goroutines as before", func() bool { return runtime.NumGoroutine() <= before })
	eventually(t, "a heap as before", func() bool { return live() < heap+100_000 })
}

// live is what is left of the heap after a collection, in bytes.
func live() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
