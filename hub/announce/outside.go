package announce

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
)

const (
	checkSoon  = 5 * time.Second // after a change: until all is announced
	checkEvery = 5 * time.Minute
	checkAgain = 30 * time.Second // while something is wrong
	askTries   = 3
	askGap     = 1100 * time.Millisecond // a record is multicast once a second at most
	askLinger  = 300 * time.Millisecond  // another host may answer too
)

// Outcome is what came of asking for a server on one way.
type Outcome uint8

// The outcomes.
const (
	Unasked     Outcome = iota // its name is not announced there yet
	Heard                      // all of it came back, and right
	Unheard                    // something is missing: a filter or a firewall keeps it
	NoMulticast                // the question could not be sent
	Conflict                   // another host answers for the same name or identity
)

// The troubles of a Condition: codes for the list of what is wrong with the hub.
const (
	TroubleSilent    = "not-announced"
	TroubleUnheard   = "announce-unheard"
	TroubleContested = "announce-contested" // another host takes every name
	TroubleConflict  = "announce-conflict"  // a copy with the same identity is alive
)

// Sight is how a server is seen on one interface, by one family of addresses.
type Sight struct {
	Interface string
	IPv6      bool
	Outcome   Outcome
}

// Condition is how one server is seen on the network.
type Condition struct {
	Instance string // as given to Set
	Name     string // as announced: another one after a conflict
	Sights   []Sight
	Trouble  string // one of the troubles, empty when all is well
}

// State says how every server was seen when it was last asked for.
func (a *Announcer) State() []Condition {
	a.mu.Lock()
	defer a.mu.Unlock()
	var all []Condition
	for _, r := range a.records {
		c := Condition{Instance: r.instance, Name: r.label(), Sights: a.watcher.sights(r)}
		switch has := c.has; {
		case len(a.lines) == 0 || (has(NoMulticast) && !has(Heard) && !has(Unheard) && !has(Conflict)):
			c.Trouble = TroubleSilent
		case !r.twinAt.IsZero() && time.Since(r.twinAt) < twinFresh: // another name would have been found by now
			c.Trouble = TroubleConflict
		case r.contested(time.Now()):
			c.Trouble = TroubleContested
		case has(Unheard):
			c.Trouble = TroubleUnheard
		}
		all = append(all, c)
	}
	slices.SortFunc(all, func(x, y Condition) int { return strings.Compare(x.Instance, y.Instance) })
	return all
}

func (c Condition) has(o Outcome) bool {
	return slices.ContainsFunc(c.Sights, func(s Sight) bool { return s.Outcome == o })
}

// Check asks for every server from outside, on every way, as a stranger and as a phone would, and
// says how it was seen. It takes up to eight seconds, and less when all is well.
//
// The question and the answer do pass through the kernel's multicast and this machine's firewall. That
// a switch or an access point carries them further, only another machine can know.
func (a *Announcer) Check(ctx context.Context) []Condition {
	a.watcher.checking.Lock()
	defer a.watcher.checking.Unlock()
	errands := a.errands()
	var asking sync.WaitGroup
	for i := range errands {
		asking.Go(func() { errands[i].run(ctx) })
	}
	asking.Wait()
	if ctx.Err() == nil {
		a.learn(errands)
	}
	return a.State()
}

// errand is one way to ask on, and what for.
type errand struct {
	way     way
	records []*record
	self    self
	seen    []finding // of each record
}

// finding is what came back for one record.
type finding struct {
	ptr, srv, text, address bool
	rival                   *rival
	outcome                 Outcome
}

func (f finding) complete() bool { return f.ptr && f.srv && f.text && f.address }

func (a *Announcer) errands() (out []errand) {
	a.mu.Lock()
	defer a.mu.Unlock()
	us := self{a.self.addrs, maps.Clone(a.self.names)}
	for _, w := range a.ways() {
		e := errand{way: w, self: us}
		for _, r := range a.records {
			if r.held[w.id()] {
				e.records = append(e.records, r)
			}
		}
		out = append(out, e)
	}
	return out
}

// learn takes the findings home. What changed meanwhile is asked for again soon.
func (a *Announcer) learn(errands []errand) {
	a.mu.Lock()
	defer a.mu.Unlock()
	sights := map[string]sighting{}
	for _, e := range errands {
		for i, r := range e.records {
			if a.records[r.instance] != r || !r.held[e.way.id()] {
				continue
			}
			s := sights[r.instance]
			s.name = r.name
			s.all = append(s.all, Sight{e.way.link.name, e.way.line.six, e.seen[i].outcome})
			sights[r.instance] = s
			if other := e.seen[i].rival; other != nil {
				a.meets(r, other, time.Now())
			}
		}
	}
	a.watcher.saw(sights)
}

// run asks, and makes one outcome of both ways to ask.
func (e *errand) run(ctx context.Context) {
	e.seen = e.nothing()
	if len(e.records) == 0 {
		return
	}
	stranger, err := e.asStranger(ctx)
	phone, err2 := e.asPhone(ctx)
	for i := range e.seen {
		f := &e.seen[i]
		f.rival = stranger[i].rival
		if f.rival == nil {
			f.rival = phone[i].rival
		}
		switch {
		case f.rival != nil:
			f.outcome = Conflict
		case err != nil || err2 != nil:
			f.outcome = NoMulticast
		case stranger[i].complete() && phone[i].complete():
			f.outcome = Heard
		default:
			f.outcome = Unheard
		}
	}
}

// asPhone asks as a phone does, which hears what is said to all.
func (e *errand) asPhone(ctx context.Context) ([]finding, error) {
	s, err := openShared(e.way.line.six)
	if err != nil {
		return e.nothing(), err
	}
	defer s.Close()
	if err := s.join(e.way.link); err != nil {
		return e.nothing(), err
	}
	return e.ask(ctx, s)
}

// asStranger asks from a port of its own, and without joining the group: so it finds out whether the
// announcer has joined.
func (e *errand) asStranger(ctx context.Context) ([]finding, error) {
	s, err := openOwn(e.way.line.six, e.way.stranger())
	if err != nil {
		return e.nothing(), err
	}
	defer s.Close()
	return e.ask(ctx, s)
}

func (e *errand) nothing() []finding { return make([]finding, len(e.records)) }

// ask sends the questions and gathers what comes. The error says that they did not go out.
func (e *errand) ask(ctx context.Context, s socket) ([]finding, error) {
	seen := e.nothing()
	for range askTries {
		for _, r := range e.records {
			question, err := r.questions().Pack()
			if err == nil {
				err = s.write(question, e.way.link.index, groupOf(e.way.line.six))
			}
			if err != nil {
				return seen, err
			}
		}
		if e.gather(ctx, s, seen); ctx.Err() != nil || !slices.ContainsFunc(seen, func(f finding) bool { return !f.complete() }) {
			break
		}
	}
	return seen, nil
}

// questions are what a phone wants to know of a server.
func (r *record) questions() *dns.Msg {
	m := &dns.Msg{Compress: true}
	m.Id = dns.Id()
	for _, q := range []asked{{r.kind, dns.TypePTR}, {r.name, dns.TypeSRV}, {r.name, dns.TypeTXT}, {r.host, dns.TypeA}, {r.host, dns.TypeAAAA}} {
		m.Question = append(m.Question, dns.Question{Name: q.name, Qtype: q.kind, Qclass: dns.ClassINET})
	}
	return m
}

// gather listens until everything was heard, and a little longer.
func (e *errand) gather(ctx context.Context, s socket, seen []finding) {
	start := time.Now()
	if s.SetReadDeadline(start.Add(askGap)) != nil {
		return
	}
	defer context.AfterFunc(ctx, func() { s.SetReadDeadline(start) })()
	buf := make([]byte, maxPacket)
	for {
		n, _, err := s.read(buf)
		if err != nil {
			return
		}
		m := new(dns.Msg)
		if m.Unpack(buf[:n]) != nil || !m.Response {
			continue
		}
		missing := false
		for i, r := range e.records {
			seen[i].take(r, slices.Concat(m.Answer, m.Extra), e)
			missing = missing || !seen[i].complete()
		}
		if !missing && ctx.Err() == nil {
			if s.SetReadDeadline(start.Add(askLinger)) != nil {
				return
			}
		}
	}
}

func (f *finding) take(r *record, said []dns.RR, e *errand) {
	for _, rr := range said {
		f.ptr = f.ptr || same(rr, r.ptr())
		f.srv = f.srv || same(rr, r.srv())
		f.text = f.text || same(rr, r.text())
		f.address = f.address || slices.ContainsFunc(r.addresses(e.way.link.addrs), func(ours dns.RR) bool { return same(rr, ours) })
	}
	if other := r.rivalIn(said, e.self); other != nil && (f.rival == nil || other.deviceID != "") {
		f.rival = other
	}
}

// watcher remembers what was seen, and when to look again. Its lock is taken after the announcer's.
type watcher struct {
	checking sync.Mutex // one Check at a time
	wake     chan struct{}

	mu   sync.Mutex
	at   time.Time // of the next look
	seen map[string]sighting
}

// sighting is how a record was seen under one name.
type sighting struct {
	name string
	all  []Sight
}

func newWatcher() *watcher { return &watcher{wake: make(chan struct{}, 1)} }

// soon has watch tell what is known, and look again after the wait.
func (w *watcher) soon(wait time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if at := time.Now().Add(wait); w.at.IsZero() || at.Before(w.at) {
		w.at = at
	}
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// due says how long it is until the next look.
func (w *watcher) due() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Until(w.at)
}

func (w *watcher) plan(wait time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = time.Now().Add(wait)
}

func (w *watcher) saw(seen map[string]sighting) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen = seen
}

func (w *watcher) sights(r *record) []Sight {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s := w.seen[r.instance]; s.name == r.name {
		return slices.Clone(s.all)
	}
	return nil
}

// watch looks from outside again and again, and reports what changed.
func (a *Announcer) watch(ctx context.Context) {
	var told []Condition
	a.watcher.plan(checkSoon)
	for {
		now := a.State()
		if ctx.Err() == nil && !reflect.DeepEqual(now, told) {
			told = now
			a.options.Report(now)
		}
		next := time.NewTimer(max(0, a.watcher.due()))
		select {
		case <-ctx.Done():
			next.Stop()
			return
		case <-a.watcher.wake:
			next.Stop()
		case <-next.C:
			a.watcher.plan(checkEvery)
			if slices.ContainsFunc(a.Check(ctx), func(c Condition) bool { return c.Trouble != "" }) {
				a.watcher.soon(checkAgain)
			}
		}
	}
}
