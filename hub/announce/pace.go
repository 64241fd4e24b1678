package announce

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"github.com/miekg/dns"
)

// When an answer goes out, and to whom (RFC 6762 §5.4, §6, §7.2).
const (
	sharedSoonest = 20 * time.Millisecond  // others may answer the same question: not all at once
	sharedLatest  = 120 * time.Millisecond // by §6 for an answer that others may have too
	moreSoonest   = 400 * time.Millisecond // more known answers follow in another packet
	moreLatest    = 500 * time.Millisecond
	saidGap       = time.Second            // between two multicasts of one record on one way
	probedGap     = 250 * time.Millisecond // the same for an answer that defends a name
	maxPending    = 64                     // questions that wait for their time
	maxKnown      = 2048                   // known answers of one asker
	maxSaid       = 1024                   // records whose last multicast is remembered
	maxTold       = 20                     // answers a second to one who asks this machine alone
	maxAskers     = 64                     // of those a second
)

// pending is a question whose answer has its time. The answer is made when it is due, so that it is
// still true then.
type pending struct {
	packet
	due time.Time
}

// asks takes a question. The lock is held.
func (a *Announcer) asks(p packet, now time.Time) {
	if len(p.msg.Question) == 0 { // the rest of what an earlier asker knows
		for i := range a.later {
			known := &a.later[i].msg.Answer
			if a.later[i].from.String() == p.from.String() && len(*known) < maxKnown {
				*known = append(*known, p.msg.Answer...)
			}
		}
		return
	}
	out := a.reply(p)
	if out == nil {
		return
	}
	wait := waitFor(p, out)
	if wait == 0 || len(a.later) >= maxPending {
		a.answer(p, out, now)
		return
	}
	a.later = append(a.later, pending{p, now.Add(wait)})
	a.nudge()
}

func (a *Announcer) reply(p packet) *dns.Msg {
	var held []*record
	for _, r := range a.records {
		if r.held[p.way.id()] {
			held = append(held, r)
		}
	}
	slices.SortFunc(held, inOrder)
	return reply(p.msg, held, p.way.link.addrs)
}

func waitFor(p packet, out *dns.Msg) time.Duration {
	shared := func(rr dns.RR) bool { return rr.Header().Class&flush == 0 }
	switch {
	case p.legacy() || p.alone() || len(p.msg.Ns) > 0: // nobody else answers a stranger; a probe does not wait
		return 0
	case p.msg.Truncated:
		return between(moreSoonest, moreLatest)
	case slices.ContainsFunc(out.Answer, shared):
		return between(sharedSoonest, sharedLatest)
	}
	return 0
}

func between(soonest, latest time.Duration) time.Duration {
	return soonest + rand.N(latest-soonest)
}

// answerDue gives the answers whose time has come, and says when the next one is.
func (a *Announcer) answerDue(now time.Time) time.Time {
	next := now.Add(pollEvery)
	var left []pending
	for _, p := range a.later {
		if now.Before(p.due) {
			left = append(left, p)
			next = earlier(next, p.due)
			continue
		}
		if out := a.reply(p.packet); out != nil {
			a.answer(p.packet, out, now)
		}
	}
	a.later = left
	return next
}

// admits says whether a question to this machine alone is answered: it must come from the network that it
// came by, or anyone could have us send packets to a third party (§5.5, §11).
func (a *Announcer) admits(p packet, now time.Time) bool {
	from := p.sender().WithZone("")
	return !p.msg.Response && len(p.msg.Question) > 0 && a.self.addrs[p.to] &&
		(a.self.addrs[from] || p.way.link.near(from)) && a.toll.pass(from, now)
}

// toll bounds the answers to those who ask this machine alone: which are many packets for nobody but them.
type toll struct {
	since time.Time
	told  map[netip.Addr]int
}

func (t *toll) pass(asker netip.Addr, now time.Time) bool {
	if t.told == nil || now.Sub(t.since) >= time.Second {
		t.since, t.told = now, map[netip.Addr]int{}
	}
	if n := t.told[asker]; n >= maxTold || (n == 0 && len(t.told) >= maxAskers) {
		return false
	}
	t.told[asker]++
	return true
}

// answer sends an answer to whom it is for: a stranger, one who asked for a word of its own, or all.
func (a *Announcer) answer(p packet, out *dns.Msg, now time.Time) {
	inside := a.self.addrs[p.sender().WithZone("")]
	near := p.way.link.near(p.sender()) || inside
	var err error
	switch {
	case p.legacy():
		if !near {
			return
		}
		forStranger(out, p.msg)
		shorten(out)
		index := p.way.link.index
		if inside && p.alone() {
			index = home
		}
		err = p.way.line.write(out, index, p.from)
	case near && a.alone(p, out, now):
		err = p.way.send(out, p.from)
	default:
		err = a.toAll(p, out, now)
	}
	if err != nil {
		a.log.Debug("announce: answer not sent", "interface", p.way.link.name, "error", err)
	}
}

// alone says whether only the asker gets the answer: it asked so in every question or asked nobody else,
// and all others have heard the records lately. An asker on this machine shares the port with us, and a packet to
// it alone might reach any of those who do.
func (a *Announcer) alone(p packet, out *dns.Msg, now time.Time) bool {
	if a.self.addrs[p.sender().WithZone("")] {
		return false
	}
	for _, q := range p.msg.Question {
		if q.Qclass&flush == 0 && !p.alone() { // the same bit asks for a unicast answer
			return false
		}
	}
	for _, rr := range out.Answer {
		quarter := time.Duration(rr.Header().Ttl) * time.Second / 4
		if len(a.pace.fresh(p.way.id(), []dns.RR{rr}, now, quarter)) > 0 {
			return false
		}
	}
	return true
}

func (a *Announcer) toAll(p packet, out *dns.Msg, now time.Time) error {
	gap := saidGap
	if len(p.msg.Ns) > 0 {
		gap = probedGap
	}
	out.Answer = a.pace.fresh(p.way.id(), out.Answer, now, gap)
	if len(out.Answer) == 0 {
		return nil
	}
	a.pace.note(p.way.id(), out.Answer, now)
	return p.way.multicast(out)
}

// pace remembers when a record was last multicast on a way.
type pace map[said]time.Time

type said struct {
	way wayID
	rr  string
}

// fresh leaves out what was said within the gap.
func (p pace) fresh(way wayID, records []dns.RR, now time.Time, gap time.Duration) (out []dns.RR) {
	for _, rr := range records {
		if at, ok := p[said{way, rr.String()}]; !ok || now.Sub(at) >= gap {
			out = append(out, rr)
		}
	}
	return out
}

func (p pace) note(way wayID, records []dns.RR, now time.Time) {
	if len(p) > maxSaid { // a quarter of the longest time to live is as long as it matters
		for s, at := range p {
			if now.Sub(at) > longTTL*time.Second/4 {
				delete(p, s)
			}
		}
	}
	for _, rr := range records {
		p[said{way, rr.String()}] = now
	}
}
