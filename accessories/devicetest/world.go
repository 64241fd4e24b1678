package devicetest

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
)

// World is all that a driver under test can reach: a network of private addresses, doors on
// loopback, and a log that is read for what must not be in it.
type World struct {
	mu      sync.Mutex
	outside []string
	doors   map[string]net.Listener
	links   map[*link]bool
	group   []string // who answers a multicast
	marks   []string
	log     bytes.Buffer
	gone    bool // nothing answers any more
	silent  bool // lines are up, and nothing comes over them
	writes  int  // to all lines
}

// NewWorld gives an empty world.
func NewWorld() *World {
	return &World{doors: map[string]net.Listener{}, links: map[*link]bool{}}
}

// Plant names personal texts (a name, a position) that the simulator uses and that no log may hold.
func (w *World) Plant(marks ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range marks {
		if m != "" {
			w.marks = append(w.marks, m)
		}
	}
}

// Door opens the named door before the driver does and gives its address, for simulators that call.
func (w *World) Door(name string) (string, error) {
	l, err := w.door(name)
	if err != nil {
		return "", err
	}
	return l.Addr().String(), nil
}

// Drop breaks every connection of the driver, as a lost link would.
func (w *World) Drop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for l := range w.links {
		l.drop()
	}
}

// away makes every new connection fail, as when the device is switched off.
func (w *World) away() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.gone = true
}

// mute swallows what devices send from now on.
func (w *World) mute() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.silent = true
}

func (w *World) muted() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.silent
}

func (w *World) wrote() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.writes++
}

func (w *World) written() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.writes
}

// Dial implements device.Net.
func (w *World) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	w.mu.Lock()
	private := isPrivate(address)
	if !private {
		w.outside = append(w.outside, address)
	}
	gone := w.gone
	w.mu.Unlock()
	if !private {
		return nil, fmt.Errorf("%w: %s is not on the household's network", device.ErrRefused, address)
	}
	if gone {
		return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
	}
	c, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return w.keep(c), nil
}

// Listen implements device.Net: a listener on loopback, the same for as long as it is open.
func (w *World) Listen(_ context.Context, door string) (net.Listener, error) { return w.door(door) }

func (w *World) door(name string) (net.Listener, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if l := w.doors[name]; l != nil {
		return l, nil
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	w.doors[name] = &door{l, w, name}
	return w.doors[name], nil
}

func (w *World) keep(c net.Conn) net.Conn {
	l := &link{Conn: c, world: w}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.links[l] = true
	return l
}

func (w *World) fill(c device.Config, now func() time.Time) device.Config {
	c.Net, c.Now = w, now
	if now == nil {
		c.Now = time.Now
	}
	c.Log = slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
	given := c.Secret
	c.Secret = func(key string) device.Secret {
		if given == nil {
			return device.Secret{}
		}
		s := given(key)
		w.Plant(s.Reveal())
		return s
	}
	return c
}

// Write takes what the driver logs.
func (w *World) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.Write(p)
}

// leaked lists the planted texts that the log holds. It does not repeat secrets: it counts them.
func (w *World) leaked() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, m := range w.marks {
		if bytes.Contains(w.log.Bytes(), []byte(m)) {
			n++
		}
	}
	return n
}

func (w *World) close() {
	w.Drop()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, d := range w.doors {
		_ = d.(*door).Listener.Close()
	}
}

// isPrivate judges addresses and localhost. Any other name counts as outside: what a name leads to,
// the one who owns it decides.
func isPrivate(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	ip = ip.Unmap()
	return ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast() || ip.IsLinkLocalMulticast()
}

// door is a listener whose connections the world can drop.
type door struct {
	net.Listener
	world *World
	name  string
}

func (d *door) Accept() (net.Conn, error) {
	c, err := d.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return d.world.keep(c), nil
}

// Close lets the world open the door anew, at the same address where it can.
func (d *door) Close() error {
	d.world.mu.Lock()
	defer d.world.mu.Unlock()
	err := d.Listener.Close()
	if d.world.doors[d.name] == net.Listener(d) {
		delete(d.world.doors, d.name)
		if l, again := net.Listen("tcp", d.Addr().String()); again == nil {
			d.world.doors[d.name] = &door{l, d.world, d.name}
		}
	}
	return err
}

// link is a connection that can be lost. After a loss it answers as the kernel would, and not as if
// the driver itself had closed it.
type link struct {
	net.Conn
	world *World
	lost  sync.Once
	gone  bool
}

func (l *link) drop() { l.lost.Do(func() { l.gone = true; _ = l.Conn.Close() }) }

func (l *link) Read(p []byte) (int, error) {
	for {
		n, err := l.Conn.Read(p)
		if err != nil || !l.world.muted() {
			return n, l.why(err)
		}
	}
}

func (l *link) Write(p []byte) (int, error) {
	l.world.wrote()
	n, err := l.Conn.Write(p)
	return n, l.why(err)
}

func (l *link) why(err error) error {
	if err == nil {
		return nil
	}
	l.world.mu.Lock()
	defer l.world.mu.Unlock()
	if l.gone {
		return syscall.ECONNRESET
	}
	return err
}

func (l *link) Close() error {
	l.world.mu.Lock()
	delete(l.world.links, l)
	l.world.mu.Unlock()
	return l.Conn.Close()
}
