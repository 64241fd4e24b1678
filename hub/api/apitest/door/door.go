// Package door gives a hub in memory its door to the network: the real entrance, with a key, a claim code
// and paired apps, on a port that can move. It is for tests of those who come through it.
package door

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"sync"
	"testing"

	"github.com/ingle-home/ingle/hub/api/apitest"
	"github.com/ingle-home/ingle/hub/api/claim"
	"github.com/ingle-home/ingle/hub/api/entrance"
	"github.com/ingle-home/ingle/hub/api/server"
	"github.com/ingle-home/ingle/hub/api/wire"
)

// Door is the way in. It is safe for concurrent use.
type Door struct {
	Home *apitest.Home

	cert tls.Certificate
	pin  claim.Pin
	desk *claim.Desk

	mu      sync.Mutex
	address string
	known   map[claim.Pin]bool
	shut    func()
}

// Open opens a door at an address, such as 127.0.0.1:0, until the test ends.
func Open(t testing.TB, home *apitest.Home, at string) *Door {
	t.Helper()
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	d := &Door{Home: home, known: map[claim.Pin]bool{}, shut: func() {}}
	d.cert, err = claim.Certificate(key)
	var err2 error
	d.pin, err2 = claim.PinOfKey(public)
	if err = errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	d.desk = claim.NewDesk(claim.Options{Keep: func(claim.Tries) error { return nil }, Admit: d.admit})
	home.OnPair(func(pin string) (string, string) {
		app, err := claim.ParsePin(pin)
		if err == nil {
			_ = d.admit(context.Background(), claim.Claimant{Pin: app})
		}
		return d.pin.String(), "https://" + d.Address()
	})
	d.Move(t, at)
	t.Cleanup(func() { d.Shut() })
	return d
}

// Move shuts the door and opens it at another address; the hub stays the same.
func (d *Door) Move(t testing.TB, at string) {
	t.Helper()
	d.Shut()
	ln, err := net.Listen("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	line := entrance.New(ln, entrance.Options{Identity: d, Log: log,
		API: server.New(server.Options{Hub: d.Home, Feed: d.Home.Feed, Caller: server.Paired, Log: log})})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- line.Serve(ctx) }()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.address = ln.Addr().String()
	d.shut = func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// Shut ends the hub as far as others can tell.
func (d *Door) Shut() {
	d.mu.Lock()
	shut := d.shut
	d.shut = func() {}
	d.mu.Unlock()
	shut()
}

// Address is where the door is now.
func (d *Door) Address() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.address
}

// Code draws a claim code, as it is shown.
func (d *Door) Code(t testing.TB) string {
	t.Helper()
	code, _, err := d.desk.Issue(claim.Terms{Role: wire.RoleOwner}, claim.Valid)
	if err != nil {
		t.Fatal(err)
	}
	return code.Shown()
}

func (d *Door) admit(_ context.Context, c claim.Claimant) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.known[c.Pin] = true
	return nil
}

// Certificate implements entrance.Identity.
func (d *Door) Certificate() *tls.Certificate { return &d.cert }

// Known implements entrance.Identity: everybody who was let in is the owner's app.
func (d *Door) Known(pin claim.Pin) (wire.App, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return wire.App{ID: pin.String()[:16], Role: wire.RoleOwner}, d.known[pin]
}

// Seen implements entrance.Identity.
func (d *Door) Seen(context.Context, string) {}

// Serve implements entrance.Identity.
func (d *Door) Serve(ctx context.Context, conn *tls.Conn) {
	_ = d.desk.Serve(ctx, conn, d.pin) // the app hears how it ended
}
