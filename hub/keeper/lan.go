package keeper

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
)

// dialTime bounds a connection attempt, whatever the caller's context says.
const dialTime = 5 * time.Second

// ErrShut says that the household has not opened the door that a device would call at. It is a
// device.ErrRefused.
var ErrShut = fmt.Errorf("%w: its port is shut", device.ErrRefused)

// LAN is the drivers' way to the world: the household's own network and nothing else. It is safe for
// concurrent use.
type LAN struct {
	doors map[string]string // name to listening address
	meter *meter

	mu   sync.Mutex
	open map[string]net.Addr
	news chan struct{} // closed and replaced when a door opens
}

// NewLAN gives a way out with the doors that the household opened, by name, with their listening
// addresses.
func NewLAN(doors map[string]string) *LAN {
	return &LAN{doors: doors, meter: newMeter(time.Now), open: map[string]net.Addr{}, news: make(chan struct{})}
}

// Dial connects to a private, link-local or loopback address. No name server is ever asked: names are
// those of the home (.local). What leads outside is refused with device.ErrRefused.
func (l *LAN) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", device.ErrRefused, err)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 { // a named port would be looked up
		return nil, fmt.Errorf("%w: port %q", device.ErrRefused, port)
	}
	to, err := l.resolve(ctx, host)
	if err == nil && !atHome(to) {
		err = fmt.Errorf("%w: the address is outside the home network", device.Because("outside", device.ErrRefused))
	}
	if errors.Is(err, device.ErrRefused) {
		l.meter.note(func(t *Traffic) { t.Refused++ })
	}
	if err != nil {
		return nil, err
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, net.JoinHostPort(to.String(), port))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", device.ErrUnreachable, err)
	}
	return l.metered(conn), nil
}

func atHome(a netip.Addr) bool {
	return a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast()
}

// Listen opens a door without TCP keep-alive: it would drain a watch's battery. device.ErrRefused for
// a door that the household has not opened.
func (l *LAN) Listen(ctx context.Context, door string) (net.Listener, error) {
	address, ok := l.doors[door]
	if !ok {
		return nil, fmt.Errorf("%w: %s", ErrShut, door)
	}
	config := net.ListenConfig{KeepAlive: -1}
	ln, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", device.ErrUnreachable, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open[door] = ln.Addr()
	close(l.news)
	l.news = make(chan struct{})
	return entry{ln, l}, nil
}

// Door waits until a door is open and gives its address.
func (l *LAN) Door(ctx context.Context, door string) (net.Addr, error) {
	for {
		l.mu.Lock()
		addr, news := l.open[door], l.news
		l.mu.Unlock()
		if addr != nil {
			return addr, nil
		}
		select {
		case <-news:
		case <-ctx.Done():
			return nil, errors.Join(fmt.Errorf("the %s port did not open", door), ctx.Err())
		}
	}
}

// Doors are the addresses of the doors that are open.
func (l *LAN) Doors() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []string
	for _, addr := range l.open {
		all = append(all, addr.String())
	}
	return all
}
