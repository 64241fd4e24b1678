package entrance_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/api/apitest"
	"github.com/ingle-home/ingle/hub/api/claim"
	"github.com/ingle-home/ingle/hub/api/client"
	"github.com/ingle-home/ingle/hub/api/entrance"
	"github.com/ingle-home/ingle/hub/api/server"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/archive"
	"github.com/ingle-home/ingle/hub/pairing"
)

const patience = 20 * time.Second

// memory is a store without a disk.
type memory struct {
	mu   sync.Mutex
	kept *pairing.State
}

func (m *memory) Load(context.Context) (pairing.State, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.kept == nil {
		return pairing.State{}, archive.ErrNone
	}
	return *m.kept, nil
}

func (m *memory) Save(_ context.Context, s pairing.State) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.kept = &s
	return nil
}

// hub is a home with a door to the network: what the daemon is, without its processes and disks.
type hub struct {
	*pairing.Book
	home    *apitest.Home
	line    *entrance.Listener
	address string
	log     *bytes.Buffer
	tokens  pocket
}

func newHub(t *testing.T, dir string, state wire.State) *hub {
	t.Helper()
	h := &hub{home: apitest.New(state), log: &bytes.Buffer{}}
	log := slog.New(slog.NewTextHandler(&guarded{w: h.log}, &slog.HandlerOptions{Level: slog.LevelDebug}))
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h.address = ln.Addr().String()
	claimed := func() bool { return h.home.Status(t.Context()).State != wire.Unclaimed }
	if h.Book, err = pairing.New(pairing.Options{Dir: dir, API: func() string { return "https://" + h.address }, Claimed: claimed, Log: log}); err != nil {
		t.Fatal(err)
	}
	h.line = entrance.New(ln, entrance.Options{Identity: h.Book, Tokens: &h.tokens, Log: log,
		API: server.New(server.Options{Hub: h.home, Feed: h.home.Feed, Caller: server.Paired, Log: log})})
	h.OnDrop(h.line.Drop)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.line.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return h
}

type guarded struct {
	mu sync.Mutex
	w  io.Writer
}

func (g *guarded) Write(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.w.Write(p)
}

func opened(t *testing.T) (*hub, *memory) {
	t.Helper()
	h, m := newHub(t, t.TempDir(), wire.Open), &memory{}
	if err := h.Open(t.Context(), m, ""); err != nil {
		t.Fatal(err)
	}
	return h, m
}

// pair lets an app in by a code.
func (h *hub) pair(t *testing.T, role string) (client.Self, client.File) {
	t.Helper()
	code, err := h.Invite(t.Context(), wire.Invitation{Role: role})
	if err != nil {
		t.Fatal(err)
	}
	file := client.File(filepath.Join(t.TempDir(), "app.json"))
	self, err := client.Pair(t.Context(), file, h.address, code.Code, claim.App{Name: "Noor's phone", Platform: "android"})
	if err != nil {
		t.Fatal(err)
	}
	return self, file
}

func dial(t *testing.T, self client.Self, r client.Remote) *client.Client {
	t.Helper()
	c, err := client.DialPaired(self, r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func (h *hub) id(t *testing.T) string {
	t.Helper()
	list, err := h.Apps(t.Context(), "")
	if err != nil || len(list) != 1 {
		t.Fatalf("apps: %+v, %v", list, err)
	}
	return list[0].ID
}

func TestAnAppIsKnownByItsKey(t *testing.T) {
	h, _ := opened(t)
	self, file := h.pair(t, wire.RoleMember)
	kept, err := file.Load()
	if err != nil || kept.Hub != self.Hub || !kept.Paired() {
		t.Fatalf("the app kept %v, %v", kept.Hub, err)
	}
	c := dial(t, self, client.Remote{})
	if list, err := c.Accessories(t.Context()); err != nil || len(list) == 0 {
		t.Errorf("a paired app is refused: %v", err)
	}
	if _, err := c.Zones(t.Context()); wire.Code(err) != wire.CodeForbidden {
		t.Errorf("a member sees zones: %v", err)
	}
	list, err := h.Apps(t.Context(), h.id(t))
	if err != nil || list[0].Name != "Noor's phone" || list[0].Role != wire.RoleMember || list[0].Seen.IsZero() || !list[0].This {
		t.Errorf("the hub has %+v, %v", list, err)
	}
	if strings.Contains(h.log.String(), "Noor") {
		t.Errorf("the log names an app: %s", h.log)
	}
}

func TestAnImpostorWithAnotherKeyIsRefused(t *testing.T) {
	h, _ := opened(t)
	self, _ := h.pair(t, wire.RoleOwner)
	evil, _ := opened(t)
	moved := self
	moved.Address = evil.address
	if _, err := dial(t, moved, client.Remote{}).Status(t.Context()); wire.Code(err) != wire.CodeImpostor {
		t.Errorf("another hub was taken for ours: %v", err)
	}
	// The hub has a new address. The network offers an impostor's first: the pin decides.
	old, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = old.Close()
	moved.Address = old.Addr().String()
	var heard atomic.Value
	c := dial(t, moved, client.Remote{
		Elsewhere: func(context.Context) []string { return []string{evil.address, h.address} },
		Moved:     func(address string) { heard.Store(address) },
	})
	if _, err := c.Accessories(t.Context()); err != nil || heard.Load() != h.address {
		t.Errorf("at its new address: %v; heard %v", err, heard.Load())
	}
}

func TestWhoeverHasNoKeyOrAnotherIsRefused(t *testing.T) {
	h, _ := opened(t)
	self, _ := h.pair(t, wire.RoleOwner)
	stranger := self
	stranger.Key = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32)).Seed()
	for range 20 {
		if _, err := dial(t, stranger, client.Remote{}).Accessories(t.Context()); wire.Code(err) != wire.CodeStranger {
			t.Fatalf("an unknown key: %v", err)
		}
	}
	// A relay that ends TLS on both sides cannot pass for the app: it has no key of the app's.
	conn, err := tls.Dial("tcp", h.address, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "GET /api/v1/accessories HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
	if said, err := io.ReadAll(conn); err != nil || !strings.Contains(string(said), wire.CodeStranger) {
		t.Errorf("without a key: %s, %v", said, err)
	}
	if _, err := tls.Dial("tcp", h.address, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12}); err == nil {
		t.Error("TLS 1.2 is spoken")
	}
}

// A revoked app's stream ends within the second, and its key opens nothing any more, nor does a session
// that it had.
func TestARevokedAppIsOutAtOnce(t *testing.T) {
	h, m := opened(t)
	self, _ := h.pair(t, wire.RoleOwner)
	c := dial(t, self, client.Remote{})
	began, lost, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		var once, gone sync.Once
		ended <- c.Follow(t.Context(), func(wire.Event) error { once.Do(func() { close(began) }); return nil }, func(error) { gone.Do(func() { close(lost) }) })
	}()
	wait(t, began)
	if err := h.RevokeApp(t.Context(), h.id(t)); err != nil {
		t.Fatal(err)
	}
	at := time.Now()
	wait(t, lost)
	if took := time.Since(at); took > time.Second {
		t.Errorf("the stream went on for %v", took)
	}
	select {
	case err := <-ended:
		if wire.Code(err) != wire.CodeStranger {
			t.Errorf("the stream ended with %v", err)
		}
	case <-time.After(patience):
		t.Fatal("the app goes on asking")
	}
	if _, err := c.Accessories(t.Context()); wire.Code(err) != wire.CodeStranger {
		t.Errorf("a revoked app: %v", err)
	}
	if len(m.kept.Apps) != 0 {
		t.Errorf("the store has %+v", m.kept.Apps)
	}
	if err := h.RevokeApp(t.Context(), "nobody"); wire.Code(err) != wire.CodeUnknown {
		t.Errorf("nobody is revoked: %v", err)
	}
}

// Strangers cannot push an app's connection out, however many they are.
func TestACrowdDoesNotPushAppsOut(t *testing.T) {
	h, _ := opened(t)
	self, _ := h.pair(t, wire.RoleMember)
	c := dial(t, self, client.Remote{})
	began, lost := make(chan struct{}), make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() {
		var once, gone sync.Once
		_ = c.Follow(ctx, func(wire.Event) error { once.Do(func() { close(began) }); return nil }, func(error) { gone.Do(func() { close(lost) }) })
	})
	wait(t, began)
	for range 2 * entrance.Most {
		s, err := net.Dial("tcp", h.address)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
	}
	if _, err := c.Accessories(t.Context()); err != nil {
		t.Errorf("in a crowd: %v", err)
	}
	select {
	case <-lost:
		t.Error("the app's stream was pushed out")
	default:
	}
	cancel()
	done.Wait()
}

// From a code on the hub to an owner's app, with a restart between any two steps.
func TestTheFirstApp(t *testing.T) {
	for _, restart := range []bool{false, true} {
		dir, file := t.TempDir(), client.File(filepath.Join(t.TempDir(), "app.json"))
		h := newHub(t, dir, wire.Unclaimed)
		if _, err := client.Pair(t.Context(), file, h.address, "00000-00000", claim.App{}); wire.Code(err) != wire.CodeClaimNone {
			t.Errorf("nobody asked for a code: %v", err)
		}
		code, err := h.ClaimCode(t.Context())
		if err != nil || code.API != "https://"+h.address {
			t.Fatal(code, err)
		}
		if _, err := client.Pair(t.Context(), file, h.address, "ABCDE", claim.App{}); wire.Code(err) != wire.CodeClaimForm {
			t.Errorf("half a code: %v", err)
		}
		if _, err := client.Pair(t.Context(), file, h.address, "00000-00000", claim.App{}); wire.Code(err) != wire.CodeClaimCode {
			t.Errorf("a wrong code: %v", err)
		}
		self, err := client.Pair(t.Context(), file, h.address, code.Code, claim.App{Name: "Sam's laptop"})
		if err != nil {
			t.Fatal(err)
		}
		if restart {
			h = newHub(t, dir, wire.Unclaimed)
			self.Address = h.address
		}
		c := dial(t, self, client.Remote{})
		if _, err := c.People(t.Context()); wire.Code(err) != wire.CodeUnclaimed {
			t.Errorf("before there is a password: %v", err)
		}
		answer, err := c.Setup(t.Context(), "a long enough password")
		if err != nil || answer.RecoveryCode == "" {
			t.Fatalf("the first app sets the password: %v", err)
		}
		m := &memory{}
		if err := h.Open(t.Context(), m, m.first(self)); err != nil {
			t.Fatal(err)
		}
		if list, err := c.Apps(t.Context()); err != nil || list == nil {
			t.Errorf("the owner's app: %v", err)
		}
		if len(m.kept.Apps) != 1 || m.kept.Apps[0].Role != wire.RoleOwner || (m.kept.Apps[0].Name == "Sam's laptop") == restart {
			t.Errorf("the store has %+v", m.kept.Apps)
		}
	}
}

// first is the ID of an app: the beginning of its key's pin.
func (*memory) first(self client.Self) string {
	pin, _ := claim.PinOfKey(ed25519.NewKeyFromSeed(self.Key).Public().(ed25519.PublicKey))
	return pin.String()[:16]
}

func TestAddressesOfTheHome(t *testing.T) {
	for address, home := range map[string]bool{"127.0.0.1": true, "192.168.1.7": true, "10.1.2.3": true, "172.31.0.1": true, "fe80::1": true, "fd00::1": true, "::ffff:192.168.1.7": true,
		"8.8.8.8": false, "2001:db8::1": false, "172.32.0.1": false, "::ffff:8.8.8.8": false} {
		if entrance.AtHome(netip.MustParseAddr(address)) != home {
			t.Errorf("%s: want %v", address, home)
		}
	}
}

func TestWhereOthersFindTheHub(t *testing.T) {
	for _, as := range []string{"127.0.0.1:8443", "192.168.1.7:1", "[fd00::1]:8443"} {
		if got := entrance.Reach(as); got != as {
			t.Errorf("%s is found at %s", as, got)
		}
	}
	for _, all := range []string{"0.0.0.0:8443", "[::]:8443"} {
		at, err := netip.ParseAddrPort(entrance.Reach(all))
		if err != nil || at.Port() != 8443 || at.Addr().IsUnspecified() || !entrance.AtHome(at.Addr()) {
			t.Errorf("%s is found at %v, %v", all, at, err)
		}
	}
}

// What was started has ended when Serve returns.
func TestNothingIsLeftBehind(t *testing.T) {
	before := runtime.NumGoroutine()
	t.Run("a day", func(t *testing.T) {
		h, _ := opened(t)
		self, _ := h.pair(t, wire.RoleOwner)
		c := dial(t, self, client.Remote{})
		ctx, cancel := context.WithCancel(t.Context())
		_ = c.Events(ctx, func(wire.Event) error { cancel(); return nil })
		if conn, err := net.Dial("tcp", h.address); err == nil {
			defer conn.Close()
		}
		http.DefaultClient.CloseIdleConnections()
	})
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); runtime.NumGoroutine() > before+1; <-tick.C {
		if time.Now().After(end) {
			buf := make([]byte, 1<<16)
			t.Fatalf("%d goroutines, before there were %d:\n%s", runtime.NumGoroutine(), before, buf[:runtime.Stack(buf, true)])
		}
	}
}

func wait(t *testing.T, what <-chan struct{}) {
	t.Helper()
	select {
	case <-what:
	case <-time.After(patience):
		t.Fatal("in vain")
	}
}
