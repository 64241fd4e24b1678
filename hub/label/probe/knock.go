package probe

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// line is one connection to a door. It can be read once and greeted in TLS once; it has no other way
// to send anything.
type line struct{ tcp *net.TCPConn }

// knock connects. The kernel holds back the last packet of the handshake, so that a door at which nothing
// is read sees two packets and its program none of them.
func knock(ctx context.Context, at netip.AddrPort) (line, State) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	d := net.Dialer{KeepAlive: -1, Control: func(_, _ string, c syscall.RawConn) error {
		return c.Control(holdBack)
	}}
	d.SetMultipathTCP(false)
	conn, err := d.DialContext(ctx, "tcp", at.String())
	switch {
	case err == nil:
		tcp := conn.(*net.TCPConn)
		_ = tcp.SetLinger(0) // one packet ends it
		return line{tcp}, Open
	case errors.Is(err, syscall.ECONNREFUSED):
		return line{}, Shut
	}
	return line{}, Silent
}

// listen reads once what the device says by itself. Reset says that the device broke off.
func (l line) listen() (banner string, reset bool) {
	buf := make([]byte, maxBanner)
	_ = l.tcp.SetReadDeadline(time.Now().Add(limit))
	n, err := l.tcp.Read(buf)
	return printable(buf[:n]), errors.Is(err, syscall.ECONNRESET)
}

func printable(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	return strings.Trim(strconv.QuoteToASCII(string(b)), `"`)
}

// hangUp ends the connection and gives the number of packets that all of it sent.
func (l line) hangUp() int {
	sent := worst
	if raw, err := l.tcp.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) {
			if n, ok := packets(fd); ok {
				sent = n
			}
		})
	}
	_ = l.tcp.Close()
	return sent + 1 // the packet that ends it
}
