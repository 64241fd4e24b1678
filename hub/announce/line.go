package announce

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/miekg/dns"
)

const (
	mdnsPort   = 5353
	maxPacket  = 9000 // RFC 6762 §17
	writeLimit = time.Second
)

// line is one socket, of one family, joined to the group on the interfaces of the moment it was
// opened.
type line struct {
	socket socket
	six    bool
	direct bool   // hears only what is sent to this machine alone
	links  []link // that took the group
	buf    []byte
}

// way is one road out: an interface, by one family of addresses.
type way struct {
	line *line
	link link
}

// home is the index of no interface: the kernel knows the way from this machine to itself.
const home = 0

// wayID tells ways apart, also over a new socket.
type wayID struct {
	six   bool
	index int
}

func (w way) id() wayID { return wayID{w.line.six, w.link.index} }

// packet is one message to the group or to this machine, and where it came from.
type packet struct {
	msg  *dns.Msg
	way  way
	from *net.UDPAddr
	to   netip.Addr // none when it was sent to the group
}

// alone says that a message was sent to this machine only (RFC 6762 §5.5).
func (p packet) alone() bool { return p.to.IsValid() }

// legacy says that the asker speaks plain DNS, from a port of its own (RFC 6762 §6.7).
func (p packet) legacy() bool { return p.from.Port != mdnsPort }

// sender is the address that a packet came from.
func (p packet) sender() netip.Addr { return p.from.AddrPort().Addr().Unmap() }

// openLines opens a line for each family that has an interface. It fails when there is none.
func openLines(o Options, found []link) ([]*line, error) {
	four, err := openLine(false, found)
	var lines []*line
	if four != nil {
		lines = append(lines, four)
	}
	if o.Both { // a machine without IPv6 is no reason to complain
		if six, e := openLine(true, found); e == nil {
			lines = append(lines, six)
		}
	}
	if len(lines) > 0 {
		return lines, nil
	}
	return nil, err
}

func openLine(six bool, found []link) (*line, error) {
	s, err := openShared(six)
	if err != nil {
		return nil, err
	}
	l := &line{socket: s, six: six, buf: make([]byte, maxPacket)}
	for _, k := range found {
		if len(k.with(six)) == 0 {
			continue
		}
		if e := s.join(k); e != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", k.name, e))
			continue
		}
		l.links = append(l.links, k)
	}
	if len(l.links) == 0 {
		s.Close()
		return nil, errors.Join(errors.New("no interface takes the group"), err)
	}
	return l, nil
}

// openEar opens the line for what is sent to this machine alone, where the other line has its links.
func openEar(other *line) (*line, error) {
	s, err := openDirect(other.links[0].with(false)[0].Addr())
	if err != nil {
		return nil, err
	}
	return &line{socket: s, direct: true, links: other.links, buf: make([]byte, maxPacket)}, nil
}

// next waits for a message to the group, or to this machine, on one of our interfaces. What else arrives is
// dropped: the kernel hands a socket every group that any program joined.
func (l *line) next() (packet, error) {
	for {
		n, at, err := l.socket.read(l.buf)
		if err != nil {
			return packet{}, err
		}
		msg := new(dns.Msg)
		if msg.Unpack(l.buf[:n]) != nil {
			continue
		}
		if p := (packet{msg: msg, from: at.from}); l.place(&p, at) {
			return p, nil
		}
	}
}

// place finds the way that a packet came, which is the way to answer.
func (l *line) place(p *packet, at arrival) bool {
	i := slices.IndexFunc(l.links, func(k link) bool { return k.index == at.index })
	if at.group {
		if i >= 0 {
			p.way = way{l, l.links[i]}
		}
		return i >= 0 && !l.direct
	}
	if i < 0 && at.from.IP.IsLoopback() { // no other machine has such an address: it asks for what all others see
		i = 0
	}
	if i < 0 || !at.to.IsValid() || at.to.IsMulticast() {
		return false
	}
	answering := *l // from the address that was asked
	answering.socket = l.socket.as(at.to)
	p.way, p.to = way{&answering, l.links[i]}, at.to
	return true
}

// stranger is an address of this machine on the way, with a port that nobody has.
func (w way) stranger() net.UDPAddr {
	var local net.UDPAddr
	for _, p := range w.link.with(w.line.six) {
		if local.IP == nil || p.Addr().IsLinkLocalUnicast() { // the one that IPv6 uses for the group
			local.IP = p.Addr().AsSlice()
		}
	}
	if w.line.six {
		local.Zone = w.link.name
	}
	return local
}

// multicast sends to everyone on one way.
func (w way) multicast(m *dns.Msg) error { return w.send(m, groupOf(w.line.six)) }

func (w way) send(m *dns.Msg, to *net.UDPAddr) error { return w.line.write(m, w.link.index, to) }

func (l *line) write(m *dns.Msg, index int, to *net.UDPAddr) error {
	packet, err := m.Pack()
	if err != nil {
		return err
	}
	return l.socket.write(packet, index, to)
}

// answerWith is a message that says something unasked.
func answerWith(records []dns.RR) *dns.Msg {
	m := &dns.Msg{Compress: true, Answer: records}
	m.Response, m.Authoritative = true, true
	return m
}
