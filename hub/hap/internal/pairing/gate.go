package pairing

import "sync"

// Gate is what the setups of one server share. Any number may be under way, each
// on its own connection, and the first to finish wins: were there one place, a
// stranger who begins again and again could keep it taken. The zero value is
// ready.
type Gate struct {
	sums sync.Mutex // one long computation at a time: strangers take one core at most

	mu      sync.Mutex
	telling *Setup // has stored a pairing and not yet told the controller
}

// Open reports whether a setup may begin: nobody is paired, or the only one that
// is may never have heard of it, because the answer to M5 did not leave.
func (g *Gate) Open(r Record) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.open(r)
}

func (g *Gate) open(r Record) bool {
	return len(r.Peers) == 0 || r.Unanswered && g.telling == nil
}

// tell shuts the gate while s stores a pairing and answers, if it is open.
func (g *Gate) tell(s *Setup, r Record) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.open(r) {
		return false
	}
	g.telling = s
	return true
}

// told ends what tell began.
func (g *Gate) told(s *Setup) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.telling == s {
		g.telling = nil
	}
}
