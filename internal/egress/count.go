//go:build linux

package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync/atomic"
	"syscall"
)

const (
	ethernet  = 14     // bytes of a frame before what it carries
	carries4  = 0x0800 // IPv4
	carries6  = 0x86dd // IPv6
	protoTCP  = 6
	protoUDP  = 17
	namesPort = 53

	drainTime = 50_000 // microseconds without a packet, after which all were read
	maxNamed  = 10     // destinations
)

// tally is what was seen on the line.
type tally struct {
	outside, lookups int      // packets
	home             int      // to private addresses that nobody has here
	named            []string // the first destinations of the others
}

func (t tally) any() bool { return t.outside > 0 || t.lookups > 0 }

func (t tally) String() string {
	s := fmt.Sprintf("outside=%d lookups=%d home=%d", t.outside, t.lookups, t.home)
	for _, to := range t.named {
		s += "\n  to " + to
	}
	return s
}

// counter reads what is sent on a line.
type counter struct {
	fd      int
	closing atomic.Bool
	seen    chan tally
}

// open begins to count on a link.
func open(link string) (*counter, error) {
	at, err := net.InterfaceByName(link)
	if err != nil {
		return nil, fmt.Errorf("count: %w", err)
	}
	all := binary.NativeEndian.Uint16([]byte{0, syscall.ETH_P_ALL}) // in the order of the network
	fd, err := syscall.Socket(syscall.AF_PACKET, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, int(all))
	if err != nil {
		return nil, fmt.Errorf("count: %w", err)
	}
	err = errors.Join(
		syscall.Bind(fd, &syscall.SockaddrLinklayer{Protocol: all, Ifindex: at.Index}),
		syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &syscall.Timeval{Usec: drainTime}),
	)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("count: %w", err), syscall.Close(fd))
	}
	c := &counter{fd: fd, seen: make(chan tally, 1)}
	go func() { c.seen <- c.read() }()
	return c, nil
}

// close gives what was seen until now.
func (c *counter) close() tally {
	c.closing.Store(true)
	t := <-c.seen
	_ = syscall.Close(c.fd) // all was read
	return t
}

func (c *counter) read() tally {
	var t tally
	frame := make([]byte, 256) // the beginnings are enough
	for {
		last := c.closing.Load()
		n, from, err := syscall.Recvfrom(c.fd, frame, 0)
		switch {
		case err == nil:
			if at, ok := from.(*syscall.SockaddrLinklayer); ok && at.Pkttype == syscall.PACKET_OUTGOING {
				t.add(frame[:n])
			}
		case errors.Is(err, syscall.EINTR):
		case last:
			return t
		}
	}
}

// add counts a frame.
func (t *tally) add(frame []byte) {
	to, port, ok := destination(frame)
	switch {
	case !ok || to.IsLinkLocalMulticast() || to.IsInterfaceLocalMulticast():
		return // the kernel's own talk with its neighbours
	case port == namesPort:
		t.lookups++
	case to.IsPrivate() || to.IsLinkLocalUnicast():
		t.home++
		return
	default:
		t.outside++
	}
	if name := netip.AddrPortFrom(to, port).String(); len(t.named) < maxNamed && !slices.Contains(t.named, name) {
		t.named = append(t.named, name)
	}
}

// destination is where a frame goes; the port is 0 where it has none.
func destination(frame []byte) (netip.Addr, uint16, bool) {
	if len(frame) < ethernet {
		return netip.Addr{}, 0, false
	}
	packet := frame[ethernet:]
	var to netip.Addr
	var proto byte
	switch binary.BigEndian.Uint16(frame[12:]) {
	case carries4:
		if len(packet) < 20 || len(packet) < int(packet[0]&15)*4 {
			return netip.Addr{}, 0, false
		}
		to, _ = netip.AddrFromSlice(packet[16:20])
		proto, packet = packet[9], packet[int(packet[0]&15)*4:]
	case carries6:
		if len(packet) < 40 {
			return netip.Addr{}, 0, false
		}
		to, _ = netip.AddrFromSlice(packet[24:40])
		proto, packet = packet[6], packet[40:]
	default:
		return netip.Addr{}, 0, false
	}
	var port uint16
	if (proto == protoTCP || proto == protoUDP) && len(packet) >= 4 {
		port = binary.BigEndian.Uint16(packet[2:])
	}
	return to, port, true
}
