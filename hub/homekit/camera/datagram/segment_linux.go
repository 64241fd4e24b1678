package datagram

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"
)

// segmented appends the control message that has a message cut every so many bytes (udp(7)).
func segmented(b []byte, size int) []byte {
	const bytes = 2 // a uint16 in the machine's own order
	room := unix.CmsgSpace(bytes)
	if cap(b) < room {
		b = make([]byte, room)
	}
	b = b[:room]
	clear(b)
	head := (*unix.Cmsghdr)(unsafe.Pointer(&b[0]))
	head.Level, head.Type = unix.SOL_UDP, unix.UDP_SEGMENT
	head.SetLen(unix.CmsgLen(bytes))
	*(*uint16)(unsafe.Pointer(&b[unix.CmsgLen(0)])) = uint16(size)
	return b
}

// cannot tells whether an error means that the system or the network card does not cut messages.
func cannot(err error) bool {
	return errors.Is(err, unix.EIO) || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOPROTOOPT) || errors.Is(err, unix.EMSGSIZE)
}
