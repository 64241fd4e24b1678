// Package announce tells the local network about the hub's HomeKit servers, one _hap._tcp service
// each, by multicast DNS (RFC 6762, RFC 6763); another announcer can speak for another type.
//
// The whole answer to a question is made from the records of the moment under one lock, and a
// changed record replaces the old one with the cache-flush bit set, so no phone sees a goodbye
// when only a number has changed. Addresses are looked up per interface at each change: a phone
// on one network is never told an address of another.
//
// It lives beside avahi or systemd-resolved on the same port, and never claims the machine's own
// host name, which is theirs, nor the questions that are sent to this machine alone, while they are
// there to hear them. A name is probed for before it is used, see claim.go.
//
// A machine without multicast is no reason not to start: Set remembers the record, returns
// [ErrSilent], and the announcer keeps trying. Whether the others can hear it is found out from
// outside, see [Announcer.Check].
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
	repeatGap = time.Second            // between the announcements of a record (RFC 6762 §8.3)
	repeats   = 2                      // after the first
	pollEvery = 5 * time.Second        // a look at the interfaces, should the kernel not tell
	settle    = 200 * time.Millisecond // changes of a network come in bursts
)

// Options say where to announce. The zero value means every interface that has multicast and an
// IPv4 address, without loopback and tunnels.
type Options struct {
	Type       string            // of DNS-SD, such as _ingle._tcp; empty is _hap._tcp
	Loopback   bool              // only on the loopback interface, as 127.0.0.1: nothing leaves the machine
	Interfaces []string          // only on these, by name; empty means all
	Both       bool              // by IPv6 too, with AAAA records: the servers must listen there
	Report     func([]Condition) // told, one call at a time, of each change in who hears us; nil asks nobody
	Log        *slog.Logger
}

// Announcer holds what the hub says about itself. It is safe for concurrent use.
type Announcer struct {
	options Options
	log     *slog.Logger
	stop    context.CancelFunc
	running sync.WaitGroup
	wake    chan struct{} // there is something new to do
	watcher *watcher

	mu       sync.Mutex
	closed   bool
	records  map[string]*record // by instance
	lines    []*line            // none while nothing can be sent
	ear      *line              // for questions to this machine alone; none while another program hears them
	toll     toll               // of those
	found    []link             // what the machine had when they were opened
	self     self
	bounced  map[int]bool // interfaces that carried nothing for a moment
	followAt time.Time    // of the next look at the interfaces
	later    []pending
	pace     pace
}

// New returns an announcer that says nothing yet and opens no socket for it before the first Set.
func New(o Options) *Announcer {
	ctx, stop := context.WithCancel(context.Background())
	a := &Announcer{
		options: o, log: o.Log, stop: stop, wake: make(chan struct{}, 1), watcher: newWatcher(),
		records: map[string]*record{}, bounced: map[int]bool{}, self: self{names: map[string]time.Time{}}, pace: pace{},
	}
	if a.log == nil {
		a.log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	a.running.Go(func() { a.tend(ctx) })
	a.running.Go(func() {
		if err := watchLinks(ctx, a.linkChanged); err != nil {
			a.log.Info("announce: the kernel does not tell of changes, looking from time to time", "error", err)
		}
	})
	if o.Report != nil {
		a.running.Go(func() { a.watch(ctx) })
	}
	return a
}

// Set announces a HomeKit server: its instance name ("Ingle 1A2B", at most 63 bytes of UTF-8), its
// TCP port and the keys of its TXT record. It returns at once; a new name is heard about a second
// later, when nobody else turned out to have it. Setting what is already announced does nothing.
// The error is [ErrSilent], or says which value cannot be announced.
func (a *Announcer) Set(instance string, port int, txt map[string]string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return errClosed
	}
	old := a.records[instance]
	if old != nil && old.port == port && maps.Equal(old.txt, txt) && len(a.lines) > 0 {
		return nil
	}
	number := 0
	if old != nil {
		number = old.number
	}
	r, err := newRecordOf(a.options.kind(), instance, number, port, txt)
	if err != nil {
		return fmt.Errorf("announce: %w", err)
	}
	a.records[instance] = r
	a.self.takes(r.name)
	a.watcher.soon(checkSoon)
	defer a.nudge()
	now := time.Now()
	if old == nil {
		r.begin(now.Add(between(0, probeGap)))
	} else {
		r.follows(old)
		a.proclaim(r, now)
	}
	if len(a.lines) > 0 {
		return nil
	}
	return a.dial(now)
}

// Remove takes an instance off the network with a goodbye. An unknown instance is no error.
func (a *Announcer) Remove(instance string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if r := a.records[instance]; r != nil {
		a.bye(r)
		delete(a.records, instance)
		a.self.drops(r.name, time.Now())
		a.watcher.soon(checkSoon)
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

// ways are all roads out. The lock is held, as in all that follows.
func (a *Announcer) ways() (out []way) {
	for _, l := range a.lines {
		for _, k := range l.links {
			out = append(out, way{l, k})
		}
	}
	return out
}

// proclaim announces a record where its names are held, and twice more. A record that changes
// quickly is said once a second.
func (a *Announcer) proclaim(r *record, now time.Time) {
	if len(r.held) == 0 {
		return
	}
	r.left = repeats + 1
	if wait := r.saidAt.Add(repeatGap); now.Before(wait) {
		r.sayAt = wait
		return
	}
	a.say(r, now)
}

func (a *Announcer) say(r *record, now time.Time) {
	r.left, r.saidAt, r.sayAt = r.left-1, now, time.Time{}
	if r.left > 0 {
		r.sayAt = now.Add(repeatGap)
	}
	for _, w := range a.ways() {
		if r.held[w.id()] {
			all := r.all(w.link.addrs)
			a.sent(w, w.multicast(answerWith(all)))
			a.pace.note(w.id(), all, now)
		}
	}
}

// bye takes r back. It goes out once: a lost goodbye costs a phone one failed connection.
func (a *Announcer) bye(r *record) {
	for _, w := range a.ways() {
		if r.held[w.id()] {
			a.sent(w, w.multicast(answerWith(r.farewell())))
		}
	}
}

// sent notes what could not be said. Whether it matters is for Check to find out.
func (a *Announcer) sent(w way, err error) {
	if err != nil {
		a.log.Debug("announce: not sent", "interface", w.link.name, "error", err)
	}
}

// nudge has tend look for what is due.
func (a *Announcer) nudge() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}
