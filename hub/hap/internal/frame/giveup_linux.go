package frame

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// giveUp lets the kernel end a connection whose peer has neither acknowledged
// anything nor made room for more for 8 s. Without keepalives a phone that left
// the house would be noticed only after a quarter of an hour of retransmissions,
// and one that stopped reading only once everything that the kernel buffers is
// full. A kernel that does not know the option costs just that.
func giveUp(socket net.Conn) {
	const after = writeTimeout
	with, ok := socket.(syscall.Conn)
	if !ok {
		return
	}
	if raw, err := with.SyscallConn(); err == nil {
		raw.Control(func(fd uintptr) {
			unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(after.Milliseconds()))
		})
	}
}
