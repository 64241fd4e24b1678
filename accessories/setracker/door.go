package setracker

import (
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
)

// What strangers may use of the door. A connection is a stranger's until it is the one live line of
// a watch that is expected; so a stranger who knows an ID gets no more than one who does not.
const (
	maxUnknown   = 64
	maxPerSubnet = 8 // of a /24, or a /48 of IPv6
)

// What the log says of the port, each at most once in ten seconds: it may face the internet.
const (
	tooMany   = "too many unknown connections"
	tooMuch   = "a connection was closed: too many frames or IDs"
	locked    = "a watch called that is locked to its maker: ask the maker for plain mode"
	twoLines  = "two connections name one watch: the newer one is believed in alarms only"
	quietTime = 10 * time.Second
)

// door is the listener that all sessions share.
type door struct {
	ln   net.Listener
	log  device.Logger
	gone chan struct{} // closed when the listener has ended
	wg   sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	expects map[string]*Session
	lines   map[*line]bool
	unknown map[netip.Prefix]int
	total   int // of unknown
	said    map[string]time.Time
}

func openDoor(ln net.Listener, log device.Logger) *door {
	d := &door{ln: ln, log: log, gone: make(chan struct{}), expects: map[string]*Session{},
		lines: map[*line]bool{}, unknown: map[netip.Prefix]int{}, said: map[string]time.Time{}}
	d.wg.Go(d.accept)
	return d
}

func (d *door) accept() {
	defer close(d.gone)
	for {
		c, err := d.ln.Accept()
		if err != nil {
			return
		}
		l := newLine(c, d)
		if !d.admit(l) {
			c.Close()
			d.complain(tooMany)
			continue
		}
		d.wg.Go(l.serve)
	}
}

// broken says whether the listener has ended without being told to.
func (d *door) broken() bool {
	select {
	case <-d.gone:
		return true
	default:
		return false
	}
}

func (d *door) admit(l *line) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed || d.total >= maxUnknown || d.unknown[l.subnet] >= maxPerSubnet {
		return false
	}
	d.total++
	d.unknown[l.subnet]++
	l.stranger = true
	d.lines[l] = true
	return true
}

// met keeps the ID that a line gave first.
func (d *door) met(l *line, id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	l.first = id
}

// known takes a line out of the count of strangers.
func (d *door) known(l *line) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.release(l)
}

func (d *door) release(l *line) {
	if !l.stranger {
		return
	}
	l.stranger = false
	d.total--
	if d.unknown[l.subnet]--; d.unknown[l.subnet] == 0 {
		delete(d.unknown, l.subnet)
	}
}

func (d *door) left(l *line) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.release(l)
	delete(d.lines, l)
}

// expect lets a watch in from now on. One that called before is hung up on: it calls again at once,
// and says who it is; left alone it might say nothing for minutes.
func (d *door) expect(s *Session) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.expects[s.id] != nil {
		return false
	}
	d.expects[s.id] = s
	s.door = d
	for l := range d.lines {
		if l.first == s.id {
			l.conn.Close()
		}
	}
	return true
}

func (d *door) session(id string) *Session {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.expects[id]
}

// forget takes a session away. It closes the listener behind the last one and says so; the address
// is free when it returns.
func (d *door) forget(s *Session) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.expects[s.id] == s {
		delete(d.expects, s.id)
	}
	if d.closed || len(d.expects) > 0 {
		return false
	}
	d.closed = true
	d.ln.Close()
	return true
}

// wait ends what is still connected to a closed door.
func (d *door) wait() {
	<-d.gone
	d.mu.Lock()
	for l := range d.lines {
		l.conn.Close()
	}
	d.mu.Unlock()
	d.wg.Wait()
}

func (d *door) complain(what string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if now := time.Now(); now.Sub(d.said[what]) >= quietTime {
		d.said[what] = now
		d.log.Warn("setracker: " + what)
	}
}

func subnet(a net.Addr) netip.Prefix {
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.Prefix{}
	}
	ip, bits := ap.Addr().Unmap(), 48
	if ip.Is4() {
		bits = 24
	}
	p, _ := ip.Prefix(bits)
	return p
}
