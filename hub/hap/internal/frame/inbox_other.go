//go:build !linux

package frame

import "net"

// inbox is for Linux only.
type inbox struct{}

func newInbox(net.Conn) *inbox { return nil }

func (*inbox) pending() bool { return false }
