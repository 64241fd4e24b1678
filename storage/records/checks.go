package records

import (
	"context"
	"sync"
)

// checks are the runs of Check that are under way. They hold the store as readers
// do, for minutes; whoever needs it alone ends them.
type checks struct {
	mu      sync.Mutex
	running map[int]context.CancelFunc
	last    int
}

// add notes a run; the function that it gives takes the note back.
func (c *checks) add(cancel context.CancelFunc) (remove func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running == nil {
		c.running = make(map[int]context.CancelFunc)
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
	for _, cancel := range c.running {
		cancel()
	}
}
