package setracker

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
)

// What a stranger may use of the door.
const (
	maxUnknown   = 64
	maxPerSubnet = 8
	maxIDs       = 3
	firstFrame   = 30 * time.Second
	idleLimit    = 15 * time.Minute
	pause        = time.Second
	frameRate    = 20
	frameBurst   = 200
)

// door is the listener that all sessions share.
type door struct {
	ln   net.Listener
	log  device.Logger
	now  func() time.Time
	gone chan struct{} // closed when the listener has ended
	wg   sync.WaitGroup

	mu      sync.Mutex
	expects map[string]*Session
	conns   map[*line]bool
	unknown map[netip.Prefix]int
	total   int
	logged  time.Time
}

func openDoor(ln net.Listener, log device.Logger, now func() time.Time) *door {
	d := &door{ln: ln, log: log, now: now, gone: make(chan struct{}), expects: map[string]*Session{},
		conns: map[*line]bool{}, unknown: map[netip.Prefix]int{}}
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
		l := &line{conn: c, door: d, subnet: subnet(c.RemoteAddr())}
		if !d.admit(l) {
			c.Close()
			d.complain("too many unknown connections")
			continue
		}
		d.wg.Go(l.serve)
	}
}

func (d *door) admit(l *line) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.total >= maxUnknown || d.unknown[l.subnet] >= maxPerSubnet {
		return false
	}
	d.total++
	d.unknown[l.subnet]++
	l.stranger = true
	d.conns[l] = true
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
	delete(d.conns, l)
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
	for l := range d.conns {
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

// forget closes the door behind the last session and says so.
func (d *door) forget(s *Session) bool {
	d.mu.Lock()
	delete(d.expects, s.id)
	last := len(d.expects) == 0
	d.mu.Unlock()
	if last {
		d.ln.Close()
		<-d.gone
		d.mu.Lock()
		for l := range d.conns {
			l.conn.Close()
		}
		d.mu.Unlock()
		d.wg.Wait()
	}
	return last
}

// complain logs at most once in ten seconds: the port may face the internet.
func (d *door) complain(what string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if now := time.Now(); now.Sub(d.logged) >= 10*time.Second && d.log != nil {
		d.logged = now
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

// line is one connection.
type line struct {
	conn     net.Conn
	door     *door
	subnet   netip.Prefix
	stranger bool   // guarded by door.mu
	first    string // the first ID it gave; guarded by door.mu

	session      *Session
	ids          []string
	write        sync.Mutex
	maker, index string    // guarded by session.mu
	heard        time.Time // guarded by session.mu
}

func (l *line) serve() {
	defer l.door.left(l)
	defer l.conn.Close()
	defer func() {
		if l.session != nil {
			l.session.detach(l)
		}
	}()
	var f Framer
	var prefix []byte
	buf, limit := make([]byte, 512), time.Now().Add(firstFrame)
	tokens, filled := float64(frameBurst), time.Now()
	for time.Now().Before(limit) {
		_ = l.conn.SetReadDeadline(time.Now().Add(pause))
		n, err := l.conn.Read(buf)
		idle := errors.Is(err, os.ErrDeadlineExceeded)
		if len(prefix) < 5 {
			prefix = append(prefix, buf[:min(n, 5-len(prefix))]...)
			if bytes.Equal(prefix, []byte("\xffAQSH")) {
				l.door.complain("a watch called that is locked to its maker: ask the maker for plain mode")
				return
			}
		}
		f.Write(buf[:n])
		tokens = min(frameBurst, tokens+frameRate*time.Since(filled).Seconds())
		filled = time.Now()
		for {
			frame, ok := f.Next(err != nil)
			if !ok {
				break
			}
			limit = time.Now().Add(idleLimit)
			if tokens--; tokens < 0 || !l.take(frame) {
				l.door.complain("a connection was closed: too many frames or IDs")
				return
			}
		}
		if err != nil && !idle {
			return
		}
		if l.session != nil {
			l.session.promote(l)
		}
	}
}

// take answers one frame; false closes the line.
func (l *line) take(f Frame) bool {
	known := false
	for _, id := range l.ids {
		known = known || id == f.ID
	}
	if !known {
		if l.ids = append(l.ids, f.ID); len(l.ids) > maxIDs {
			return false
		}
		if len(l.ids) == 1 {
			l.door.met(l, f.ID)
		}
	}
	if l.session == nil && len(l.ids) == 1 {
		if s := l.door.session(f.ID); s != nil {
			l.session = s
			l.door.known(l)
		}
	}
	if l.session != nil && l.door.session(l.session.id) != l.session {
		return false // its session is over: the watch shall call again and find the new one
	}
	stored := true
	if l.session != nil && l.session.id == f.ID {
		stored = l.session.receive(l, f)
		if isAlarm(f.Type) && stored {
			return l.send(Frame{Maker: f.Maker, ID: f.ID, Index: f.Index, Type: "AL"}) == nil
		}
	}
	if out, ok := reply(f); ok {
		return l.send(out) == nil
	}
	return true
}

func (l *line) send(f Frame) error {
	l.write.Lock()
	defer l.write.Unlock()
	_ = l.conn.SetWriteDeadline(time.Now().Add(5 * time.Second))
	_, err := l.conn.Write(f.Encode())
	return err
}
