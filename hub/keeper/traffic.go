package keeper

import (
	"net"
	"net/netip"
	"sync"
	"time"
)

// Traffic is what was sent to devices, in bytes, by where they are.
type Traffic struct {
	Since   time.Time // midnight, or when the counting began
	Machine int64     // this machine
	Home    int64     // the home network
	Outside int64     // beyond it, to devices that called at a door
	Refused int64     // calls to the outside that a driver wanted to make
}

// meter counts a day's traffic. It is safe for concurrent use.
type meter struct {
	now func() time.Time

	mu    sync.Mutex
	today Traffic
}

func newMeter(now func() time.Time) *meter { return &meter{now: now, today: Traffic{Since: now()}} }

func (m *meter) note(f func(*Traffic)) Traffic {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	if y, month, d := now.Date(); m.today.Since.Before(time.Date(y, month, d, 0, 0, 0, 0, now.Location())) {
		m.today = Traffic{Since: time.Date(y, month, d, 0, 0, 0, 0, now.Location())}
	}
	if f != nil {
		f(&m.today)
	}
	return m.today
}

func (m *meter) sent(to netip.Addr, n int) {
	m.note(func(t *Traffic) {
		switch {
		case to.IsLoopback():
			t.Machine += int64(n)
		case atHome(to):
			t.Home += int64(n)
		default:
			t.Outside += int64(n)
		}
	})
}

// Traffic is what was sent since midnight.
func (l *LAN) Traffic() Traffic { return l.meter.note(nil) }

// metered is a connection whose writes are counted.
type metered struct {
	net.Conn
	to    netip.Addr
	meter *meter
}

func (l *LAN) metered(c net.Conn) net.Conn {
	at, err := netip.ParseAddrPort(c.RemoteAddr().String())
	if err != nil {
		return c // of no network
	}
	return &metered{c, at.Addr().Unmap().WithZone(""), l.meter}
}

// Write counts what was written.
func (c *metered) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.meter.sent(c.to, n)
	return n, err
}

// entry counts what goes to those who call.
type entry struct {
	net.Listener
	lan *LAN
}

// Accept waits for a device.
func (d entry) Accept() (net.Conn, error) {
	c, err := d.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return d.lan.metered(c), nil
}
