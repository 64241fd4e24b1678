package near

import (
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"
)

func answer(t testing.TB, port uint16, ttl uint32) []byte {
	t.Helper()
	name := "0123456789abcdef." + kind
	m := new(dns.Msg)
	m.Response = true
	m.Answer = []dns.RR{&dns.PTR{Hdr: dns.RR_Header{Name: kind, Rrtype: dns.TypePTR, Class: dns.ClassINET, Ttl: ttl}, Ptr: name}}
	m.Extra = []dns.RR{
		&dns.SRV{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeSRV, Class: dns.ClassINET, Ttl: ttl}, Port: port, Target: "elsewhere.example."},
		&dns.A{Hdr: dns.RR_Header{Name: "elsewhere.example.", Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: ttl}, A: []byte{8, 8, 8, 8}},
	}
	raw, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// An answer cannot send the app anywhere but to where it came from.
func TestAnAnswerSpeaksForItself(t *testing.T) {
	from := netip.MustParseAddr("192.168.1.9")
	if got := parse(from, answer(t, 8443, 120)); len(got) != 1 || got[0] != (Hub{"0123456789abcdef", "192.168.1.9:8443"}) {
		t.Errorf("found %v", got)
	}
	if got := parse(from, answer(t, 8443, 0)); got != nil {
		t.Errorf("a goodbye is %v", got)
	}
	if got := parse(from, answer(t, 0, 120)); got != nil {
		t.Errorf("no port is %v", got)
	}
}

func TestAHubThatFallsSilentIsGone(t *testing.T) {
	s, now := seen{}, time.Now()
	h := Hub{"a", "192.168.1.9:8443"}
	if !s.takes(h, now) || s.takes(h, now) || !s.takes(Hub{"b", h.Address}, now) {
		t.Error("what is new is not told once")
	}
	if s.drops(now.Add(forget)) || !s.drops(now.Add(forget+1)) || len(s.list()) != 0 {
		t.Errorf("still %v", s.list())
	}
	for i := range 2 * maxHubs {
		s.takes(Hub{"x", netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, 1}), uint16(i+1)).String()}, now)
	}
	if len(s.list()) != maxHubs {
		t.Errorf("a flood leaves %d", len(s.list()))
	}
}

// FuzzParse reads answers that anybody on the network can send.
func FuzzParse(f *testing.F) {
	raw := answer(f, 8443, 120)
	f.Add(raw)
	f.Add(raw[:len(raw)-9])
	f.Add([]byte("no DNS"))
	from := netip.MustParseAddr("192.168.1.9")
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, h := range parse(from, raw) {
			at, err := netip.ParseAddrPort(h.Address)
			if err != nil || at.Addr() != from || at.Port() == 0 || !opaque(h.ID) {
				t.Errorf("found %+v", h)
			}
		}
	})
}
