// Package page is the plain page: what a household sees of its hub in a browser, on phones and screen
// readers without the app. It is hand-written HTML on the same API as the app's, behind a listener of its
// own, which is shut until the owner opens it and while the hub is unclaimed or locked.
//
// Browsers take no Ed25519 certificate and pin nothing, so the page has an ECDSA key of its own, and people
// compare what the browser says about it. That is less than what an app proves, and why a hub is never
// claimed here, nor unlocked: who took the disk would have the key, and be sent the password.
//
// A password opens a session: a random token, kept in memory on both sides and sent in a header. It
// carries the owner's role into the API, which decides as for any app, and is good for what the page does
// and nothing else.
package page

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/ingle-home/ingle/hub/api/entrance"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/archive"
)

// State is what is sealed: whether the page is on, and its key.
type State struct {
	On   bool   `json:"on"`
	Key  []byte `json:"key"`  // PKCS #8
	Cert []byte `json:"cert"` // X.509
}

// Store keeps the state. Load gives archive.ErrNone where it was never kept.
type Store interface {
	Load(ctx context.Context) (State, error)
	Save(ctx context.Context, s State) error
}

// Options are what New needs.
type Options struct {
	Address  string            // where to listen, such as 0.0.0.0:8444; the port may be 0
	Language func() string     // that the household chose; nil or "" is each browser's
	Problem  func(error) error // puts what a disk says into the words of the API; nil: as it is
	Log      *slog.Logger      // nil: none
}

// Desk switches the page on and off and serves it. It is safe for concurrent use.
type Desk struct {
	o        Options
	api      http.Handler // finds the caller with server.Paired
	sessions sessions
	serving  sync.WaitGroup

	mu    sync.Mutex
	store Store // nil while the hub is unclaimed or locked
	state State
	cert  *tls.Certificate
	open  *listener // nil while it is off
	over  bool      // Close was called
}

// New gives a page that is shut.
func New(o Options) *Desk {
	if o.Problem == nil {
		o.Problem = func(err error) error { return err }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Desk{o: o}
}

// OnAPI says what answers those who logged in; it is called once, before Open. The API must take the
// address of the caller as the source of tries at the password.
func (d *Desk) OnAPI(api http.Handler) { d.api = api }

// Open takes the sealed state once the hub is open, and listens if the owner wants that. A page that cannot
// be shown keeps the hub from nothing else.
func (d *Desk) Open(ctx context.Context, store Store) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s, err := store.Load(ctx)
	if err != nil && !errors.Is(err, archive.ErrNone) {
		d.o.Log.Error("the plain page is not known", "err", err)
		return
	}
	d.store, d.state = store, s
	if !s.On {
		return
	}
	if err := d.listen(ctx); err != nil {
		d.o.Log.Error("the plain page is not shown", "err", err)
	}
}

// Page says how it stands.
func (d *Desk) Page(context.Context) (wire.Page, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.show(), nil
}

// PageOn listens, now and after each restart.
func (d *Desk) PageOn(ctx context.Context) (wire.Page, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.store == nil {
		return wire.Page{}, wire.Refuse(http.StatusLocked, wire.CodeLocked)
	}
	if d.open != nil {
		return d.show(), nil
	}
	if err := d.listen(ctx); err != nil {
		return wire.Page{}, err
	}
	next := d.state
	next.On = true
	if err := d.save(ctx, next); err != nil {
		d.shut()
		return wire.Page{}, err
	}
	return d.show(), nil
}

// PageOff ends the sessions and the listener. It does so even where the disk does not take that.
func (d *Desk) PageOff(ctx context.Context) (wire.Page, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.shut()
	next := d.state
	next.On = false
	if d.store == nil || !d.state.On {
		return d.show(), nil
	}
	err := d.save(ctx, next)
	return d.show(), err
}

// EndSessions has everybody log in again, once there is another password.
func (d *Desk) EndSessions() { d.sessions.end() }

// Close ends everything and waits for it.
func (d *Desk) Close() {
	d.mu.Lock()
	d.over = true
	d.shut()
	d.store = nil
	d.mu.Unlock()
	d.serving.Wait()
}

// reachable is the address that the listener has; empty while it is shut.
func (d *Desk) reachable() string {
	if d.open == nil {
		return ""
	}
	return "https://" + entrance.Reach(d.open.ln.Addr().String())
}

func (d *Desk) show() wire.Page {
	p := wire.Page{On: d.open != nil, Address: d.reachable()}
	if d.cert != nil {
		p.Words, p.Fingerprint, p.Until = Words(d.cert.Leaf), fingerprint(d.cert.Leaf), d.cert.Leaf.NotAfter.UTC()
	}
	return p
}

func (d *Desk) save(ctx context.Context, next State) error {
	if err := d.store.Save(ctx, next); err != nil {
		return d.o.Problem(err)
	}
	d.state = next
	return nil
}

// listen opens the port and serves it.
func (d *Desk) listen(ctx context.Context) error {
	if d.over {
		return wire.Refuse(http.StatusLocked, wire.CodeLocked)
	}
	if err := d.certify(ctx); err != nil {
		return err
	}
	var config net.ListenConfig
	ln, err := config.Listen(ctx, "tcp", d.o.Address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return wire.Refuse(http.StatusConflict, "page.port", "address", d.o.Address)
	} else if err != nil {
		return wire.Refuse(http.StatusConflict, "page.listen", "address", d.o.Address, "error", err.Error())
	}
	d.open = newListener(d, ln)
	d.serving.Go(d.open.serve)
	return nil
}

// shut closes the port and all its connections.
func (d *Desk) shut() {
	if d.open != nil {
		d.sessions.end()
		d.open.close()
		d.open = nil
	}
}

// seconds is a duration for the page's script.
func seconds(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }
