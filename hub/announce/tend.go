package announce

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// tend does everything that has its time: probes, announcements, answers, and the look at the
// machine's networks.
func (a *Announcer) tend(ctx context.Context) {
	clock := time.NewTimer(0)
	defer clock.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.wake:
		case <-clock.C:
		}
		a.mu.Lock()
		next := a.step(time.Now())
		a.mu.Unlock()
		clock.Reset(time.Until(next))
	}
}

// step does what is due and says when the next thing is.
func (a *Announcer) step(now time.Time) time.Time {
	if a.closed {
		return now.Add(pollEvery)
	}
	if !now.Before(a.followAt) {
		a.followAt = now.Add(pollEvery)
		a.follow(now)
	}
	next := a.followAt
	if len(a.lines) == 0 {
		return next
	}
	for _, r := range a.records {
		next = earlier(next, a.advance(r, now))
	}
	return earlier(next, a.answerDue(now))
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// linkChanged is told by the kernel. A network that changes does so in many steps.
func (a *Announcer) linkChanged(index int, down bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if down {
		a.bounced[index] = true
	}
	a.followAt = earlier(a.followAt, time.Now().Add(settle))
	a.nudge()
}

// follow opens the lines anew when an interface or an address came or went, and tries again when
// there was none.
func (a *Announcer) follow(now time.Time) {
	a.self.forgets(now)
	if len(a.records) == 0 {
		return
	}
	if len(a.lines) > 0 && a.current() {
		a.lendEar()
		return
	}
	had := len(a.lines) > 0
	a.hangUp()
	if err := a.dial(now); err != nil {
		a.log.Debug("announce: silent", "error", err)
		for _, r := range a.records {
			clear(r.held)
		}
		if had {
			a.watcher.soon(0)
		}
		return
	}
	a.watcher.soon(checkSoon)
}

// current says whether the machine's networks are still those that the lines were opened on.
func (a *Announcer) current() bool {
	for _, k := range a.found {
		if a.bounced[k.index] {
			return false
		}
	}
	clear(a.bounced)
	now, err := findLinks(a.options)
	return err == nil && slices.EqualFunc(now, a.found, link.equal)
}

// dial opens the lines and starts their readers. What is held on a way that stayed is said there at
// once; on a way that is new, or was gone for a moment and may lead elsewhere now, it is probed for.
func (a *Announcer) dial(now time.Time) error {
	found, err := findLinks(a.options)
	if err == nil {
		a.lines, err = openLines(a.options, found)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSilent, err)
	}
	a.found, a.self.addrs = found, ownAddresses(a.self.addrs)
	stayed := map[wayID]bool{}
	for _, w := range a.ways() {
		stayed[w.id()] = !a.bounced[w.link.index]
	}
	clear(a.bounced)
	for _, l := range a.lines {
		a.running.Go(func() { a.listen(l) })
	}
	a.lendEar()
	for _, r := range a.records {
		for id := range r.held {
			if !stayed[id] {
				delete(r.held, id)
			}
		}
		r.saidAt = time.Time{} // a new address does not wait
		a.proclaim(r, now)
		if len(r.held) < len(stayed) {
			r.begin(now.Add(between(0, probeGap)))
		}
	}
	return nil
}

func (a *Announcer) hangUp() {
	for _, l := range a.lines {
		l.socket.Close()
	}
	a.lines, a.later = nil, nil
	a.closeEar()
}

// lendEar opens the ear for what is sent to this machine alone. While another program has that, it stays
// closed until a later look.
func (a *Announcer) lendEar() {
	i := slices.IndexFunc(a.lines, func(l *line) bool { return !l.six })
	if a.ear != nil || i < 0 || a.options.Type != "" { // phones ask a machine alone for HomeKit only
		return
	}
	ear, err := openEar(a.lines[i])
	if err != nil {
		a.log.Debug("announce: direct questions are left to others", "error", err)
		return
	}
	a.ear = ear
	a.running.Go(func() { a.listen(ear) })
}

func (a *Announcer) closeEar() {
	if a.ear != nil {
		a.ear.socket.Close()
		a.ear = nil
	}
}

// listen takes what comes until the line is closed or breaks.
func (a *Announcer) listen(l *line) {
	for {
		p, err := l.next()
		a.mu.Lock()
		if l != a.ear && !slices.Contains(a.lines, l) {
			a.mu.Unlock()
			return
		}
		if err != nil {
			a.log.Warn("announce: line lost", "error", err)
			if l == a.ear {
				a.closeEar()
			} else {
				a.hangUp()
			}
			a.mu.Unlock()
			return
		}
		a.take(p, time.Now())
		a.mu.Unlock()
	}
}

func (a *Announcer) take(p packet, now time.Time) {
	if p.alone() {
		if a.admits(p, now) {
			a.asks(p, now)
		}
		return
	}
	if p.msg.Response {
		a.hears(p, now)
		return
	}
	if len(p.msg.Ns) > 0 {
		a.hearsProbe(p, now)
	}
	a.asks(p, now)
}
