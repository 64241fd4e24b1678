package announce

import (
	"bytes"
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// A name is claimed before it is used (RFC 6762 §8): three probes, and whoever has it answers. A
// hub that finds another one there takes the next name ("Ingle 1A2B 2"), its identity stays. If the
// other has the very same identity, two copies of one hub are alive, which breaks both for every
// phone: then the newcomer keeps quiet, the one that was there goes on, and both say so.
const (
	probes     = 3
	probeGap   = 250 * time.Millisecond
	lostWait   = time.Second      // after two probed at once and the other won (§8.2)
	twinWait   = 30 * time.Second // until a silent copy looks whether it is still one
	twinFresh  = 90 * time.Second // how long a copy that was heard counts as alive
	resetGap   = 10 * time.Second // a name that was won is put in doubt no more often
	calmTries  = 3                // further names are tried slowly, so that no two hubs can flood a network
	calmedWait = 5 * time.Second
	wonWithin  = 10 * time.Second // else somebody keeps the names from us
	hasty      = 10               // seconds: who lets our records live no longer says goodbye for us
	echoFor    = time.Minute      // how long a name that was given up may echo
)

// claim is how far the names of a record are ours. It belongs to the announcer's lock.
type claim struct {
	held    map[wayID]bool // where they were won
	sent    int            // probes of this round
	since   time.Time      // when the first round began of those that were all in vain; zero when they are ours
	probeAt time.Time      // of the next step of the round; zero when none runs
	left    int            // announcements still to repeat
	sayAt   time.Time      // of the next one; zero when there is none
	saidAt  time.Time      // of the last one

	rival   *rival // who answered in this round
	twinAt  time.Time
	resetAt time.Time
}

// rival is another host that uses a name of ours.
type rival struct{ deviceID string }

func (c *claim) probing() bool { return !c.probeAt.IsZero() }

// begin starts a round of probes where the names are not held yet.
func (c *claim) begin(at time.Time) {
	c.sent, c.rival, c.probeAt = 0, nil, at
	if c.since.IsZero() {
		c.since = at
	}
}

// contested says that the names cannot be won: whoever has each of them, or says
// so, is another host every time.
func (c *claim) contested(now time.Time) bool {
	return len(c.held) == 0 && !c.since.IsZero() && now.Sub(c.since) > wonWithin
}

// advance does what is due for a record, and says when the next thing is.
func (a *Announcer) advance(r *record, now time.Time) time.Time {
	if r.probing() && !now.Before(r.probeAt) {
		a.probe(r, now)
	}
	if !r.sayAt.IsZero() && !now.Before(r.sayAt) {
		a.say(r, now)
	}
	next := now.Add(pollEvery)
	for _, at := range []time.Time{r.probeAt, r.sayAt} {
		if !at.IsZero() {
			next = earlier(next, at)
		}
	}
	return next
}

// probe goes one step on in a round.
func (a *Announcer) probe(r *record, now time.Time) {
	switch {
	case r.rival != nil && r.sent > 0:
		a.lose(r, now)
	case r.sent < probes:
		for _, w := range a.ways() {
			if !r.held[w.id()] {
				a.sent(w, w.multicast(r.probe(w.link.addrs)))
			}
		}
		if r.sent == 0 { // whoever was heard before will answer, and a copy hears of us so
			r.rival = nil
		}
		r.sent++
		r.probeAt = now.Add(probeGap)
	default:
		for _, w := range a.ways() {
			r.held[w.id()] = true
		}
		r.probeAt, r.since = time.Time{}, time.Time{}
		a.proclaim(r, now)
	}
}

// probe asks whether anybody has the names, and says what we would say about them.
func (r *record) probe(link []netip.Prefix) *dns.Msg {
	m := &dns.Msg{Compress: true}
	for _, name := range []string{r.name, r.host} {
		// The top bit asks for an answer to us alone. Others share our port, and only one of us
		// would get that answer: so it is left out, and the answer comes to the group.
		m.Question = append(m.Question, dns.Question{Name: name, Qtype: dns.TypeANY, Qclass: dns.ClassINET})
	}
	m.Ns = append([]dns.RR{r.srv(), r.text()}, r.addresses(link)...)
	for _, rr := range m.Ns {
		rr.Header().Class &^= flush
	}
	return m
}

// lose ends a round in which another host answered.
func (a *Announcer) lose(r *record, now time.Time) {
	clear(r.held)
	r.left, r.sayAt = 0, time.Time{}
	if r.isTwin(r.rival) {
		a.log.Error("announce: another hub with the same identity is alive, keeping quiet")
		r.twinAt = now
		r.begin(now.Add(twinWait))
		a.watcher.soon(0)
		return
	}
	next, err := newRecordOf(r.kind, r.instance, max(r.number, 1)+1, r.port, r.txt)
	if err != nil { // cannot be: the name was good with another number
		a.log.Error("announce: no other name", "error", err)
		return
	}
	next.follows(r)
	wait := between(0, probeGap)
	if next.number > calmTries {
		wait = calmedWait
	}
	next.begin(now.Add(wait))
	a.records[r.instance] = next
	a.self.drops(r.name, now)
	a.self.takes(next.name)
	a.log.Warn("announce: another host has the name, taking the next", "number", next.number)
	a.watcher.soon(checkSoon)
}

func (r *record) isTwin(other *rival) bool {
	return r.deviceID() != "" && strings.EqualFold(other.deviceID, r.deviceID())
}

// hears looks for conflicts in what another host says. The lock is held.
func (a *Announcer) hears(p packet, now time.Time) {
	if p.legacy() { // §11: answers come from the mDNS port
		return
	}
	said := slices.Concat(p.msg.Answer, p.msg.Extra)
	for _, r := range a.records {
		other := r.rivalIn(said, a.self)
		if other != nil {
			a.meets(r, other, now)
		}
		if r.held[p.way.id()] && r.dismissed(said, p.way.link.addrs) {
			a.proclaim(r, now)
			a.nudge()
		}
	}
}

// dismissed says whether another host lets records of ours end soon: phones forget
// us then, unless we say at once that they are still true (RFC 6762 §6.6).
func (r *record) dismissed(said []dns.RR, link []netip.Prefix) bool {
	ours := r.all(link)
	return slices.ContainsFunc(said, func(rr dns.RR) bool {
		return rr.Header().Ttl < hasty && slices.ContainsFunc(ours, func(o dns.RR) bool { return same(o, rr) })
	})
}

// meets decides what another host that uses a name of ours means.
func (a *Announcer) meets(r *record, other *rival, now time.Time) {
	switch {
	case r.isTwin(other) && !r.probing():
		a.twin(r, now)
	case r.probing():
		if r.rival == nil || other.deviceID != "" {
			r.rival = other
		}
	case now.Sub(r.resetAt) >= resetGap: // §9: the name is in doubt
		r.resetAt = now
		clear(r.held)
		r.begin(now)
		a.nudge()
	}
}

// hearsProbe is for a host that wants a name of ours: while we want it too, one of us waits (§8.2).
// What is ours already is defended by the answer to the question.
func (a *Announcer) hearsProbe(p packet, now time.Time) {
	for _, r := range a.records {
		other := r.rivalIn(p.msg.Ns, a.self)
		if other == nil {
			continue
		}
		if r.isTwin(other) {
			a.twin(r, now)
		}
		if r.probing() && r.yields(p.msg.Ns, p.way.link.addrs) {
			r.begin(now.Add(lostWait))
			a.watcher.soon(checkSoon)
		}
	}
}

// twin notes that another copy of this hub is alive.
func (a *Announcer) twin(r *record, now time.Time) {
	if now.Sub(r.twinAt) > twinFresh {
		a.log.Error("announce: another hub with the same identity is alive")
		a.watcher.soon(0)
	}
	r.twinAt = now
}

// rivalIn finds another host that uses our names, or our identity under a name of its own.
func (r *record) rivalIn(said []dns.RR, us self) *rival {
	foreign, id := false, ""
	for _, rr := range said {
		if rr.Header().Ttl == 0 { // a goodbye
			continue
		}
		if r.uses(rr) {
			foreign = foreign || !r.echoes(rr, us)
			id = cmp.Or(id, idOf(rr))
			continue
		}
		if r.isTwin(&rival{idOf(rr)}) && !us.named(rr.Header().Name) {
			foreign, id = true, idOf(rr)
		}
	}
	if !foreign {
		return nil
	}
	return &rival{id}
}

// self is what another host cannot be: what it says about these comes from us.
type self struct {
	addrs map[netip.Addr]bool  // that this machine has or had, on all interfaces; replaced, never written to
	names map[string]time.Time // in wire form, and when one was given up: it echoes for a while
}

func (s self) named(name string) bool {
	w, err := wire(name)
	_, ours := s.names[w]
	return err == nil && ours
}

func (s self) takes(name string)                { s.notes(name, time.Time{}) }
func (s self) drops(name string, now time.Time) { s.notes(name, now) }

func (s self) notes(name string, at time.Time) {
	if w, err := wire(name); err == nil {
		s.names[w] = at
	}
}

// forgets the names that echo no more.
func (s self) forgets(now time.Time) {
	maps.DeleteFunc(s.names, func(_ string, at time.Time) bool { return !at.IsZero() && now.Sub(at) > echoFor })
}

// uses says whether a record stands under one of our names and is of a kind that has one owner.
func (r *record) uses(rr dns.RR) bool {
	owner := r.host
	switch rr.(type) {
	case *dns.SRV, *dns.TXT:
		owner = r.name
	case *dns.A, *dns.AAAA:
	default:
		return false
	}
	a, errA := wire(owner)
	b, errB := wire(rr.Header().Name)
	return errA == nil && errB == nil && a == b
}

// echoes says whether we may have said a record ourselves: now or lately, here or on another
// interface. It comes back from there, or from a reflector (avahi on this machine may be one). A
// proxy may still tell an older TXT record of ours, so that one counts by its identity.
func (r *record) echoes(rr dns.RR, us self) bool {
	if ip, ok := addressOf(rr); ok {
		return us.addrs[ip]
	}
	if id := idOf(rr); id != "" && r.deviceID() != "" {
		return r.isTwin(&rival{id})
	}
	return slices.ContainsFunc(append([]dns.RR{r.srv(), r.text()}, r.past...), func(ours dns.RR) bool { return same(ours, rr) })
}

func addressOf(rr dns.RR) (ip netip.Addr, ok bool) {
	switch rr := rr.(type) {
	case *dns.A:
		ip, ok = netip.AddrFromSlice(rr.A)
	case *dns.AAAA:
		ip, ok = netip.AddrFromSlice(rr.AAAA)
	}
	return ip.Unmap(), ok
}

// idOf is the HomeKit identity in a TXT record, empty when there is none.
func idOf(rr dns.RR) string {
	text, ok := rr.(*dns.TXT)
	if !ok || !strings.HasSuffix(strings.ToLower(text.Hdr.Name), serviceType) {
		return ""
	}
	for _, t := range text.Txt {
		if key, value, _ := strings.Cut(t, "="); strings.EqualFold(key, "id") {
			return value
		}
	}
	return ""
}

// yields compares what two hosts would say under one name. The greater wins; equals are one host.
func (r *record) yields(theirs []dns.RR, link []netip.Prefix) bool {
	mine := append([]dns.RR{r.srv(), r.text()}, r.addresses(link)...)
	theirs = slices.Clone(theirs)
	theirs = slices.DeleteFunc(theirs, func(rr dns.RR) bool { return !r.uses(rr) })
	for _, host := range []bool{false, true} {
		of := func(all []dns.RR) (out [][]byte) {
			for _, rr := range all {
				if _, ok := addressOf(rr); ok == host {
					out = append(out, rank(rr))
				}
			}
			slices.SortFunc(out, bytes.Compare)
			return out
		}
		their := of(theirs)
		if len(their) == 0 {
			continue
		}
		if order := slices.CompareFunc(of(mine), their, bytes.Compare); order != 0 {
			return order < 0
		}
	}
	return false
}

// rank is a record in the form in which §8.2 compares: class, kind, and what it says.
func rank(rr dns.RR) []byte {
	rr = dns.Copy(rr)
	rr.Header().Class &^= flush
	buf := make([]byte, dns.Len(rr)+1)
	end, err := dns.PackRR(rr, buf, 0, nil, false)
	if err != nil {
		return nil
	}
	name, err := wire(rr.Header().Name)
	if err != nil {
		return nil
	}
	fixed := buf[len(name):end] // kind, class, time to live, length, and the rest
	return slices.Concat(fixed[2:4], fixed[0:2], fixed[10:])
}
