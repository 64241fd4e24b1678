//go:build !linux

package announce

import (
	"context"
	"errors"
	"net"
	"net/netip"
)

// watchLinks has nothing to watch here: the look at the interfaces every few seconds must do.
func watchLinks(context.Context, func(index int, down bool)) error { return nil }

func listenGroup(six bool) (*net.UDPConn, error) {
	if six {
		return net.ListenUDP("udp6", groupOf(true))
	}
	return net.ListenUDP("udp4", groupOf(false))
}

// listenDirect cannot know here whom it would take the packets from.
func listenDirect(netip.Addr) (*net.UDPConn, error) { return nil, errors.ErrUnsupported }

func usableIPv6() func(netip.Addr) bool { return func(netip.Addr) bool { return true } }
