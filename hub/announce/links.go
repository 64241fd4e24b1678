package announce

import (
	"errors"
	"maps"
	"net"
	"net/netip"
	"slices"
)

// link is one interface with its own addresses and the networks that they are in.
type link struct {
	name  string
	index int
	addrs []netip.Prefix
}

// with gives the link's addresses of one family.
func (k link) with(six bool) (out []netip.Prefix) {
	for _, p := range k.addrs {
		if p.Addr().Is6() == six {
			out = append(out, p)
		}
	}
	return out
}

// near says whether an address is on the link's own networks: only such an asker gets an answer of
// its own, or anyone could have us send packets to a third party.
func (k link) near(ip netip.Addr) bool {
	return slices.ContainsFunc(k.addrs, func(p netip.Prefix) bool { return p.Contains(ip.WithZone("")) })
}

func (k link) equal(other link) bool {
	return k.name == other.name && k.index == other.index && slices.Equal(k.addrs, other.addrs)
}

// findLinks lists where to announce, in the order of the system.
func findLinks(o Options) ([]link, error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	usable := usableIPv6()
	var out []link
	for _, i := range all {
		if !wanted(o, i) {
			continue
		}
		k := link{name: i.Name, index: i.Index}
		for _, p := range addressesOf(i) {
			if p.Addr().Is4() || (o.Both && usable(p.Addr())) {
				k.addrs = append(k.addrs, p)
			}
		}
		if len(k.addrs) > 0 {
			out = append(out, k)
		}
	}
	if len(out) == 0 {
		return nil, errors.New("no interface with an address")
	}
	return out, nil
}

func wanted(o Options, i net.Interface) bool {
	const carries = net.FlagUp | net.FlagRunning // a cable that is pulled out leaves an interface up
	if i.Flags&carries != carries {
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

func addressesOf(i net.Interface) []netip.Prefix {
	addrs, err := i.Addrs()
	if err != nil {
		return nil
	}
	out := prefixes(addrs)
	if i.Flags&net.FlagLoopback != 0 { // others may have been given to it, for a router's use
		out = slices.DeleteFunc(out, func(p netip.Prefix) bool {
			return p.Addr() != netip.AddrFrom4([4]byte{127, 0, 0, 1}) && p.Addr() != netip.IPv6Loopback()
		})
	}
	return out
}

// ownAddresses is every address of this machine, on whatever interface, and those that it had: what
// names one of them is an echo of ourselves and no other hub.
func ownAddresses(had map[netip.Addr]bool) map[netip.Addr]bool {
	own := map[netip.Addr]bool{}
	maps.Copy(own, had)
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return own
	}
	for _, p := range prefixes(addrs) {
		own[p.Addr()] = true
	}
	return own
}

func prefixes(addrs []net.Addr) (out []netip.Prefix) {
	for _, a := range addrs {
		n, ok := a.(*net.IPNet)
		if !ok {
			continue
		}
		ip, ok := netip.AddrFromSlice(n.IP)
		if ones, bits := n.Mask.Size(); ok && bits > 0 {
			out = append(out, netip.PrefixFrom(ip.Unmap(), ones))
		}
	}
	return out
}
