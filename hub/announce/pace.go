package announce

import (
	"math/rand/v2"
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
	return reply(p.msg, held, p.way.link.addrs)
}

func waitFor(p packet, out *dns.Msg) time.Duration {
	shared := func(rr dns.RR) bool { return rr.Header().Class&flush == 0 }
	switch {
	case p.legacy() || len(p.msg.Ns) > 0: // nobody else answers a stranger; a probe does not wait
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

// answer sends an answer to whom it is for: a stranger, one who asked for a word of its own, or all.
func (a *Announcer) answer(p packet, out *dns.Msg, now time.Time) {
	near := p.way.link.near(p.sender()) || a.self.addrs[p.sender().WithZone("")]
	var err error
	switch {
	case p.legacy():
		if !near {
			return
		}
		forStranger(out, p.msg)
		err = p.way.send(out, p.from)
	case near && a.alone(p, out, now):
		err = p.way.send(out, p.from)
	default:
		err = a.toAll(p, out, now)
	}
	if err != nil {
		a.log.Debug("announce: answer not sent", "interface", p.way.link.name, "error", err)
	}
}

// alone says whether only the asker gets the answer: it asked so in every question, and all others
// have heard the records lately. An asker on this machine shares the port with us, and a packet to
// it alone might reach any of those who do.
func (a *Announcer) alone(p packet, out *dns.Msg, now time.Time) bool {
	if a.self.addrs[p.sender().WithZone("")] {
		return false
	}
	for _, q := range p.msg.Question {
		if q.Qclass&flush == 0 { // the same bit asks for a unicast answer
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
