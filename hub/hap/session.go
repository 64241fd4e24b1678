package hap

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ingle-home/ingle/hub/hap/internal/frame"
	"github.com/ingle-home/ingle/hub/hap/internal/message"
	"github.com/ingle-home/ingle/hub/hap/internal/pairing"
)

// Peer is the controller at the other end of one connection. The exported
// fields do not change while the connection lives.
type Peer struct {
	Number        uint64 // of the connection, unique within the server
	Controller    string // pairing identifier; empty for an identify before pairing
	Local, Remote netip.AddrPort
	Secret        []byte // X25519 secret of pair-verify

	key   []byte // of the pairing
	admin atomic.Bool
	done  <-chan struct{}
}

// Admin reports whether the controller may change pairings; it can change
// during the life of a connection.
func (p *Peer) Admin() bool { return p.admin.Load() }

// Done is closed when the connection has ended; nil on a Peer made by hand.
func (p *Peer) Done() <-chan struct{} { return p.done }

var errFlooded = errors.New("hap: the controller is too far behind")

// Bodies before and after a controller has proved itself, in bytes. The largest
// that a stranger has to say, M3 of pair-setup, is half a kilobyte.
const (
	maxClearBody  = 8 << 10
	maxSecureBody = 2 << 20
)

// session is one connection. Its own goroutine reads, answers and owns the
// fields without a lock; the emitter writes events.
type session struct {
	server *Server
	conn   *frame.Conn
	number uint64
	local  netip.AddrPort
	remote netip.AddrPort
	ctx    context.Context // ends with the connection
	cancel context.CancelFunc
	work   sync.WaitGroup // emitter and device calls

	setup  *pairing.Setup
	verify *pairing.Verify
	stake  atomic.Int32 // what a stranger would lose: silent, asking or settingUp
	heard  atomic.Int64 // Unix nanoseconds of the last request or event
	peer   *Peer        // nil until verified; written under server.mu

	query   message.Query
	writes  message.Writes
	results []result
	names   []id // of one request, in rising order
	head    []byte
	body    []byte
	timed   timedWrite

	writing   sync.Mutex // open, held, events under way, and the order of what is written
	open      bool       // a request has begun and is not answered
	held      bool       // events wait for that answer
	heldSince time.Time
	answered  chan struct{}

	events    events
	batch     batch
	eventOut  []byte
	eventBody []byte

	subscribing   sync.Mutex // taken before Characteristic.mu and events.mu
	subscriptions map[id]*subscription
}

func newSession(ctx context.Context, server *Server, socket net.Conn) *session {
	ctx, cancel := context.WithCancel(ctx)
	store := store{server}
	s := &session{
		server: server, conn: frame.New(socket), number: server.numbers.Add(1),
		local: endpoint(socket.LocalAddr()), remote: endpoint(socket.RemoteAddr()),
		ctx: ctx, cancel: cancel,
		setup: pairing.NewSetup(store, &server.gate), verify: pairing.NewVerify(store, &server.gate),
		answered: make(chan struct{}, 1), events: events{wake: make(chan struct{}, 1)},
		subscriptions: map[id]*subscription{},
	}
	context.AfterFunc(ctx, func() { s.conn.Close() }) // wakes a blocked reader or writer
	return s
}

func endpoint(a net.Addr) netip.AddrPort {
	if t, ok := a.(*net.TCPAddr); ok {
		return t.AddrPort()
	}
	return netip.AddrPort{}
}

// address is where the peer is, whatever its port.
func (s *session) address() netip.Addr { return s.remote.Addr().Unmap() }

// run serves the connection until it ends and everything it started has ended.
func (s *session) run() {
	err := s.loop()
	s.end("requests", err)
	s.unsubscribeAll()
	s.work.Wait()
}

// end closes the connection and never blocks; the session's goroutine cleans up.
func (s *session) end(where string, err error) {
	if s.ctx.Err() == nil && err != nil {
		s.server.log.Debug("hap: connection ends", slog.String("in", where), slog.Any("remote", s.remote), slog.Any("error", err))
	}
	s.cancel()
}

func (s *session) loop() error {
	for {
		if err := s.awaitRequest(); err != nil {
			return err
		}
		s.begin()
		r, err := message.Read(s.conn, s.maxBody())
		if err != nil {
			return s.refuse(err)
		}
		if err := s.route(r); err != nil {
			return err
		}
		s.tidy()
	}
}

// tidy lets go of what one request needed, of which entries hold parts, and of
// memory that only an unusual one does: there may be hundreds of sessions.
func (s *session) tidy() {
	const entries, bytes = 1024, 256 << 10
	clear(s.writes.Entries)
	clear(s.results)
	if cap(s.writes.Entries) > entries {
		s.writes.Entries = nil
	}
	if cap(s.results) > entries || cap(s.names) > entries || cap(s.query.IDs) > entries {
		s.results, s.names, s.query.IDs = nil, nil, nil
	}
	if cap(s.body) > bytes {
		s.body = nil
	}
}

// refuse answers a request after which the next one cannot be found.
func (s *session) refuse(err error) error {
	switch {
	case errors.Is(err, message.ErrTooLarge):
		err = errors.Join(err, s.status(413, StatusOutOfResources))
	case errors.Is(err, message.ErrMalformed):
		err = errors.Join(err, s.status(400, StatusInvalidValue))
	default:
		return err
	}
	s.conn.Linger()
	return err
}

func (s *session) maxBody() int {
	if s.peer == nil {
		return maxClearBody
	}
	return maxSecureBody
}

// awaitRequest returns when a byte has come.
func (s *session) awaitRequest() error {
	for len(s.conn.Buffered()) == 0 {
		if err := s.conn.SetReadDeadline(time.Now().Add(s.patience())); err != nil {
			return err
		}
		err := s.conn.Fill()
		if err != nil && (s.peer == nil || !errors.Is(err, os.ErrDeadlineExceeded)) {
			return err
		}
		if err != nil && !s.server.mayStay(s) {
			return errSilent
		}
	}
	now := time.Now()
	s.heard.Store(now.UnixNano())
	if s.stake.Load() == silent {
		s.stake.Store(asking)
	}
	return s.conn.SetReadDeadline(now.Add(s.server.limits.Request))
}

// patience is how long nothing may come. Controllers may be silent for as long
// as they like, unless there are many.
func (s *session) patience() time.Duration {
	switch {
	case s.peer != nil:
		return s.server.limits.Silence
	case s.setup.Running():
		return s.server.limits.Setup
	}
	return s.server.limits.Idle
}

// begin holds events back until the answer.
func (s *session) begin() {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.open = true
}

// secure makes the connection that of a verified controller, after M4 has left
// in the clear. The pairing is looked up once more where its removal would find
// the session.
func (s *session) secure(v *pairing.Verified) error {
	if err := s.conn.Secure(v.Secret); err != nil {
		return err
	}
	peer := &Peer{
		Number: s.number, Controller: v.Peer.ID, Local: s.local, Remote: s.remote,
		Secret: v.Secret, key: v.Peer.Key, done: s.ctx.Done(),
	}
	if !s.server.enter(s, peer) {
		return errUnknown
	}
	s.work.Go(s.emit)
	return nil
}

// await runs one call to an accessory and stops waiting for it when ctx ends;
// the session still waits for it when it closes.
func await[T any](ctx context.Context, s *session, aid uint64, call func() (T, error)) (T, error) {
	type outcome struct {
		value T
		err   error
	}
	done := make(chan outcome, 1)
	s.work.Go(func() {
		v, err := guard(s.server, aid, call)
		done <- outcome{v, err}
	})
	select {
	case o := <-done:
		return o.value, o.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

// guard makes one call into the code of an accessory. A panic there is the fault
// of that accessory alone: the controller hears that it is unreachable, and
// everything else goes on.
func guard[T any](s *Server, aid uint64, call func() (T, error)) (v T, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			s.blame(aid, fault)
			var none T
			v, err = none, StatusUnreachable
		}
	}()
	return call()
}

// blame logs the first panic of an accessory. What the panic says stays out of
// the log unless the Go runtime says it: it may be a value of the household.
func (s *Server) blame(aid uint64, fault any) {
	const most = 256 // aids come from controllers
	s.mu.Lock()
	_, known := s.faults[aid]
	if !known && len(s.faults) < most {
		s.faults[aid] = struct{}{}
	} else {
		known = true
	}
	s.mu.Unlock()
	if known {
		return
	}
	what := fmt.Sprintf("%T", fault)
	if r, ok := fault.(runtime.Error); ok {
		what = r.Error()
	}
	s.log.Error("hap: an accessory panicked", slog.Uint64("aid", aid), slog.String("panic", what), slog.String("stack", string(debug.Stack())))
}
