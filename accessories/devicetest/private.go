package devicetest

import (
	"regexp"
	"runtime"
	"strings"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/trait"
)

// use makes the driver do everything once, so that it has had every chance to leak.
func (r *run) use() {
	r.running(ignore, func(s device.Session) {
		if r.suite.Command.Trait.ID() != "" {
			_ = r.command(s, r.suite.Command)
		}
		if _, ok := r.holdings(s); ok {
			_, _ = ask(r, "Erase", s.Erase)
		}
		_, _ = ask(r, "Evidence", s.Evidence)
	})
}

func lanOnly(r *run) {
	r.use()
	r.world.mu.Lock()
	defer r.world.mu.Unlock()
	for _, a := range r.world.outside {
		r.failf("it dials %s, which is not on the household's network", a)
	}
}

func quietLog(r *run) {
	r.use()
	if n := r.world.leaked(); n > 0 {
		r.failf("%d secret or personal texts are in its log", n)
	}
}

// holds asks for an answer at all: an empty list says explicitly that nothing is kept, nil does not.
func holds(r *run) {
	r.running(ignore, func(s device.Session) {
		list, ok := r.holdings(s)
		if ok && list == nil && private(r.offer(s)) {
			r.failf("it offers personal traits, and Holds says neither what is kept nor (by an empty list) that nothing is")
		}
		for _, h := range list {
			if h.What == "" {
				r.failf("a holding has no name")
			}
		}
	})
}

func private(o device.Offer) bool {
	for _, have := range o.Traits {
		if have.Trait.Class() >= trait.Personal {
			return true
		}
	}
	return false
}

func (r *run) holdings(s device.Session) ([]device.Holding, bool) { return ask(r, "Holds", s.Holds) }

func erase(r *run) {
	r.running(ignore, func(s device.Session) {
		list, ok := r.holdings(s)
		for range 2 {
			if !ok || !r.erased(s, list) {
				return
			}
		}
	})
}

// erased erases once; it wants an answer for every holding, and Holds to agree with it.
func (r *run) erased(s device.Session, list []device.Holding) bool {
	answers, ok := ask(r, "Erase", s.Erase)
	if !ok {
		return false
	}
	said := map[string]device.Erased{}
	for _, a := range answers {
		said[a.What] = a
		if !a.Gone && a.Why == "" {
			r.failf("Erase does not say why %q is not gone", a.What)
		}
	}
	for _, h := range list {
		if _, ok := said[h.What]; !ok {
			r.failf("Erase says nothing about %q", h.What)
		}
	}
	after, ok := r.holdings(s)
	for _, h := range after {
		if said[h.What].Gone {
			r.failf("Erase says that %q is gone, and Holds still lists it", h.What)
		}
	}
	return ok
}

func evidence(r *run) {
	r.running(ignore, func(s device.Session) {
		list, _ := ask(r, "Evidence", s.Evidence)
		for _, e := range list {
			if e.Claim == "" || e.Answer != device.Unknown && (e.How == "" || e.At.IsZero()) {
				r.failf("%q is claimed without how or when", e.Claim)
			}
		}
	})
}

// goroutines looks for goroutines of a driver that outlive its session.
func goroutines(r *run) {
	before := stacks()
	r.use()
	deadline := time.NewTimer(r.limits.grace)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		left := ""
		for id, stack := range stacks() {
			if before[id] == "" && ours(stack) {
				left = stack
			}
		}
		if left == "" {
			return
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			r.failf("a goroutine outlives its session: %s", strings.SplitN(left, "\n", 3)[1])
			return
		}
	}
}

func stacks() map[string]string {
	buf := make([]byte, 1<<20)
	found := map[string]string{}
	for _, s := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		id, _, _ := strings.Cut(s, " [")
		found[id] = s
	}
	return found
}

// ours says whether a goroutine belongs to a driver, and not to its simulator or to this suite.
func ours(stack string) bool {
	return strings.Contains(stack, "/accessories/") &&
		!regexp.MustCompile(`/sim\.|accessories/devicetest\.`).MatchString(stack)
}
