package probe

import "golang.org/x/sys/unix"

// holdBack has the kernel not send the last packet of a handshake by itself. It only saves a packet.
func holdBack(fd uintptr) { _ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK, 0) }

// packets is the number that a connection has sent.
func packets(fd uintptr) (int, bool) {
	info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil {
		return 0, false
	}
	return int(info.Segs_out), true
}
