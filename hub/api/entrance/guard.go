package entrance

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"time"

	"crypto/tls"

	"github.com/ingle-home/ingle/hub/api/server"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/product"
)

type connKey struct{}

// ServeHTTP finds out who calls before the API is asked.
func (l *Listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !l.meant(r) {
		w.Header().Set("Connection", "close")
		http.Error(w, http.StatusText(http.StatusMisdirectedRequest), http.StatusMisdirectedRequest)
		return
	}
	if contact(w, r) {
		return
	}
	c, _ := r.Context().Value(connKey{}).(net.Conn)
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		l.keyless(w, r, c)
		return
	}
	app, err := l.caller(*r.TLS)
	if err == nil {
		l.hold(app.ID, c)
		_, err = l.caller(*r.TLS) // revoked while it was about to be held: it was not dropped
	}
	if err != nil { // since the handshake it is no app of ours any more
		drop(c)
		return
	}
	l.o.Identity.Seen(r.Context(), app.ID)
	free := http.NewResponseController(w) // the household's streams and long tasks have limits of their own
	_, _ = free.SetReadDeadline(time.Time{}), free.SetWriteDeadline(time.Time{})
	l.o.API.ServeHTTP(w, r.WithContext(server.WithApp(r.Context(), app)))
}

// keyless serves scripts, which show a token, and strangers, who show nothing. Whoever shows what is no
// token is a stranger.
func (l *Listener) keyless(w http.ResponseWriter, r *http.Request, c net.Conn) {
	token, ok := l.token(r)
	if !ok {
		l.o.API.ServeHTTP(w, r)
		return
	}
	l.hold(token.ID, c)
	if token, ok = l.token(r); !ok { // revoked while it was about to be held: it was not dropped
		drop(c)
		return
	}
	free := http.NewResponseController(w)
	_, _ = free.SetReadDeadline(time.Time{}), free.SetWriteDeadline(time.Time{})
	ctx, cancel := context.WithTimeout(r.Context(), time.Until(token.Until)) // a stream ends with its token
	defer cancel()
	l.o.API.ServeHTTP(w, r.WithContext(server.WithScript(ctx, token)))
}

func (l *Listener) token(r *http.Request) (wire.Token, bool) {
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if l.o.Tokens == nil || !strings.EqualFold(scheme, "Bearer") {
		return wire.Token{}, false
	}
	return l.o.Tokens.Known(r.Context(), strings.TrimSpace(secret))
}

// meant says whether a request was made for this hub: a name that somebody's web page made point here, or
// a page of another place that a browser shows, was not.
func (l *Listener) meant(r *http.Request) bool {
	return l.names.Hold(r.Host) && l.cross.Check(r) == nil && r.Header.Get("Origin") == ""
}

// Names are those by which the hub may be called, beside its addresses.
type Names map[string]bool

// HostNames are those of this machine.
func HostNames() Names {
	names := Names{"localhost": true}
	if name, err := os.Hostname(); err == nil {
		first, _, _ := strings.Cut(strings.ToLower(name), ".")
		names[first+".local"] = true
	}
	return names
}

// Hold says whether a request's Host, with or without a port, is one of the names or an address.
func (n Names) Hold(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	_, err := netip.ParseAddr(host)
	return err == nil || n[host]
}

// hold notes an app's connection, which strangers push out no more, and only its own newer ones.
func (l *Listener) hold(app string, c net.Conn) {
	l.crowd.Leave(c)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[app] == nil {
		l.open[app] = &Crowd{Most: MostOfOne}
	}
	l.open[app].Enter(c)
}

// note is the server's ConnState.
func (l *Listener) note(c net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		l.crowd.Enter(c)
	case http.StateClosed, http.StateHijacked:
		l.crowd.Leave(c)
		l.mu.Lock()
		defer l.mu.Unlock()
		for app, held := range l.open {
			if !held.Leave(c) {
				delete(l.open, app)
			}
		}
	}
}

// drop closes the socket below TLS, whose own goodbye could take seconds.
func drop(conn net.Conn) {
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	if p, ok := conn.(*patient); ok {
		conn = p.TCPConn
	}
	if conn != nil {
		_ = conn.Close() // its server notices and cleans up
	}
}

// contact is the other answer that everybody gets: where to report a hole. It is no route, and no mux, which
// would answer odd paths itself.
func contact(w http.ResponseWriter, r *http.Request) bool {
	if r.URL.Path != "/.well-known/security.txt" || (r.Method != http.MethodGet && r.Method != http.MethodHead) {
		return false
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, product.SecurityTxt(time.Now())) // the caller has gone: nobody is left to tell
	return true
}

// Source is the address from which a request came.
func Source(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
