package entrance

import (
	"net"
	"slices"
	"sync"
)

// crowd closes the oldest connection of strangers when there are too many. The newest stays: a stranger
// who holds many must not keep the household out.
type crowd struct {
	mu   sync.Mutex
	most int
	list []net.Conn // oldest first
}

func (c *crowd) enter(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.list = append(c.list, conn)
	if len(c.list) > c.most {
		drop(c.list[0])
		c.list = slices.Delete(c.list, 0, 1)
	}
}

func (c *crowd) leave(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.list = slices.DeleteFunc(c.list, func(o net.Conn) bool { return o == conn })
}

// disperse sends all away, when the hub ends.
func (c *crowd) disperse() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.list {
		drop(conn)
	}
}
