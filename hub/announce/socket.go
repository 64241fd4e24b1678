package announce

import (
	"errors"
	"net"
	"net/netip"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// socket is what IPv4 and IPv6 have in common.
type socket interface {
	join(k link) error
	as(at netip.Addr) socket // the same, sending from that address
	read(buf []byte) (int, arrival, error)
	write(packet []byte, index int, to *net.UDPAddr) error
	SetReadDeadline(t time.Time) error
	Close() error
}

// arrival says how a packet came.
type arrival struct {
	index int  // of the interface
	group bool // sent to the mDNS group
	to    netip.Addr
	from  *net.UDPAddr
}

func (at *arrival) sent(index int, to, group net.IP) {
	at.index, at.group = index, to.Equal(group)
	if ip, ok := netip.AddrFromSlice(to); ok {
		at.to = ip.Unmap()
	}
}

func groupOf(six bool) *net.UDPAddr {
	if six {
		return &net.UDPAddr{IP: net.ParseIP("ff02::fb"), Port: mdnsPort}
	}
	return &net.UDPAddr{IP: net.IPv4(224, 0, 0, 251), Port: mdnsPort}
}

// openShared opens a socket for the group, on the port that others on this machine have too.
func openShared(six bool) (socket, error) {
	conn, err := listenGroup(six)
	if err != nil {
		return nil, err
	}
	return multicasting(conn, six, nil)
}

// openDirect opens a socket for what is sent to this machine alone, by IPv4, if no other program here hears
// that. By IPv6 the shared socket does.
func openDirect(own netip.Addr) (socket, error) {
	conn, err := listenDirect(own)
	if err != nil {
		return nil, err
	}
	return multicasting(conn, false, nil)
}

// openOwn opens a socket at an address of this machine, on a port that nobody else has.
func openOwn(six bool, at net.UDPAddr) (socket, error) {
	network := "udp4"
	if six {
		network = "udp6"
	}
	conn, err := net.ListenUDP(network, &at)
	if err != nil {
		return nil, err
	}
	return multicasting(conn, six, at.IP)
}

// multicasting gives a socket what the group needs. Naming the interface of a packet undoes what its
// socket is bound to, so the address to send from is named too.
func multicasting(conn *net.UDPConn, six bool, from net.IP) (socket, error) {
	if six {
		s := socket6{ipv6.NewPacketConn(conn), from}
		err := errors.Join(s.SetControlMessage(ipv6.FlagInterface|ipv6.FlagDst, true),
			s.SetMulticastHopLimit(255), s.SetHopLimit(255), s.SetMulticastLoopback(true))
		return orClose(s, err)
	}
	s := socket4{ipv4.NewPacketConn(conn), from}
	err := errors.Join(s.SetControlMessage(ipv4.FlagInterface|ipv4.FlagDst, true),
		s.SetMulticastTTL(255), s.SetTTL(255), s.SetMulticastLoopback(true)) // others on this machine want to hear it too
	return orClose(s, err)
}

func orClose(s socket, err error) (socket, error) {
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

type socket4 struct {
	*ipv4.PacketConn
	from net.IP
}

func (s socket4) join(k link) error {
	return s.JoinGroup(&net.Interface{Index: k.index, Name: k.name}, groupOf(false))
}

func (s socket4) as(at netip.Addr) socket {
	s.from = at.AsSlice()
	return s
}

func (s socket4) read(buf []byte) (int, arrival, error) {
	n, about, from, err := s.ReadFrom(buf)
	if err != nil {
		return 0, arrival{}, err
	}
	at := arrival{from: from.(*net.UDPAddr)}
	if about != nil {
		at.sent(about.IfIndex, about.Dst, groupOf(false).IP)
	}
	return n, at, nil
}

func (s socket4) write(packet []byte, index int, to *net.UDPAddr) error {
	if err := s.SetWriteDeadline(time.Now().Add(writeLimit)); err != nil {
		return err
	}
	_, err := s.WriteTo(packet, &ipv4.ControlMessage{IfIndex: index, Src: s.from}, to)
	return err
}

type socket6 struct {
	*ipv6.PacketConn
	from net.IP
}

func (s socket6) join(k link) error {
	return s.JoinGroup(&net.Interface{Index: k.index, Name: k.name}, groupOf(true))
}

func (s socket6) as(at netip.Addr) socket {
	s.from = at.AsSlice()
	return s
}

func (s socket6) read(buf []byte) (int, arrival, error) {
	n, about, from, err := s.ReadFrom(buf)
	if err != nil {
		return 0, arrival{}, err
	}
	at := arrival{from: from.(*net.UDPAddr)}
	if about != nil {
		at.sent(about.IfIndex, about.Dst, groupOf(true).IP)
	}
	return n, at, nil
}

func (s socket6) write(packet []byte, index int, to *net.UDPAddr) error {
	if err := s.SetWriteDeadline(time.Now().Add(writeLimit)); err != nil {
		return err
	}
	_, err := s.WriteTo(packet, &ipv6.ControlMessage{IfIndex: index, Src: s.from}, to)
	return err
}
