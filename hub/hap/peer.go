package hap

import (
	"net/netip"
	"sync/atomic"
)

// Peer is the controller at the other end of one connection. The exported
// fields do not change while the connection lives.
type Peer struct {
	Number        uint64 // of the connection, unique within the process
	Controller    string // pairing identifier
	Local, Remote netip.AddrPort
	Secret        []byte // X25519 secret of pair-verify

	admin atomic.Bool
	done  chan struct{}
}

// Admin reports whether the controller may change pairings; it can change
// during the life of a connection.
func (p *Peer) Admin() bool { return p.admin.Load() }

// Done is closed when the connection has ended; nil on a Peer made by hand.
func (p *Peer) Done() <-chan struct{} { return p.done }
