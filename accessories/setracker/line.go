package setracker

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
)

// What one connection may use. A watch has one budget of frames for all of its connections besides.
const (
	maxIDs     = 3
	firstFrame = 30 * time.Second
	idleLimit  = 15 * time.Minute
	pause      = time.Second // after which a frame shorter than it says is believed
	writeLimit = 5 * time.Second
	frameRate  = 20 // a second
	frameBurst = 200
)

// lockedPrefix begins the stream of firmware that encrypts for its maker.
const lockedPrefix = "\xffAQSH"

// line is one connection.
type line struct {
	conn   net.Conn
	door   *door
	subnet netip.Prefix
	gone   chan struct{} // closed when it is over

	// Guarded by door.mu.
	stranger bool
	first    string // the first ID it gave

	// Only serve's goroutine touches these.
	session *Session
	framer  Framer
	prefix  []byte
	ids     []string
	limit   time.Time // without another frame it ends here
	frames  budget
	held    []trait.Reading // states from quarantine, told if it ends well

	write sync.Mutex

	// Guarded by session.mu.
	maker, index string
	asked        time.Time // which challenge it takes part in
	ask          bool      // it has still to be asked
	spoke        bool      // since that challenge began
}

func newLine(c net.Conn, d *door) *line {
	now := time.Now()
	return &line{conn: c, door: d, subnet: subnet(c.RemoteAddr()), gone: make(chan struct{}),
		limit: now.Add(firstFrame), frames: newBudget(now)}
}

// budget is how many frames may still come: frameRate a second, and frameBurst at once.
type budget struct {
	left float64
	at   time.Time
}

func newBudget(now time.Time) budget { return budget{frameBurst, now} }

// spend takes one frame from the budget, false when it is used up.
func (b *budget) spend(now time.Time) bool {
	b.left = min(frameBurst, b.left+frameRate*now.Sub(b.at).Seconds())
	b.at = now
	if b.left < 1 {
		return false
	}
	b.left--
	return true
}

func (l *line) serve() {
	defer func() {
		l.conn.Close()
		close(l.gone)
		if l.session != nil {
			l.session.detach(l)
		}
		l.door.left(l)
	}()
	buf := make([]byte, 512)
	for time.Now().Before(l.limit) {
		_ = l.conn.SetReadDeadline(time.Now().Add(pause))
		n, err := l.conn.Read(buf)
		if l.isLocked(buf[:n]) {
			l.door.complain(locked)
			return
		}
		l.framer.Write(buf[:n])
		if !l.drain(err != nil) || err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			return
		}
		if l.session != nil && l.session.tend(l) != nil {
			return
		}
	}
}

func (l *line) isLocked(p []byte) bool {
	l.prefix = append(l.prefix, p[:min(len(p), len(lockedPrefix)-len(l.prefix))]...)
	return string(l.prefix) == lockedPrefix
}

// drain takes the frames that have arrived; false closes the line.
func (l *line) drain(idle bool) bool {
	for {
		f, ok := l.framer.Next(idle)
		if !ok {
			return true
		}
		l.limit = time.Now().Add(idleLimit)
		if !l.frames.spend(time.Now()) || !l.speaksFor(f.ID) {
			l.door.complain(tooMuch)
			return false
		}
		if l.take(f) != nil {
			return false
		}
	}
}

func (l *line) speaksFor(id string) bool {
	if !slices.Contains(l.ids, id) {
		l.ids = append(l.ids, id)
		l.door.met(l, l.ids[0])
	}
	return len(l.ids) <= maxIDs
}

// take answers a frame before it looks whether the watch is expected: a stranger who tries IDs sees
// the same bytes as soon. Only the answer to an alarm waits, until the alarm is stored.
func (l *line) take(f Frame) error {
	if out, ok := reply(f); ok {
		if err := l.send(out); err != nil {
			return err
		}
	}
	if l.session == nil && l.ids[0] == f.ID {
		if s := l.door.session(f.ID); s != nil && s.attach(l) {
			l.session = s
		}
	}
	if l.session == nil || l.session.id != f.ID {
		return nil
	}
	return l.session.receive(l, f)
}

func (l *line) send(f Frame) error {
	l.write.Lock()
	defer l.write.Unlock()
	_ = l.conn.SetWriteDeadline(time.Now().Add(writeLimit))
	_, err := l.conn.Write(f.Encode())
	return err
}

// command writes to a 3G watch as SG, and with a constant index: what is known to work in the field.
func (l *line) command(id, kind string) Frame {
	f := Frame{Maker: l.maker, ID: id, Type: kind}
	if f.Maker == "3G" {
		f.Maker = "SG"
	}
	if l.index != "" {
		f.Index = "0001"
	}
	return f
}
