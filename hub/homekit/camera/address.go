package camera

import (
	"net"
	"net/netip"

	"github.com/ingle-home/ingle/hub/hap"
)

// A viewer names the address that pictures go to. They must not leave the home, nor be aimed at what
// never asked for them. So it is the one that the controller calls from, or another that the same
// device may have: of the other version of IP, or a second one of IPv6. Such a one gets reports only,
// until it has answered one of them (hearing.wait).

// inHome reports whether pictures for a controller may go to an address.
func inHome(to netip.Addr, p *hap.Peer) bool {
	remote := bare(p.Remote.Addr())
	switch {
	case to == remote:
		return true
	case to.Is4() && remote.Is4():
		return false
	case to.IsPrivate(), to.IsLinkLocalUnicast():
		return true
	case to.IsLoopback():
		return remote.IsLoopback() // else a controller could write to programs beside the hub
	}
	return to.Is6() && (sameNetwork(to, remote) || sameNetwork(to, bare(p.Local.Addr())))
}

// sameNetwork compares the first 64 bits: phones have several addresses in one IPv6 network.
func sameNetwork(a, b netip.Addr) bool {
	const bits = 64
	prefix, err := b.Prefix(bits)
	return err == nil && b.Is6() && prefix.Contains(a)
}

func bare(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

// localFor is our address on the way to a viewer: the one that its controller reached, or, where the
// viewer wants the other version of IP, the one that the system would use.
func localFor(p *hap.Peer, to netip.AddrPort) (netip.Addr, error) {
	reached := p.Local.Addr().Unmap()
	if reached.Is4() == to.Addr().Is4() {
		return reached, nil
	}
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to)) // sends nothing
	if err != nil {
		return netip.Addr{}, err
	}
	defer conn.Close()
	return conn.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap(), nil
}

// destination is where packets go to a port of the viewer's. Addresses of one link need our name for
// that link.
func (s setup) destination(local netip.Addr, port uint16) netip.AddrPort {
	to := s.address
	if to.Is6() && to.IsLinkLocalUnicast() {
		to = to.WithZone(local.Zone())
	}
	return netip.AddrPortFrom(to, port)
}
