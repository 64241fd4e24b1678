// Package announce tells the local network about the hub's HomeKit servers: one
// _hap._tcp service each, by multicast DNS (RFC 6762, RFC 6763).
//
// The whole answer to a question is made from the records of the moment under one lock, and a
// changed record replaces the old one with the cache-flush bit set, so no phone sees a goodbye
// when only a number has changed. Addresses are looked up per interface at each answer: a phone
// on one network is never told an address of another.
//
// It lives beside avahi or systemd-resolved on the same port, and never claims the machine's own
// host name, which is theirs. Names are not probed for conflicts: an instance carries digits of
// the random device ID, and so does the host name that is made from it.
//
// A machine without multicast is no reason not to start: Set remembers the record, returns
// [ErrSilent], and the announcer keeps trying.
package announce

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"sync"
	"time"
)

// ErrSilent says that nothing can be announced now, because no interface takes multicast or the
// port is refused. The record is kept and announced as soon as it can be.
var ErrSilent = errors.New("announce: no multicast on this network")

var errClosed = errors.New("announce: closed")

const (
	tick      = time.Second // between the first announcement of a record and its repetition (RFC 6762 §8.3)
	lookEvery = 5           // ticks between two looks at the machine's interfaces
	repeats   = 2
)

// Options say where to announce. The zero value means every interface that has multicast and an
// IPv4 address, without loopback and tunnels.
type Options struct {
	Loopback   bool     // only on the loopback interface, as 127.0.0.1: nothing leaves the machine
	Interfaces []string // only on these, by name; empty means all
	Log        *slog.Logger
}

// Announcer holds what the hub says about itself. It is safe for concurrent use.
type Announcer struct {
	options Options
	log     *slog.Logger
	stop    context.CancelFunc
	running sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	records map[string]*record // by instance
	line    *line              // nil while nothing can be sent
}

// New returns an announcer that says nothing yet and opens no socket before the first Set.
func New(o Options) *Announcer {
	ctx, stop := context.WithCancel(context.Background())
	a := &Announcer{options: o, log: o.Log, stop: stop, records: map[string]*record{}}
	if a.log == nil {
		a.log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	a.running.Go(func() { a.tend(ctx) })
	return a
}

// Set announces a HomeKit server: its instance name ("Ingle 1A2B", at most 63 bytes of UTF-8), its
// TCP port and the keys of its TXT record. Setting what is already announced does nothing. The
// error is [ErrSilent], or says which value cannot be announced.
func (a *Announcer) Set(instance string, port int, txt map[string]string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return errClosed
	}
	if old := a.records[instance]; old != nil && old.port == port && maps.Equal(old.txt, txt) && a.line != nil {
		return nil
	}
	r, err := newRecord(instance, port, txt)
	if err != nil {
		return fmt.Errorf("announce: %w", err)
	}
	a.records[instance] = r
	return a.speak(r)
}

// Remove takes an instance off the network with a goodbye. An unknown instance is no error.
func (a *Announcer) Remove(instance string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if r := a.records[instance]; r != nil {
		a.bye(r)
		delete(a.records, instance)
	}
}

// Close says goodbye for every instance and waits until nothing runs any more. A second Close
// does nothing.
func (a *Announcer) Close() error {
	a.mu.Lock()
	if !a.closed {
		a.closed = true
		for _, r := range a.records {
			a.bye(r)
		}
		a.hangUp()
	}
	a.mu.Unlock()
	a.stop()
	a.running.Wait()
	return nil
}

// speak announces r now; tend repeats it. The lock is held.
func (a *Announcer) speak(r *record) error {
	if a.line == nil {
		if err := a.dial(); err != nil {
			return err
		}
	}
	r.left = repeats
	return a.line.announce(r)
}

// bye takes r back. It goes out once: a lost goodbye costs a phone one failed connection.
func (a *Announcer) bye(r *record) {
	if a.line == nil {
		return
	}
	if err := a.line.goodbye(r); err != nil {
		a.log.Debug("announce: goodbye not sent", "error", err)
	}
}

// dial opens the line and starts its reader. The lock is held.
func (a *Announcer) dial() error {
	l, err := openLine(a.options)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSilent, err)
	}
	a.line = l
	a.running.Go(func() { a.listen(l) })
	return nil
}

func (a *Announcer) hangUp() {
	if a.line != nil {
		a.line.close()
		a.line = nil
	}
}

// listen answers questions until the line is closed or breaks.
func (a *Announcer) listen(l *line) {
	for {
		q, err := l.next()
		a.mu.Lock()
		if a.line != l {
			a.mu.Unlock()
			return
		}
		if err != nil {
			a.log.Warn("announce: line lost", "error", err)
			a.hangUp()
			a.mu.Unlock()
			return
		}
		err = l.answer(q, a.records)
		a.mu.Unlock()
		if err != nil {
			a.log.Debug("announce: answer not sent", "error", err)
		}
	}
}

// tend repeats fresh announcements and follows the machine from network to network.
func (a *Announcer) tend(ctx context.Context) {
	clock := time.NewTicker(tick)
	defer clock.Stop()
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-clock.C:
		}
		a.mu.Lock()
		if n%lookEvery == 0 {
			a.follow()
		}
		a.repeat()
		a.mu.Unlock()
	}
}

func (a *Announcer) repeat() {
	if a.line == nil {
		return
	}
	for _, r := range a.records {
		if r.left == 0 {
			continue
		}
		r.left--
		if err := a.line.announce(r); err != nil {
			a.log.Debug("announce: repetition not sent", "error", err)
		}
	}
}

// follow opens the line anew when an interface or an address came or went, and tries again
// when there was none.
func (a *Announcer) follow() {
	if a.closed || len(a.records) == 0 || (a.line != nil && a.line.current(a.options)) {
		return
	}
	a.hangUp()
	for _, r := range a.records {
		if err := a.speak(r); err != nil {
			a.log.Debug("announce: still silent", "error", err)
			return
		}
	}
}
