package buttplug_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/buttplug"
	"github.com/ingle-home/ingle/accessories/buttplug/sim"
	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/trait"
)

const patience = 15 * time.Second

// network is a device.Net whose lines can be cut, or made to swallow nothing more, as when the hub's
// own process hangs.
type network struct {
	mu     sync.Mutex
	lines  []*wire
	frozen chan struct{}
}

func (n *network) Dial(ctx context.Context, proto, address string) (net.Conn, error) {
	c, err := (&net.Dialer{}).DialContext(ctx, proto, address)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	w := &wire{Conn: c, net: n, gone: make(chan struct{})}
	n.lines = append(n.lines, w)
	return w, nil
}

func (n *network) Listen(context.Context, string) (net.Listener, error) {
	return nil, device.ErrRefused
}

func (n *network) cut() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, w := range n.lines {
		_ = w.Conn.(*net.TCPConn).SetLinger(0)
		_ = w.Conn.Close()
	}
}

func (n *network) freeze() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.frozen = make(chan struct{})
}

type wire struct {
	net.Conn
	net  *network
	once sync.Once
	gone chan struct{}
}

func (w *wire) Write(p []byte) (int, error) {
	w.net.mu.Lock()
	frozen := w.net.frozen
	w.net.mu.Unlock()
	if frozen != nil {
		<-w.gone
		return 0, net.ErrClosed
	}
	return w.Conn.Write(p)
}

func (w *wire) Close() error {
	w.once.Do(func() { close(w.gone) })
	return w.Conn.Close()
}

func start(t *testing.T, o sim.Options) *sim.Sim {
	t.Helper()
	s, err := sim.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func config(address string, n device.Net) device.Config {
	return device.Config{
		Address: address, Net: n, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Secret: func(string) device.Secret { return device.Secret{} },
	}
}

// running is a session whose Run is under way, and what it reported.
type running struct {
	device.Session
	t    *testing.T
	stop context.CancelFunc
	end  chan error

	mu       sync.Mutex
	readings []trait.Reading
}

func open(t *testing.T, d *buttplug.Driver, c device.Config) *running {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	s, err := d.Open(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	r := &running{Session: s, t: t, end: make(chan error, 1)}
	var life context.Context
	life, r.stop = context.WithCancel(context.Background())
	go func() { r.end <- s.Run(life, r.keep) }()
	t.Cleanup(func() { r.stop(); r.over() })
	return r
}

func (r *running) keep(x trait.Reading) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.readings = append(r.readings, x)
	return nil
}

// over waits for the end of Run and gives its error; asked again it gives the same.
func (r *running) over() error {
	select {
	case err := <-r.end:
		r.end <- err
		return err
	case <-time.After(patience):
		r.t.Fatal("Run does not end")
		return nil
	}
}

func (r *running) speeds() []int {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []int
	for _, x := range r.readings {
		if v, ok := trait.Speed.In(x); ok {
			out = append(out, v)
		}
	}
	return out
}

func (r *running) battery() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	last := -1
	for _, x := range r.readings {
		if v, ok := trait.Battery.In(x); ok {
			last = v
		}
	}
	return last
}

func (r *running) set(percent int) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := r.Do(ctx, trait.Speed.Set(percent)); err != nil {
		r.t.Fatalf("speed %d: %v", percent, err)
	}
}

// eventually polls until ok or patience ends.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(patience)
	for !ok() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("it never happens: %s", what)
		}
	}
}

func happen(t *testing.T, s *sim.Sim, event string, args url.Values) {
	t.Helper()
	if err := s.Do(t.Context(), event, args); err != nil {
		t.Fatal(err)
	}
}

func wantWrites(t *testing.T, s *sim.Sim, want ...int) {
	t.Helper()
	if got := s.Toy().Writes; !slices.Equal(got, want) {
		t.Fatalf("the motor got %v, want %v", got, want)
	}
}

func wantKind(t *testing.T, err, kind error) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Fatalf("%v is not %q", err, kind)
	}
}
