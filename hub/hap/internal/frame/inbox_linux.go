package frame

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// inbox looks at what the kernel holds for the reader. It allocates nothing: it
// is asked before each event.
type inbox struct {
	raw  syscall.RawConn // nil where the socket cannot tell
	look func(fd uintptr)
	n    int
}

func newInbox(socket net.Conn) *inbox {
	b := &inbox{}
	if with, ok := socket.(syscall.Conn); ok {
		b.raw, _ = with.SyscallConn()
	}
	b.look = func(fd uintptr) { b.n, _ = unix.IoctlGetInt(int(fd), unix.TIOCINQ) }
	return b
}

// pending runs under the lock of the writers.
func (b *inbox) pending() bool {
	b.n = 0
	return b.raw != nil && b.raw.Control(b.look) == nil && b.n > 0
}
