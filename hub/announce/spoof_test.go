package announce_test

import (
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/ipv4"

	"github.com/ingle-home/ingle/hub/announce"
	"github.com/miekg/dns"
)

// impostor is another host that speaks to the group.
type impostor struct{ *net.UDPConn }

func meet(t *testing.T) impostor {
	t.Helper()
	conn, err := net.ListenMulticastUDP("udp4", loopback(t), &net.UDPAddr{IP: net.IPv4(224, 0, 0, 251), Port: 5353})
	if err != nil {
		t.Skipf("this machine's loopback takes no multicast: %v", err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := ipv4.NewPacketConn(conn).SetMulticastLoopback(true); err != nil {
		t.Fatal(err)
	}
	return impostor{conn}
}

func (n impostor) say(t *testing.T, m *dns.Msg) {
	t.Helper()
	packet, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.WriteTo(packet, &net.UDPAddr{IP: net.IPv4(224, 0, 0, 251), Port: 5353}); err != nil {
		t.Fatal(err)
	}
}

// A neighbour who says goodbye for the hub is contradicted before phones forget it.
func TestAGoodbyeOfAnotherIsContradicted(t *testing.T) {
	t.Parallel()
	n := meet(t)
	a, id := onLoopback(t), token()
	set(t, a, "Ingle "+id, 51826, txt(id, "1", "1"))
	var said *dns.Msg
	for range 3 { // the announcement and its repetitions
		said = hear(t, n.UDPConn, id)
	}
	for _, ttl := range []uint32{0, 1} {
		bye := said.Copy()
		for _, rr := range bye.Answer {
			rr.Header().Ttl = ttl
		}
		n.say(t, bye)
		for silent := true; silent; {
			m := hear(t, n.UDPConn, id)
			silent = len(find[*dns.PTR](m)) == 0 || find[*dns.PTR](m)[0].Hdr.Ttl <= 1
		}
	}
}

// Who takes every name keeps the hub from being found: nothing helps but to tell people.
func TestWhoTakesEveryNameIsTold(t *testing.T) {
	t.Parallel()
	n := meet(t)
	told := make(chan []announce.Condition, 64)
	a := announce.New(announce.Options{Loopback: true, Report: func(c []announce.Condition) { told <- c }})
	t.Cleanup(func() { a.Close() })
	id := token()
	set(t, a, "Ingle "+id, 51826, txt(id, "1", "1"))
	go func() { // until the socket is closed
		buf := make([]byte, 9000)
		for {
			size, err := n.Read(buf)
			if err != nil {
				return
			}
			m := new(dns.Msg)
			if m.Unpack(buf[:size]) != nil || m.Response {
				continue
			}
			for _, rr := range m.Ns {
				if srv, ok := rr.(*dns.SRV); ok && strings.Contains(srv.Hdr.Name, id) { // others test on this network too
					srv.Port, srv.Target = 1, "other.local."
					taken := new(dns.Msg)
					taken.Response, taken.Answer = true, []dns.RR{srv}
					if packet, err := taken.Pack(); err == nil {
						n.WriteTo(packet, &net.UDPAddr{IP: net.IPv4(224, 0, 0, 251), Port: 5353})
					}
				}
			}
		}
	}()
	limit := time.After(2 * time.Minute)
	for trouble := ""; trouble != announce.TroubleContested; {
		select {
		case c := <-told:
			if len(c) > 0 {
				trouble = c[0].Trouble
			}
		case <-limit:
			t.Fatal("nobody was told")
		}
	}
}
