package claim_test

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/api/claim"
)

const patience = 20 * time.Second

// hub is the hub's end on a socket of loopback.
type hub struct {
	desk    *claim.Desk
	cert    tls.Certificate
	pin     claim.Pin
	address string

	mu       sync.Mutex
	now      time.Time
	kept     []claim.Tries
	admitted []claim.Claimant
	full     bool // the disk takes nothing
}

func identity(t testing.TB) (tls.Certificate, claim.Pin) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := claim.Certificate(private)
	pin, err2 := claim.PinOfKey(public)
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	return cert, pin
}

func newHub(t testing.TB, tries claim.Tries) *hub {
	h := &hub{now: time.Now()}
	h.cert, h.pin = identity(t)
	h.desk = claim.NewDesk(claim.Options{Tries: tries, Keep: h.keep, Admit: h.admit, Now: h.clock})
	h.address = listen(t, h.cert, func(conn *tls.Conn) { _ = h.desk.Serve(t.Context(), conn, h.pin) })
	return h
}

// listen gives every connection of a socket, after its handshake, to serve.
func listen(t testing.TB, cert tls.Certificate, serve func(*tls.Conn)) string {
	t.Helper()
	conf := &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{cert}, NextProtos: []string{claim.Protocol, "http/1.1"}, ClientAuth: tls.RequestClientCert}
	ln, err := tls.Listen("tcp", "127.0.0.1:0", conf)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer c.Close()
				conn := c.(*tls.Conn)
				_ = conn.SetDeadline(time.Now().Add(patience))
				if conn.Handshake() == nil {
					serve(conn)
				}
			})
		}
	})
	t.Cleanup(func() { _ = ln.Close(); all.Wait() })
	return ln.Addr().String()
}

func (h *hub) clock() time.Time { h.mu.Lock(); defer h.mu.Unlock(); return h.now }

func (h *hub) pass(d time.Duration) { h.mu.Lock(); defer h.mu.Unlock(); h.now = h.now.Add(d) }

func (h *hub) keep(tries claim.Tries) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.full {
		return errors.New("the disk is full")
	}
	h.kept = append(h.kept, tries)
	return nil
}

func (h *hub) admit(_ context.Context, c claim.Claimant) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.admitted = append(h.admitted, c)
	return nil
}

func (h *hub) apps() []claim.Claimant { h.mu.Lock(); defer h.mu.Unlock(); return h.admitted }

func (h *hub) last() claim.Tries { h.mu.Lock(); defer h.mu.Unlock(); return h.kept[len(h.kept)-1] }

func (h *hub) issue(t testing.TB) claim.Code {
	t.Helper()
	code, _, err := h.desk.Issue(claim.Terms{Role: "owner", Person: "sam"}, claim.Valid)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func dial(t testing.TB, address string, conf *tls.Config) *tls.Conn {
	t.Helper()
	c, err := (&tls.Dialer{Config: conf}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c.(*tls.Conn)
}

func ask(t testing.TB, address string, code claim.Code) (claim.Granted, claim.Pin, error) {
	t.Helper()
	cert, pin := identity(t)
	c := dial(t, address, claim.Config(cert))
	defer c.Close()
	got, err := claim.Ask(t.Context(), c, pin, code, claim.App{Name: "Noor's phone", Platform: "android"})
	return got, pin, err
}

func TestACodeMakesTwoFriends(t *testing.T) {
	h := newHub(t, claim.Tries{})
	code := h.issue(t)
	typed, err := claim.ParseCode(strings.ToLower(strings.ReplaceAll(code.Shown(), "0", "o")) + " ")
	if err != nil || typed != code {
		t.Fatalf("typed with small letters: %v", err)
	}
	got, pin, err := ask(t, h.address, typed)
	if err != nil || got.Hub != h.pin || got.Role != "owner" {
		t.Fatalf("%+v, %v", got, err)
	}
	want := claim.Claimant{App: claim.App{Name: "Noor's phone", Platform: "android"}, Terms: claim.Terms{Role: "owner", Person: "sam"}, Pin: pin}
	if apps := h.apps(); len(apps) != 1 || apps[0] != want {
		t.Errorf("admitted %+v", apps)
	}
	if _, _, err := ask(t, h.address, code); !errors.Is(err, claim.ErrNone) {
		t.Errorf("the code was good twice: %v", err)
	}
	if s := fmt.Sprintf("%v %+v %#v %s", code, code, code, claim.Terms{}); strings.Contains(s, string(code)) {
		t.Errorf("a log would show the code: %s", s)
	}
}

func TestTenWrongCodesMakeItVoid(t *testing.T) {
	h := newHub(t, claim.Tries{})
	code := h.issue(t)
	for n := range claim.Most {
		if _, _, err := ask(t, h.address, "0000000000"); !errors.Is(err, claim.ErrWrong) {
			t.Fatalf("try %d: %v", n+1, err)
		}
		if got := h.last().Wrong; got != n+1 {
			t.Fatalf("%d tries are kept after %d", got, n+1)
		}
	}
	if _, _, err := ask(t, h.address, code); !errors.Is(err, claim.ErrNone) {
		t.Errorf("the right code after ten wrong ones: %v", err)
	}
	if !h.desk.Attacked() || len(h.apps()) > 0 {
		t.Error("nobody would notice")
	}
	for _, wait := range []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute} {
		var w *claim.Wait
		if _, _, err := h.desk.Issue(claim.Terms{}, claim.Valid); !errors.As(err, &w) || w.For > wait || w.For <= wait/2 {
			t.Fatalf("a new code at once: %v, want a wait of %v", err, wait)
		}
		h.pass(wait)
		h.issue(t)
		for range claim.Most {
			_, _, _ = ask(t, h.address, "0000000000")
		}
	}
	last := h.last()
	again := newHub(t, last) // a restart makes no code free
	var w *claim.Wait
	if _, _, err := again.desk.Issue(claim.Terms{}, claim.Valid); !errors.As(err, &w) {
		t.Errorf("a restart forgets the wait: %v", err)
	}
	again.pass(time.Hour)
	if _, _, err := ask(t, again.address, again.issue(t)); err != nil || again.desk.Attacked() {
		t.Errorf("after the wait: %v", err)
	}
}

func TestACodeExpiresOrIsWithdrawn(t *testing.T) {
	h := newHub(t, claim.Tries{})
	if _, _, err := ask(t, h.address, "0000000000"); !errors.Is(err, claim.ErrNone) {
		t.Errorf("without a code: %v", err)
	}
	code := h.issue(t)
	h.pass(claim.Valid)
	if _, _, err := ask(t, h.address, code); !errors.Is(err, claim.ErrNone) {
		t.Errorf("after 15 minutes: %v", err)
	}
	old, code := h.issue(t), h.issue(t)
	if _, _, err := ask(t, h.address, old); !errors.Is(err, claim.ErrWrong) {
		t.Errorf("a code that was replaced: %v", err)
	}
	h.desk.Withdraw()
	if _, _, err := ask(t, h.address, code); !errors.Is(err, claim.ErrNone) {
		t.Errorf("a code that was withdrawn: %v", err)
	}
}

// A try that cannot be counted is none, or whoever fills the disk could guess for ever.
func TestWhatCannotBeCountedIsRefused(t *testing.T) {
	h := newHub(t, claim.Tries{})
	code := h.issue(t)
	h.mu.Lock()
	h.full = true
	h.mu.Unlock()
	if _, _, err := ask(t, h.address, code); err == nil || len(h.apps()) > 0 {
		t.Errorf("admitted on a full disk: %v", err)
	}
}

// A man in the middle who ends TLS on both sides and passes every byte on has two channels with two
// exported values: the right code, typed by the right person, fails, and is counted as a wrong one.
func TestARelayIsRefused(t *testing.T) {
	h := newHub(t, claim.Tries{})
	code := h.issue(t)
	evil, _ := identity(t)
	between := listen(t, evil, func(victim *tls.Conn) {
		to := dial(t, h.address, claim.Config(evil))
		done := make(chan struct{})
		go func() { defer close(done); _, _ = io.Copy(victim, to); _ = victim.CloseWrite() }()
		_, _ = io.Copy(to, victim)
		_ = to.Close()
		<-done
	})
	if _, _, err := ask(t, between, code); !errors.Is(err, claim.ErrWrong) {
		t.Errorf("through a relay: %v", err)
	}
	if h.last().Wrong != 1 || len(h.apps()) > 0 {
		t.Errorf("kept %+v, admitted %+v", h.last(), h.apps())
	}
	if _, _, err := ask(t, h.address, code); err != nil {
		t.Errorf("without the relay: %v", err)
	}
}

// An impostor that does not know the code learns nothing from the app, and cannot pass for the hub.
func TestAnImpostorIsRefused(t *testing.T) {
	evil := newHub(t, claim.Tries{})
	evil.issue(t)
	if got, _, err := ask(t, evil.address, "AAAAA00000"); !errors.Is(err, claim.ErrWrong) || got != (claim.Granted{}) {
		t.Errorf("a hub with another code: %+v, %v", got, err)
	}
	cert, _ := identity(t)
	mute := listen(t, cert, func(c *tls.Conn) { // says H4 without having proven anything
		_, _ = io.ReadFull(c, make([]byte, 3+2+12+1+7))
		b := make([]byte, 400)
		b[20] = 1
		_, _ = c.Write(message(2, b))
		_, _ = io.ReadFull(c, make([]byte, 3+384+32))
		_, _ = c.Write(message(4, make([]byte, 32), []byte("owner")))
	})
	if got, _, err := ask(t, mute, "AAAAA00000"); !errors.Is(err, claim.ErrWrong) || got != (claim.Granted{}) {
		t.Errorf("a hub that makes its proof up: %+v, %v", got, err)
	}
}

func TestOneClaimAtATime(t *testing.T) {
	h := newHub(t, claim.Tries{})
	code := h.issue(t)
	cert, _ := identity(t)
	first := dial(t, h.address, claim.Config(cert))
	if _, err := first.Write(message(1, []byte{1, 1}, []byte("x"), []byte{1}, []byte("y"))); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(first, make([]byte, 3+400)); err != nil { // H2: it is served
		t.Fatal(err)
	}
	if _, _, err := ask(t, h.address, code); !errors.Is(err, claim.ErrBusy) {
		t.Errorf("two claims at once: %v", err)
	}
	_ = first.Close()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); ; <-tick.C {
		_, _, err := ask(t, h.address, code)
		if err == nil {
			return
		}
		if !errors.Is(err, claim.ErrBusy) || time.Now().After(end) {
			t.Fatalf("after the first hung up: %v", err)
		}
	}
}

func TestWhatDoesNotFitIsRefused(t *testing.T) {
	h := newHub(t, claim.Tries{})
	h.issue(t)
	cert, _ := identity(t)
	for name, m := range map[string][]byte{
		"another version": message(1, []byte{2, 0, 0}), "no name": message(1, []byte{1}), "a long message": {1, 0xff, 0xff},
		"a name that turns lines round": message(1, []byte{1, 3}, []byte("\u202e"), []byte{0}), "C3 first": message(3, make([]byte, 416)),
		"too much": message(1, []byte{1, 0, 0, 0}),
	} {
		c := dial(t, h.address, claim.Config(cert))
		if _, err := c.Write(m); err != nil {
			t.Fatal(err)
		}
		head := make([]byte, 3)
		if _, err := io.ReadFull(c, head); err != nil || head[0] != 5 {
			t.Errorf("%s: answered %x, %v", name, head, err)
		}
		_ = c.Close()
	}
	// Without a certificate, or on HTTP's protocol, there is no claim.
	for _, conf := range []*tls.Config{{InsecureSkipVerify: true, NextProtos: []string{claim.Protocol}}, {InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}, Certificates: []tls.Certificate{cert}}} {
		c := dial(t, h.address, conf)
		_, _ = c.Write(message(1, []byte{1, 0, 0}))
		head := make([]byte, 3)
		if _, err := io.ReadFull(c, head); err != nil || head[0] != 5 {
			t.Errorf("%v: answered %x, %v", conf.NextProtos, head, err)
		}
		_ = c.Close()
	}
	for _, typed := range []string{"", "ABCDE", "ABCDE-FGHJU", "ABCDE-FGHJKL", strings.Repeat("-", 65), "ABCDE-FGHJ\x00"} {
		if _, err := claim.ParseCode(typed); !errors.Is(err, claim.ErrCode) {
			t.Errorf("%q is a code: %v", typed, err)
		}
	}
}

func TestAClaimEndsWithItsContext(t *testing.T) {
	h := newHub(t, claim.Tries{})
	h.issue(t)
	ctx, cancel := context.WithCancel(t.Context())
	cert, pin := identity(t)
	silent := listen(t, cert, func(c *tls.Conn) {
		_, _ = io.ReadFull(c, make([]byte, 3))
		cancel()
		_, _ = io.Copy(io.Discard, c)
	})
	c := dial(t, silent, claim.Config(cert))
	var late net.Error
	if _, err := claim.Ask(ctx, c, pin, "0000000000", claim.App{}); !errors.As(err, &late) || !late.Timeout() {
		t.Errorf("ended with %v", err)
	}
	_ = c.Close()
}

// No two codes are alike, and every sign comes up.
func TestCodesAreDrawn(t *testing.T) {
	h := newHub(t, claim.Tries{})
	seen, signs := map[claim.Code]bool{}, map[rune]int{}
	for range 2000 {
		code := h.issue(t)
		if seen[code] || len(code) != 10 {
			t.Fatalf("%s came twice", code.Shown())
		}
		seen[code] = true
		for _, r := range string(code) {
			signs[r]++
		}
	}
	if len(signs) != 32 {
		t.Errorf("%d signs", len(signs))
	}
	for r, n := range signs {
		if n < 400 || n > 900 { // 625 on average, 25 is one standard deviation
			t.Errorf("%c came %d times", r, n)
		}
	}
}

func BenchmarkClaim(b *testing.B) {
	h := newHub(b, claim.Tries{})
	for b.Loop() {
		if _, _, err := ask(b, h.address, h.issue(b)); err != nil {
			b.Fatal(err)
		}
	}
}
