package entrance

import (
	"net"
	"slices"
	"sync"
)

// Crowd closes the oldest connection of strangers, or of one app, when there are more than Most. The newest
// stays: a stranger who holds many must not keep the household out. It is safe for concurrent use.
type Crowd struct {
	Most int

	mu   sync.Mutex
	list []net.Conn // oldest first
}

// Enter notes a connection that it does not know yet.
func (c *Crowd) Enter(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if slices.Contains(c.list, conn) {
		return
	}
	c.list = append(c.list, conn)
	if len(c.list) > c.Most {
		drop(c.list[0])
		c.list = slices.Delete(c.list, 0, 1)
	}
}

// Leave forgets one: it is closed, or no stranger's any more. It says whether there are others.
func (c *Crowd) Leave(conn net.Conn) (others bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.list = slices.DeleteFunc(c.list, func(o net.Conn) bool { return o == conn })
	return len(c.list) > 0
}

// Disperse sends all away, when the hub ends or an app is none any more.
func (c *Crowd) Disperse() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.list {
		drop(conn)
	}
}
