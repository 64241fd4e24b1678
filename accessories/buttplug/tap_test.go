package buttplug_test

import (
	"context"
	"net"
	"regexp"
	"sync"

	"github.com/ingle-home/ingle/accessories/device"
)

// tap is a network that keeps what servers send, to check the simulator's own frames. Servers send
// WebSocket frames unmasked, so a JSON text of less than 64 KiB stands in the bytes as it is.
type tap struct {
	network
	mu  sync.Mutex
	got []byte
}

func (n *tap) Dial(ctx context.Context, proto, address string) (net.Conn, error) {
	c, err := n.network.Dial(ctx, proto, address)
	if err != nil {
		return nil, err
	}
	return &tapped{c, n}, nil
}

func (n *tap) frames() (out []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, m := range regexp.MustCompile(`\[\{"[A-Z][\x20-\x7e]*\}\]`).FindAll(n.got, -1) {
		out = append(out, string(m))
	}
	return out
}

type tapped struct {
	net.Conn
	tap *tap
}

func (c *tapped) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.tap.mu.Lock()
	defer c.tap.mu.Unlock()
	c.tap.got = append(c.tap.got, p[:n]...)
	return n, err
}

var _ device.Net = (*tap)(nil)
