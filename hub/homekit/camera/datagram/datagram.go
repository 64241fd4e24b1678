// Package datagram sends several UDP datagrams with one call of the system, which costs a fraction of as
// many calls: Linux cuts a long message into datagrams itself (UDP_SEGMENT, since 4.18). Where a system or
// a network card cannot, they are sent one by one.
package datagram

import (
	"net"
	"net/netip"
)

// What one message may hold.
const (
	mostSegments = 64
	mostBytes    = 60_000 // less than 64 KiB with all headers
)

// Sender sends from one socket. The zero value with a Conn is good; it is for one goroutine at a time.
type Sender struct {
	Conn *net.UDPConn

	single  bool // the system refused to cut
	control []byte
}

// Send sends what is in b, cut into datagrams of these sizes in bytes, to one address.
func (s *Sender) Send(to netip.AddrPort, b []byte, sizes []int) error {
	for len(sizes) > 0 {
		n, bytes := run(sizes)
		if err := s.run(to, b[:bytes], sizes[:n]); err != nil {
			return err
		}
		b, sizes = b[bytes:], sizes[n:]
	}
	return nil
}

// run sends datagrams of the same size, the last of which may be smaller.
func (s *Sender) run(to netip.AddrPort, b []byte, sizes []int) error {
	if len(sizes) > 1 && !s.single {
		s.control = segmented(s.control[:0], sizes[0])
		if s.control != nil {
			_, _, err := s.Conn.WriteMsgUDPAddrPort(b, s.control, to)
			if !cannot(err) {
				return err
			}
		}
		s.single = true
	}
	for _, n := range sizes {
		if _, err := s.Conn.WriteToUDPAddrPort(b[:n], to); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// run is how many of the first datagrams can go in one message, and how many bytes those are.
func run(sizes []int) (n, bytes int) {
	for n < len(sizes) && n < mostSegments && (n == 0 || bytes+sizes[n] <= mostBytes) {
		if sizes[n] > sizes[0] {
			break
		}
		bytes += sizes[n]
		n++
		if sizes[n-1] < sizes[0] {
			break
		}
	}
	return n, bytes
}
