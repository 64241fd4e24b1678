package frame_test

import (
	"net"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ingle-home/ingle/hub/hap/internal/frame"
)

// A phone that left the house is noticed by the kernel, without keepalives.
func TestSilentPeerIsGivenUp(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	phone, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer phone.Close()
	socket, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer frame.New(socket).Close()
	raw, err := socket.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var ms int
	if controlErr := raw.Control(func(fd uintptr) {
		ms, err = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT)
	}); controlErr != nil || err != nil || ms != 8_000 {
		t.Errorf("given up after %d ms; %v, %v", ms, controlErr, err)
	}
}
