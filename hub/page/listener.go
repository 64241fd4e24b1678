package page

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/ingle-home/ingle/hub/api/entrance"
)

var errShut = errors.New("page: it is shut")

// most is how many connections of those who have not logged in are held.
const most = 64

// listener is the open port.
type listener struct {
	desk   *Desk
	ln     net.Listener
	server *http.Server
	crowd  entrance.Crowd
	names  entrance.Names
	cross  *http.CrossOriginProtection
	ctx    context.Context // ends with the listener
	end    context.CancelFunc
}

type connKey struct{}

func newListener(d *Desk, ln net.Listener) *listener {
	l := &listener{desk: d, crowd: entrance.Crowd{Most: most}, names: entrance.HostNames(), cross: http.NewCrossOriginProtection()}
	l.ctx, l.end = context.WithCancel(context.Background())
	l.ln = tls.NewListener(entrance.Near(ln), &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: []string{"http/1.1"}, GetCertificate: d.greet, SessionTicketsDisabled: true,
	})
	l.server = &http.Server{
		Handler:           l,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second, // a try at the password may wait for another one
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    8 << 10,
		ConnState:         l.note,
		ConnContext:       func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, connKey{}, c) },
		BaseContext:       func(net.Listener) context.Context { return l.ctx },
		ErrorLog:          slog.NewLogLogger(d.o.Log.Handler(), slog.LevelDebug),
	}
	return l
}

func (l *listener) serve() {
	if err := l.server.Serve(l.ln); !errors.Is(err, http.ErrServerClosed) {
		l.desk.o.Log.Error("the plain page stopped", "err", err)
	}
}

// close ends the listener and every connection at once.
func (l *listener) close() {
	l.end()
	_ = l.server.Close() // the port is free even where a connection complains
	l.crowd.Disperse()
}

func (l *listener) note(c net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		l.crowd.Enter(c)
	case http.StateClosed, http.StateHijacked:
		l.crowd.Leave(c)
	}
}

// household takes a connection out of the crowd once a session used it, and gives it the time that streams
// and long tasks need.
func (l *listener) household(w http.ResponseWriter, r *http.Request) {
	if c, ok := r.Context().Value(connKey{}).(net.Conn); ok {
		l.crowd.Leave(c)
	}
	free := http.NewResponseController(w)
	_, _ = free.SetReadDeadline(time.Time{}), free.SetWriteDeadline(time.Time{})
}
