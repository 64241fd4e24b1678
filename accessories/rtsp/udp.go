package rtsp

import (
	"fmt"
	"net"
	"slices"

	"github.com/ingle-home/ingle/accessories/device"
)

// udpBuffer holds a large key picture until it is read, bytes.
const udpBuffer = 1 << 20

// listen opens a port for RTP over UDP. device.Net has no such door, so the rule of the household's
// own network is kept here: the port talks with the very address that device.Net let us connect to,
// and with no other, whatever the camera answers.
func (l *line) listen(network, address string) (net.PacketConn, error) {
	if l.peer == nil {
		return nil, fmt.Errorf("rtsp: udp: not connected: %w", device.ErrUnreachable)
	}
	at, err := net.ResolveUDPAddr(network, address)
	if err != nil {
		return nil, err
	}
	conn, err := net.ListenUDP(network, at)
	if err != nil {
		return nil, err
	}
	return &homeConn{conn, l.peer}, nil
}

// homeConn is a UDP port that knows one peer.
type homeConn struct {
	*net.UDPConn
	peer net.IP
}

// WriteTo refuses every address but the peer's.
func (c *homeConn) WriteTo(p []byte, addr net.Addr) (int, error) {
	to, ok := addr.(*net.UDPAddr)
	if !ok || !to.IP.Equal(c.peer) {
		return 0, fmt.Errorf("rtsp: udp: to another host: %w", device.ErrRefused)
	}
	return c.UDPConn.WriteTo(p, addr)
}

// ReadFrom leaves out packets from every address but the peer's.
func (c *homeConn) ReadFrom(p []byte) (int, net.Addr, error) {
	for {
		n, addr, err := c.UDPConn.ReadFrom(p)
		if err != nil {
			return n, addr, err
		}
		if from, ok := addr.(*net.UDPAddr); ok && slices.Equal(from.IP.To16(), c.peer.To16()) {
			return n, addr, nil
		}
	}
}
