package announce_test

import (
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// hear returns the next multicast message about the token.
func hear(t *testing.T, group *net.UDPConn, token string) *dns.Msg {
	t.Helper()
	group.SetReadDeadline(time.Now().Add(15 * time.Second))
	buf := make([]byte, 9000)
	for {
		n, err := group.Read(buf)
		if err != nil {
			t.Fatalf("nothing was said: %v", err)
		}
		m := new(dns.Msg)
		if m.Unpack(buf[:n]) == nil && m.Response && strings.Contains(m.String(), token) {
			return m
		}
	}
}

func TestSpeaksUnasked(t *testing.T) {
	t.Parallel()
	group, err := net.ListenMulticastUDP("udp4", loopback(t), &net.UDPAddr{IP: net.IPv4(224, 0, 0, 251), Port: 5353})
	if err != nil {
		t.Skipf("this machine's loopback takes no multicast: %v", err)
	}
	defer group.Close()
	a, id := onLoopback(t), token()
	set(t, a, "Ingle "+id, 51826, txt(id, "1", "1"))
	for n := range 3 { // once, and two repetitions for those who missed it
		m := hear(t, group, id)
		if len(find[*dns.PTR](m)) != 1 || len(find[*dns.SRV](m)) != 1 || len(find[*dns.TXT](m)) != 1 || len(find[*dns.A](m)) != 1 {
			t.Errorf("announcement %d is %v", n, m)
		}
	}
	set(t, a, "Ingle "+id, 51826, txt(id, "1", "1")) // said already
	set(t, a, "Ingle "+id, 51826, txt(id, "2", "0"))
	if m := hear(t, group, id); !strings.Contains(m.String(), `"c#=2"`) {
		t.Errorf("after a change it says %v", m)
	}
	a.Remove("Ingle " + id)
	for left := true; left; { // a repetition may come first
		left = slices.ContainsFunc(hear(t, group, id).Answer, func(rr dns.RR) bool { return rr.Header().Ttl != 0 })
	}
}
