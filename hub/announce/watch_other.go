//go:build !linux

package announce

import (
	"context"
	"net/netip"
)

// watchLinks has nothing to watch here: the look at the interfaces every few seconds must do.
func watchLinks(context.Context, func(index int, down bool)) error { return nil }

func usableIPv6() func(netip.Addr) bool { return func(netip.Addr) bool { return true } }
