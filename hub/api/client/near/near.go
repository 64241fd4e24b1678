// Package near finds hubs on the local network by multicast DNS (RFC 6762, RFC 6763). What it finds are
// hints, which anybody on the network can make: the hub's key says which one it is.
package near

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/net/ipv4"
)

const (
	kind       = "_ingle._tcp.local."
	port       = 5353
	maxHubs    = 32
	maxRecords = 128
	maxPacket  = 9000
	often      = time.Second     // between the first questions
	seldom     = 4 * time.Second // between later ones
	eager      = 3               // questions that come often
	forget     = 3 * seldom      // after which a hub that does not answer is gone
	enough     = 1500 * time.Millisecond
)

// Hub is one that answered. ID is what it calls itself now; it says nothing of the hub.
type Hub struct{ ID, Address string }

// Look asks until ctx ends, and tells found, one call at a time, which hubs there are: at once when that
// changes.
func Look(ctx context.Context, found func([]Hub)) {
	ctx, stop := context.WithCancel(ctx)
	var work sync.WaitGroup
	defer work.Wait()
	defer stop()
	heard := make(chan Hub)
	lines := open()
	for _, l := range lines {
		work.Go(func() { l.listen(ctx, heard) })
	}
	s := seen{}
	turn := time.NewTimer(0)
	defer turn.Stop()
	for asked := 0; ; {
		select {
		case <-ctx.Done():
			return
		case h := <-heard:
			if s.takes(h, time.Now()) {
				found(s.list())
			}
		case now := <-turn.C:
			if s.drops(now) {
				found(s.list())
			}
			for _, l := range lines {
				l.ask()
			}
			wait := often
			if asked++; asked >= eager {
				wait = seldom
			}
			turn.Reset(wait)
		}
	}
}

// Addresses looks for a moment and gives where hubs answer: what client.Remote asks for.
func Addresses(ctx context.Context) (out []string) {
	ctx, cancel := context.WithTimeout(ctx, enough)
	defer cancel()
	Look(ctx, func(list []Hub) {
		out = out[:0]
		for _, h := range list {
			out = append(out, h.Address)
		}
	})
	return out
}

// seen is when each hub was last heard, by its address.
type seen map[string]sighting

type sighting struct {
	id string
	at time.Time
}

func (s seen) takes(h Hub, now time.Time) (changed bool) {
	old, known := s[h.Address]
	if !known && len(s) >= maxHubs {
		return false
	}
	s[h.Address] = sighting{h.ID, now}
	return old.id != h.ID
}

func (s seen) drops(now time.Time) (changed bool) {
	for address, one := range s {
		if now.Sub(one.at) > forget {
			delete(s, address)
			changed = true
		}
	}
	return changed
}

func (s seen) list() []Hub {
	out := make([]Hub, 0, len(s))
	for address, one := range s {
		out = append(out, Hub{one.id, address})
	}
	slices.SortFunc(out, func(a, b Hub) int { return strings.Compare(a.Address, b.Address) })
	return out
}

// line is a way onto one network, from a port of our own, so that answers come to us alone.
type line struct{ *ipv4.PacketConn }

// open gives a line for each network that carries multicast, and one for this machine.
func open() (out []line) {
	all, _ := net.Interfaces() // a machine that hides them finds nothing
	for _, i := range all {
		loop := i.Flags&net.FlagLoopback != 0
		if i.Flags&net.FlagUp == 0 || i.Flags&net.FlagPointToPoint != 0 || !loop && i.Flags&net.FlagMulticast == 0 {
			continue
		}
		if l, ok := on(i); ok {
			out = append(out, l)
		}
	}
	return out
}

func on(i net.Interface) (line, bool) {
	list, _ := i.Addrs()
	for _, a := range list {
		p, err := netip.ParsePrefix(a.String())
		if err != nil || !p.Addr().Is4() {
			continue
		}
		conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: p.Addr().AsSlice()})
		if err != nil {
			return line{}, false
		}
		l := line{ipv4.NewPacketConn(conn)}
		if l.SetMulticastInterface(&i) != nil || l.SetMulticastTTL(255) != nil || l.SetMulticastLoopback(true) != nil {
			_ = l.Close()
			return line{}, false
		}
		return l, true
	}
	return line{}, false
}

func (l line) ask() {
	q := new(dns.Msg)
	q.SetQuestion(kind, dns.TypePTR)
	q.RecursionDesired = false
	raw, err := q.Pack()
	if err != nil {
		return
	}
	_ = l.SetWriteDeadline(time.Now().Add(time.Second))
	_, _ = l.WriteTo(raw, nil, &net.UDPAddr{IP: net.IPv4(224, 0, 0, 251), Port: port}) // there is a next time
}

// listen hears answers until ctx ends.
func (l line) listen(ctx context.Context, heard chan<- Hub) {
	defer context.AfterFunc(ctx, func() { _ = l.Close() })()
	defer l.Close()
	buf := make([]byte, maxPacket)
	for {
		n, _, from, err := l.ReadFrom(buf)
		if err != nil {
			return
		}
		source, ok := from.(*net.UDPAddr)
		if !ok {
			continue
		}
		for _, h := range parse(source.AddrPort().Addr().Unmap(), buf[:n]) {
			select {
			case heard <- h:
			case <-ctx.Done():
				return
			}
		}
	}
}

// parse reads the hubs of an answer. They are where it came from, whatever it says: a hub speaks for itself.
func parse(from netip.Addr, raw []byte) (out []Hub) {
	var m dns.Msg
	if m.Unpack(raw) != nil || !m.Response {
		return nil
	}
	records := append(m.Answer, m.Extra...)
	if len(records) > maxRecords {
		return nil
	}
	for _, r := range records {
		s, ok := r.(*dns.SRV)
		if !ok || s.Port == 0 || s.Hdr.Ttl == 0 {
			continue
		}
		id, ours := strings.CutSuffix(strings.ToLower(s.Hdr.Name), "."+kind)
		if !ours || !opaque(id) {
			continue
		}
		out = append(out, Hub{id, netip.AddrPortFrom(from, s.Port).String()})
	}
	return out
}

// opaque says whether a name is one that a hub draws: it is shown to nobody, but it is compared.
func opaque(id string) bool {
	return len(id) > 0 && len(id) <= 63 && !strings.ContainsFunc(id, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && r != '-' && r != '\\' && r != ' '
	})
}
