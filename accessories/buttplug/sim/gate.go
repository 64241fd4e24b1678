package sim

import (
	"net"
	"sync"
)

// gate is a listener whose connections can be cut or made to hang, as a frozen computer would.
type gate struct {
	net.Listener
	mu    sync.Mutex
	open  chan struct{} // closed while bytes may pass
	conns map[*conn]bool
}

func newGate(l net.Listener) *gate {
	g := &gate{Listener: l, open: make(chan struct{}), conns: map[*conn]bool{}}
	close(g.open)
	return g
}

func (g *gate) freeze() {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-g.open:
		g.open = make(chan struct{})
	default:
	}
}

func (g *gate) thaw() {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-g.open:
	default:
		close(g.open)
	}
}

// drop cuts every connection without a goodbye.
func (g *gate) drop() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for c := range g.conns {
		if tcp, ok := c.Conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		c.end()
	}
}

// Accept implements net.Listener.
func (g *gate) Accept() (net.Conn, error) {
	inner, err := g.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: inner, gate: g, gone: make(chan struct{})}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.conns[c] = true
	return c, nil
}

type conn struct {
	net.Conn
	gate *gate
	once sync.Once
	gone chan struct{}
}

func (c *conn) end() {
	c.once.Do(func() { close(c.gone); _ = c.Conn.Close() })
}

func (c *conn) pass() {
	c.gate.mu.Lock()
	open := c.gate.open
	c.gate.mu.Unlock()
	select {
	case <-open:
	case <-c.gone:
	}
}

// Read implements net.Conn. It holds back what arrived while the gate is shut.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.pass()
	return n, err
}

// Write implements net.Conn.
func (c *conn) Write(p []byte) (int, error) {
	c.pass()
	return c.Conn.Write(p)
}

// Close implements net.Conn.
func (c *conn) Close() error {
	c.gate.mu.Lock()
	delete(c.gate.conns, c)
	c.gate.mu.Unlock()
	c.end()
	return nil
}
