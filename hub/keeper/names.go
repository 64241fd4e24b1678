package keeper

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"github.com/miekg/dns"

	"github.com/ingle-home/ingle/accessories/device"
)

const (
	namesGroup = "224.0.0.251:5353" // of multicast DNS (RFC 6762)
	toUs       = 1 << 15            // in the class of a question: the answer shall not go to the whole group (5.4)
	maxNames   = 64                 // records that are looked at
)

// resolve finds the address of a host without asking any name server: what is called at home would be known
// to whoever runs it. Names that end in .local are asked for at home; others but localhost are refused.
func (l *LAN) resolve(ctx context.Context, host string) (netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return a.Unmap(), nil
	}
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	switch {
	case name == "localhost":
		return netip.AddrFrom4([4]byte{127, 0, 0, 1}), nil
	case !strings.HasSuffix(name, ".local") || len(name) > 253:
		return netip.Addr{}, fmt.Errorf("%w: names are asked for at home only", device.Because("outside", device.ErrRefused))
	}
	return l.ask(ctx, dns.Fqdn(name))
}

// ask asks the home network who has a name, and believes only addresses at home.
func (l *LAN) ask(ctx context.Context, name string) (netip.Addr, error) {
	q := new(dns.Msg)
	q.SetQuestion(name, dns.TypeA)
	q.Id, q.RecursionDesired = 0, false
	q.Question[0].Qclass |= toUs
	raw, err := q.Pack()
	if err != nil {
		return netip.Addr{}, fmt.Errorf("%w: %w", device.ErrRefused, err)
	}
	asking, enough := context.WithCancel(ctx)
	defer enough()
	var found netip.Addr
	err = l.Multicast(asking, namesGroup, raw, func(_ string, answer []byte) {
		if a, ok := addressOf(answer, name); ok && !found.IsValid() {
			found = a
			enough()
		}
	})
	if found.IsValid() {
		return found, nil
	} else if err == nil {
		err = fmt.Errorf("%w: nobody at home has this name", device.ErrUnreachable)
	}
	return netip.Addr{}, err
}

// addressOf reads an answer of multicast DNS.
func addressOf(raw []byte, name string) (netip.Addr, bool) {
	var m dns.Msg
	if m.Unpack(raw) != nil || !m.Response || len(m.Answer) > maxNames {
		return netip.Addr{}, false
	}
	for _, r := range m.Answer {
		if a, ok := r.(*dns.A); ok && strings.EqualFold(a.Hdr.Name, name) {
			if at, ok := netip.AddrFromSlice(a.A); ok && atHome(at.Unmap()) {
				return at.Unmap(), true
			}
		}
	}
	return netip.Addr{}, false
}
