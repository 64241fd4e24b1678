// Package entrance is the hub's door to the network: one TLS 1.3 port, on which apps are known by their
// keys, an app that nobody knows yet may claim the hub by a code, and strangers get two answers.
//
// Who dials with the claim's protocol name (ALPN) must show a key, any key, and gets that protocol and
// nothing else. Who shows a key otherwise must be a paired app, or the handshake fails. Who shows none
// is a stranger. Nothing is trusted because it is near: only that connections from public addresses
// are refused, since the port was never meant for them.
package entrance

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ingle-home/ingle/hub/api/claim"
	"github.com/ingle-home/ingle/hub/api/wire"
)

// Identity is who the hub is and whom it knows. It is safe for concurrent use.
type Identity interface {
	Certificate() *tls.Certificate
	// Known is asked at every handshake and every request.
	Known(pin claim.Pin) (wire.App, bool)
	Seen(ctx context.Context, app string)
	// Serve is one claim; the connection is closed afterwards.
	Serve(ctx context.Context, conn *tls.Conn)
}

// Tokens know scripts. They are safe for concurrent use.
type Tokens interface {
	// Known is asked at every request.
	Known(ctx context.Context, secret string) (wire.Token, bool)
}

// Options are what New needs.
type Options struct {
	Identity Identity
	Tokens   Tokens       // of scripts; nil: there are none
	API      http.Handler // it finds the calling app with server.AppOf
	Log      *slog.Logger
}

var errUnknown = errors.New("entrance: the key is of no paired app")

// Listener serves the port. It is safe for concurrent use.
type Listener struct {
	o     Options
	ln    net.Listener
	names Names
	crowd Crowd
	cross *http.CrossOriginProtection

	mu   sync.Mutex
	open map[string]*Crowd // connections of paired apps and scripts
}

// Most is how many connections of strangers are held: each costs memory and a file, of which the hub
// needs some for the household.
const Most = 128

// MostOfOne is how many connections one app or script has: a stream, the cameras and a few questions are
// far fewer, and a guest must not be able to use the hub up.
const MostOfOne = 64

// New gives a listener on a TCP port; ln is the listener's from then on.
func New(ln net.Listener, o Options) *Listener {
	l := &Listener{o: o, names: HostNames(), crowd: Crowd{Most: Most}, cross: http.NewCrossOriginProtection(), open: map[string]*Crowd{}}
	l.ln = tls.NewListener(Near(ln), &tls.Config{MinVersion: tls.VersionTLS13, GetConfigForClient: l.greet})
	return l
}

// Serve serves until ctx ends, and waits for what it started.
func (l *Listener) Serve(ctx context.Context) error {
	s := &http.Server{
		Handler:           l,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      10 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    8 << 10,
		ConnState:         l.note,
		ConnContext:       func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, connKey{}, c) },
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ErrorLog:          slog.NewLogLogger(l.o.Log.Handler(), slog.LevelDebug),
		// The server gives a connection with another protocol than HTTP away, as a whole: a claim
		// must not be spread over two.
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){
			claim.Protocol: func(_ *http.Server, c *tls.Conn, _ http.Handler) {
				l.crowd.Leave(c)               // one is served at a time and the others go at once: strangers push it out no more
				_ = c.SetDeadline(time.Time{}) // the claim has its own
				l.o.Identity.Serve(ctx, c)
			},
		},
	}
	var closing sync.WaitGroup
	closing.Add(1)
	stop := context.AfterFunc(ctx, func() {
		defer closing.Done()
		l.crowd.Disperse()
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
		defer cancel()
		if s.Shutdown(end) != nil {
			_ = s.Close()
		}
	})
	err := s.Serve(l.ln)
	if stop() {
		closing.Done()
	}
	closing.Wait()
	if !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("entrance: %w", err)
	}
	return nil
}

// greet says what a client must show, by what it wants.
func (l *Listener) greet(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	conf := &tls.Config{
		MinVersion: tls.VersionTLS13, SessionTicketsDisabled: true, // a revoked app must not resume
		Certificates: []tls.Certificate{*l.o.Identity.Certificate()},
		NextProtos:   []string{"http/1.1"}, ClientAuth: tls.RequestClientCert,
		VerifyConnection: func(s tls.ConnectionState) error {
			err := l.verify(s)
			if c, ok := hello.Conn.(*patient); ok && err != nil {
				c.refused.Store(true)
			}
			return err
		},
	}
	for _, p := range hello.SupportedProtos {
		if p == claim.Protocol {
			conf.NextProtos, conf.ClientAuth = []string{claim.Protocol}, tls.RequireAnyClientCert
			conf.VerifyConnection = func(s tls.ConnectionState) error {
				_, err := claim.PinOf(s)
				return err
			}
		}
	}
	return conf, nil
}

// verify lets strangers in, who show no key, and paired apps.
func (l *Listener) verify(s tls.ConnectionState) error {
	if len(s.PeerCertificates) == 0 {
		return nil
	}
	_, err := l.caller(s)
	return err
}

func (l *Listener) caller(s tls.ConnectionState) (wire.App, error) {
	pin, err := claim.PinOf(s)
	if err != nil {
		return wire.App{}, err
	}
	app, known := l.o.Identity.Known(pin)
	if !known {
		return wire.App{}, errUnknown
	}
	return app, nil
}

// Drop ends all connections of an app within the second, its stream of events too.
func (l *Listener) Drop(app string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if held := l.open[app]; held != nil {
		held.Disperse()
	}
	delete(l.open, app)
}

// Near takes connections from addresses of the home only.
func Near(ln net.Listener) net.Listener { return near{ln} }

type near struct{ net.Listener }

func (n near) Accept() (net.Conn, error) {
	for {
		c, err := n.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from, err := netip.ParseAddrPort(c.RemoteAddr().String())
		if t, ok := c.(*net.TCPConn); ok && err == nil && AtHome(from.Addr()) {
			return &patient{TCPConn: t}, nil
		}
		_ = c.Close()
	}
}

// patient is a connection that lets a refused app hear why. In TLS 1.3 it has sent its first request by
// then; were the socket closed with that unread, the system would cut the line before the reason was read.
type patient struct {
	*net.TCPConn
	refused atomic.Bool
}

// Close waits for the other side to hang up, a second at most.
func (p *patient) Close() error {
	if p.refused.Swap(false) {
		_ = p.CloseWrite() // where this fails the close does too
		_ = p.SetReadDeadline(time.Now().Add(time.Second))
		_, _ = io.Copy(io.Discard, io.LimitReader(p.TCPConn, 64<<10))
	}
	return p.TCPConn.Close()
}

// AtHome says whether an address is of a home network or of this machine.
func AtHome(a netip.Addr) bool {
	a = a.Unmap()
	return a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast()
}

// Reach is where others in the home find a listener: of one that listens on all addresses of the machine,
// the first that is of a home network, as things are now.
func Reach(listening string) string {
	at, err := netip.ParseAddrPort(listening)
	if err != nil || !at.Addr().IsUnspecified() {
		return listening
	}
	found := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	list, _ := net.InterfaceAddrs() // a machine that hides them still has itself
	for _, a := range list {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Is4() && p.Addr().IsPrivate() {
			found = p.Addr()
			break
		}
	}
	return netip.AddrPortFrom(found, at.Port()).String()
}
