package records

import (
	"context"
	"sync"
)

// checks are the runs of Check that are under way. They hold the store as readers
// do, for minutes; whoever needs it alone ends them.
type checks struct {
	mu      sync.Mutex
	waiting int // how many need the store alone, and do not have it yet
	running map[int]context.CancelFunc
	last    int
}

// alone locks the store for its caller, who unlocks s.mu.
func (s *Store) alone() {
	s.checks.end()
	s.mu.Lock()
	s.checks.mu.Lock()
	defer s.checks.mu.Unlock()
	s.checks.waiting--
}

// add notes a run, which must not have the store yet; the function that it gives
// takes the note back. The run is ended at once if somebody waits.
func (c *checks) add(cancel context.CancelFunc) (remove func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running == nil {
		c.running = make(map[int]context.CancelFunc)
	}
	if c.waiting > 0 {
		cancel()
	}
	c.last++
	n := c.last
	c.running[n] = cancel
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.running, n)
	}
}

func (c *checks) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting++
	for _, cancel := range c.running {
		cancel()
	}
}
