package announce

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/net/ipv4"
)

const (
	port       = 5353
	maxPacket  = 9000 // RFC 6762 §17
	writeLimit = time.Second
)

// line is the socket, joined to the group on the interfaces of the moment it was opened.
type line struct {
	conn  *ipv4.PacketConn
	found []link // what the machine had
	links []link // and what took the group
	buf   []byte
}

// link is one interface with its own IPv4 addresses.
type link struct {
	name  string
	index int
	ips   []net.IP
}

// question is one query and where it came from.
type question struct {
	msg  *dns.Msg
	link link
	from *net.UDPAddr
}

func group() *net.UDPAddr {
	return &net.UDPAddr{IP: net.IPv4(224, 0, 0, 251), Port: port}
}

func openLine(o Options) (*line, error) {
	found, err := findLinks(o)
	if err != nil {
		return nil, err
	}
	socket, err := net.ListenUDP("udp4", group()) // a group's address makes the port shareable
	if err != nil {
		return nil, err
	}
	l := &line{conn: ipv4.NewPacketConn(socket), found: found, buf: make([]byte, maxPacket)}
	err = errors.Join(
		l.conn.SetControlMessage(ipv4.FlagInterface|ipv4.FlagDst, true),
		l.conn.SetMulticastTTL(255),
		l.conn.SetMulticastLoopback(true), // others on this machine want to hear it too
	)
	for _, k := range found {
		if e := l.conn.JoinGroup(&net.Interface{Index: k.index, Name: k.name}, group()); e != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", k.name, e))
			continue
		}
		l.links = append(l.links, k)
	}
	if len(l.links) == 0 {
		l.close()
		return nil, err
	}
	return l, nil
}

// findLinks lists where to announce, in the order of the system.
func findLinks(o Options) ([]link, error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	var out []link
	for _, i := range all {
		if !wanted(o, i) {
			continue
		}
		if ips := addressesOf(i); len(ips) > 0 {
			out = append(out, link{name: i.Name, index: i.Index, ips: ips})
		}
	}
	if len(out) == 0 {
		return nil, errors.New("no interface with an address")
	}
	return out, nil
}

func wanted(o Options, i net.Interface) bool {
	if i.Flags&net.FlagUp == 0 {
		return false
	}
	loop := i.Flags&net.FlagLoopback != 0
	if o.Loopback || loop {
		return o.Loopback && loop
	}
	if len(o.Interfaces) > 0 && !slices.Contains(o.Interfaces, i.Name) {
		return false
	}
	// A tunnel leads out of the home.
	return i.Flags&net.FlagMulticast != 0 && i.Flags&net.FlagPointToPoint == 0
}

func addressesOf(i net.Interface) []net.IP {
	if i.Flags&net.FlagLoopback != 0 {
		return []net.IP{net.IPv4(127, 0, 0, 1)}
	}
	addrs, err := i.Addrs()
	if err != nil {
		return nil
	}
	var out []net.IP
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil {
			out = append(out, n.IP.To4())
		}
	}
	return out
}

// current says whether the machine's interfaces are still those that the line was opened on.
func (l *line) current(o Options) bool {
	now, err := findLinks(o)
	return err == nil && slices.EqualFunc(now, l.found, func(a, b link) bool {
		return a.index == b.index && slices.EqualFunc(a.ips, b.ips, net.IP.Equal)
	})
}

func (l *line) close() { l.conn.Close() }

// next waits for a query to the group on one of our interfaces. What else arrives is dropped: the
// kernel hands this socket every group that any program joined, and unicast besides.
func (l *line) next() (question, error) {
	for {
		n, about, from, err := l.conn.ReadFrom(l.buf)
		if err != nil {
			return question{}, err
		}
		udp, ok := from.(*net.UDPAddr)
		if !ok || about == nil || !about.Dst.Equal(group().IP) {
			continue
		}
		at := slices.IndexFunc(l.links, func(k link) bool { return k.index == about.IfIndex })
		msg := new(dns.Msg)
		if at < 0 || msg.Unpack(l.buf[:n]) != nil || msg.Response {
			continue
		}
		return question{msg: msg, link: l.links[at], from: udp}, nil
	}
}

func (l *line) answer(q question, records map[string]*record) error {
	out := reply(q.msg, records, q.link.ips)
	if out == nil {
		return nil
	}
	to := group()
	if q.from.Port != port {
		forStranger(out, q.msg)
		to = q.from
	}
	return l.send(out, q.link, to)
}

func (l *line) announce(r *record) error {
	return l.everywhere(func(k link) []dns.RR { return r.all(k.ips) })
}

func (l *line) goodbye(r *record) error {
	return l.everywhere(func(link) []dns.RR { return r.farewell() })
}

// everywhere sends on each interface what is true there; it fails only when none takes it.
func (l *line) everywhere(say func(link) []dns.RR) error {
	var failed []error
	for _, k := range l.links {
		out := &dns.Msg{Compress: true, Answer: say(k)}
		out.Response, out.Authoritative = true, true
		if err := l.send(out, k, group()); err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", k.name, err))
		}
	}
	if len(failed) == len(l.links) {
		return fmt.Errorf("%w: %w", ErrSilent, errors.Join(failed...))
	}
	return nil
}

func (l *line) send(m *dns.Msg, k link, to *net.UDPAddr) error {
	packet, err := m.Pack()
	if err != nil {
		return err
	}
	if err := l.conn.SetWriteDeadline(time.Now().Add(writeLimit)); err != nil {
		return err
	}
	_, err = l.conn.WriteTo(packet, &ipv4.ControlMessage{IfIndex: k.index}, to)
	return err
}
