package pairing

import (
	"sync"
	"time"
)

// abandoned is how long a setup without a step keeps others out.
const abandoned = 30 * time.Second

// Gate lets one setup at a time through on one server. The zero value is open.
type Gate struct {
	mu     sync.Mutex
	holder *Setup
	last   time.Time // of the holder's last step
}

// enter takes the gate, unless another setup has made a step lately.
func (g *Gate) enter(s *Setup) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.holder != nil && g.holder != s && time.Since(g.last) < abandoned {
		return false
	}
	g.holder, g.last = s, time.Now()
	return true
}

// stay is a further step. It is refused when another setup has taken over; a
// person who is slow to type the code goes on if nobody else came.
func (g *Gate) stay(s *Setup) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.holder != s {
		return false
	}
	g.last = time.Now()
	return true
}

func (g *Gate) leave(s *Setup) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.holder == s {
		g.holder = nil
	}
}
