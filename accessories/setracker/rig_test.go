package setracker_test

import (
	"context"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/setracker"
	"github.com/ingle-home/ingle/accessories/trait"
)

const watch = "3456789012"

// street is a network in memory, so that hours pass in a test's own time and callers come from
// anywhere.
type street struct {
	t   *testing.T
	log strings.Builder // written under mu
	mu  sync.Mutex
	at  *gate
	// opened counts doors.
	opened int
}

func newStreet(t *testing.T) *street { return &street{t: t} }

func (*street) Dial(context.Context, string, string) (net.Conn, error) { return nil, device.ErrRefused }

func (s *street) Listen(context.Context, string) (net.Listener, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opened++
	s.at = &gate{in: make(chan net.Conn), done: make(chan struct{})}
	return s.at, nil
}

func (s *street) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.Write(p)
}

func (s *street) logged() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.String()
}

func (s *street) config(id string) device.Config {
	return device.Config{Address: id, Net: s, Now: time.Now, Log: slog.New(slog.NewTextHandler(s, nil))}
}

// gate is the listener of a street.
type gate struct {
	in   chan net.Conn
	done chan struct{}
	once sync.Once
}

func (g *gate) Accept() (net.Conn, error) {
	select {
	case c := <-g.in:
		return c, nil
	case <-g.done:
		return nil, net.ErrClosed
	}
}

func (g *gate) Close() error   { g.once.Do(func() { close(g.done) }); return nil }
func (g *gate) Addr() net.Addr { return &net.TCPAddr{} }

// from is a connection that comes from an address.
type from struct {
	net.Conn
	address string
}

func (f from) RemoteAddr() net.Addr {
	a, _ := net.ResolveTCPAddr("tcp", net.JoinHostPort(f.address, "4000"))
	return a
}

// caller is the far end of a connection. It reads all that comes.
type caller struct {
	net.Conn
	t    *testing.T
	mu   sync.Mutex
	got  strings.Builder
	over bool
}

// call connects from an address; nil when the door is closed.
func (s *street) call(address string) *caller {
	s.mu.Lock()
	g := s.at
	s.mu.Unlock()
	near, far := net.Pipe()
	select {
	case g.in <- from{near, address}:
	case <-g.done:
		return nil
	}
	c := &caller{Conn: far, t: s.t}
	go c.listen()
	s.t.Cleanup(func() { far.Close() })
	return c
}

func (c *caller) listen() {
	buf := make([]byte, 512)
	for {
		n, err := c.Read(buf)
		c.mu.Lock()
		c.got.Write(buf[:n])
		c.over = err != nil
		c.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// say writes a text, as much as the other side takes, and gives what came back by then.
func (c *caller) say(text string) string {
	c.t.Helper()
	_, _ = c.Write([]byte(text))
	return c.heard()
}

// heard gives what came since it was last asked.
func (c *caller) heard() string {
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	got := c.got.String()
	c.got.Reset()
	return got
}

func (c *caller) closed() bool {
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.over
}

// running is a session under test, and what it reported.
type running struct {
	device.Session
	mu    sync.Mutex
	got   []trait.Reading
	fail  error // what report answers to events
	stop  context.CancelFunc
	ended chan error
}

// run opens and runs a session. It ends with the test.
func run(t *testing.T, d *setracker.Driver, c device.Config) *running {
	t.Helper()
	s, err := d.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return start(t, s)
}

// begin is run inside a test's own time, where it can wait until the session hears.
func begin(t *testing.T, d *setracker.Driver, c device.Config) *running {
	t.Helper()
	r := run(t, d, c)
	synctest.Wait()
	return r
}

func start(t *testing.T, s device.Session) *running {
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{Session: s, stop: cancel, ended: make(chan error, 1)}
	go func() { r.ended <- s.Run(ctx, r.report) }()
	t.Cleanup(cancel)
	return r
}

func (r *running) report(x trait.Reading) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if x.Trait.Kind() == trait.Event && r.fail != nil {
		return r.fail
	}
	r.got = append(r.got, x)
	return nil
}

func (r *running) failWith(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fail = err
}

// reported gives what was reported since it was last asked, as "sos=true battery=66".
func (r *running) reported() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for _, x := range r.got {
		out = append(out, x.Trait.ID()+"="+string(x.JSON()))
	}
	r.got = nil
	return strings.Join(out, " ")
}

// end ends the session and waits.
func (r *running) end(t *testing.T) {
	t.Helper()
	r.stop()
	if err := <-r.ended; err != nil {
		t.Error(err)
	}
}

// frame builds a frame of the 3G dialect.
func frame(id, kind, body string) string {
	return string(setracker.Frame{Maker: "3G", ID: id, Type: kind, Body: []byte(body)}.Encode())
}

// alarm is an alarm frame with a status word, at the test's own time.
func alarm(status string) string {
	at := time.Now().UTC().Format("020106,150405")
	return frame(watch, "AL", at+",A,52.100000,N,5.200000,E,3.0,90,12,7,80,66,1234,0,"+status+",0,1")
}

func wantText(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
}

// session reports to a function of the test's own.
type session struct {
	device.Session
	report func(trait.Reading) error
}

func (s session) Run(ctx context.Context, _ func(trait.Reading) error) error {
	return s.Session.Run(ctx, s.report)
}

// dial connects a real socket, with a deadline for the whole test.
func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	c, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	return c
}

// eventually waits for what happens at another end of a real socket.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick, limit := time.NewTicker(5*time.Millisecond), time.After(20*time.Second)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatal("in vain: " + what)
		}
	}
}
