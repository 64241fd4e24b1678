// Package speakfirst is for protocols in which the client speaks first, as in HTTP. What a server of
// another kind says before that would be lost in an HTTP client, and with it that the server is of
// another kind.
package speakfirst

import (
	"net"
	"sync"
)

type conn struct {
	net.Conn
	once  sync.Once
	spoke chan struct{}
}

// Conn gives a connection on which nothing can be read before something was written.
func Conn(c net.Conn) net.Conn { return &conn{Conn: c, spoke: make(chan struct{})} }

func (c *conn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.once.Do(func() { close(c.spoke) })
	return n, err
}

func (c *conn) Read(p []byte) (int, error) {
	<-c.spoke
	return c.Conn.Read(p)
}

func (c *conn) Close() error {
	c.once.Do(func() { close(c.spoke) })
	return c.Conn.Close()
}
