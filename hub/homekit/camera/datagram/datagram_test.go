package datagram_test

import (
	"bytes"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/homekit/camera/datagram"
)

func socket(t *testing.T, address string) *net.UDPConn {
	t.Helper()
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort(address)))
	if err != nil {
		t.Skip(err) // no IPv6 here
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// Whatever the sizes are, each datagram arrives as it was, in order.
func TestDatagramsArriveAsTheyWere(t *testing.T) {
	full := func(n int) (sizes []int) {
		for range n {
			sizes = append(sizes, 1378)
		}
		return sizes
	}
	for name, sizes := range map[string][]int{
		"none":                     nil,
		"one":                      {700},
		"a picture":                append(full(12), 500),
		"parameter sets before it": append(append([]int{40, 12, 60}, full(5)...), 1),
		"smaller and larger":       {100, 100, 50, 50, 100, 200, 200, 199, 200},
		"more than one message":    append(full(70), 77),
	} {
		for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
			t.Run(name+" "+address, func(t *testing.T) {
				in := socket(t, address)
				s := datagram.Sender{Conn: socket(t, address)}
				var all []byte
				for i, n := range sizes {
					all = append(all, bytes.Repeat([]byte{byte(i + 1)}, n)...)
				}
				sent := make(chan error, 1)
				go func() { sent <- s.Send(in.LocalAddr().(*net.UDPAddr).AddrPort(), all, sizes) }()
				buffer := make([]byte, 2000)
				_ = in.SetReadDeadline(time.Now().Add(20 * time.Second))
				for i, want := range sizes {
					n, err := in.Read(buffer)
					if err != nil || n != want || buffer[0] != byte(i+1) || buffer[n-1] != byte(i+1) {
						t.Fatalf("datagram %d has %d bytes of %d, want %d of %d: %v", i, n, buffer[0], want, i+1, err)
					}
				}
				if err := <-sent; err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// A closed socket is an error, one by one and together.
func TestAClosedSocket(t *testing.T) {
	in := socket(t, "127.0.0.1:0")
	s := datagram.Sender{Conn: socket(t, "127.0.0.1:0")}
	_ = s.Conn.Close()
	for _, sizes := range [][]int{{10}, {10, 10, 10}} {
		if err := s.Send(in.LocalAddr().(*net.UDPAddr).AddrPort(), make([]byte, 30), sizes); err == nil {
			t.Errorf("%v: no error", sizes)
		}
	}
}
