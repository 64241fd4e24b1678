package announce

import (
	"net"
	"net/netip"
	"slices"
	"testing"

	"github.com/miekg/dns"
)

// ours is one server on one link.
func ours(t testing.TB) ([]*record, []netip.Prefix) {
	t.Helper()
	r, err := newRecord("Ingle 1A2B", 0, 51826, map[string]string{"id": "A1:B2:C3:D4:E5:F6"})
	if err != nil {
		t.Fatal(err)
	}
	return []*record{r}, []netip.Prefix{netip.MustParsePrefix("192.0.2.1/24")}
}

func TestReply(t *testing.T) {
	records, ips := ours(t)
	tests := []struct {
		name            string
		owner           string
		kind            uint16
		answers, extras int
	}{
		{"browse", serviceType, dns.TypePTR, 1, 4},
		{"browse in capitals", "_HAP._TCP.LOCAL.", dns.TypePTR, 1, 4},
		{"which services", catalogName, dns.TypePTR, 1, 0},
		{"everything of one", `Ingle\ 1A2B.` + serviceType, dns.TypeANY, 2, 2},
		{"address", "ingle-1a2b.local.", dns.TypeA, 1, 1},
		{"address of the other family", "ingle-1a2b.local.", dns.TypeAAAA, 1, 0},
		{"a kind that a server has not", `Ingle\ 1A2B.` + serviceType, dns.TypeHINFO, 1, 0},
		{"address of another", "other.local.", dns.TypeA, 0, 0},
		{"another service", "_http._tcp.local.", dns.TypePTR, 0, 0},
		{"another kind", serviceType, dns.TypeTXT, 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out := reply(new(dns.Msg).SetQuestion(tt.owner, tt.kind), records, ips)
			if out == nil {
				out = new(dns.Msg)
			}
			if len(out.Answer) != tt.answers || len(out.Extra) != tt.extras {
				t.Errorf("answers %v\nextras %v", out.Answer, out.Extra)
			}
		})
	}
}

func TestReplyLeavesOutWhatIsKnown(t *testing.T) {
	records, ips := ours(t)
	query := new(dns.Msg).SetQuestion(serviceType, dns.TypePTR)
	known := records[0].ptr()
	query.Answer = []dns.RR{known}
	if out := reply(query, records, ips); out != nil {
		t.Errorf("a known answer is repeated: %v", out)
	}
	known.Header().Ttl = longTTL/2 - 1
	if reply(query, records, ips) == nil {
		t.Error("an answer that soon expires is not renewed")
	}
}

func TestOwnerRecordsFlushAndSharedOnesDoNot(t *testing.T) {
	records, ips := ours(t)
	for _, rr := range records[0].all(ips) {
		_, shared := rr.(*dns.PTR)
		if flushes := rr.Header().Class&flush != 0; flushes == shared {
			t.Errorf("cache-flush bit is %v in %v", flushes, rr)
		}
	}
	for _, rr := range records[0].farewell() {
		if rr.Header().Ttl != 0 {
			t.Errorf("a goodbye lives on: %v", rr)
		}
	}
}

// FuzzReply feeds whole packets, as any machine on the network can: questions, probes and answers.
func FuzzReply(f *testing.F) {
	records, link := ours(f)
	for _, name := range []string{serviceType, catalogName, `Ingle\ 1A2B.` + serviceType, "ingle-1a2b.local.", "."} {
		add(f, new(dns.Msg).SetQuestion(name, dns.TypeANY))
	}
	add(f, records[0].probe(link))
	add(f, answerWith(records[0].all(link)))
	from := &net.UDPAddr{IP: net.IPv4(192, 0, 2, 9), Port: mdnsPort}
	f.Fuzz(func(t *testing.T, raw []byte) {
		query := new(dns.Msg)
		if query.Unpack(raw) != nil {
			return
		}
		r := records[0]
		r.rivalIn(slices.Concat(query.Answer, query.Ns, query.Extra), us())
		r.yields(query.Ns, link)
		new(finding).take(r, query.Answer, &errand{self: us(), way: way{link: link1(link)}})
		out := reply(query, records, link)
		if out == nil {
			return
		}
		if wait := waitFor(packet{msg: query, from: from}, out); wait < 0 || wait > moreLatest {
			t.Errorf("an answer waits %v", wait)
		}
		if _, err := out.Pack(); err != nil {
			t.Errorf("an answer that cannot be sent: %v", err)
		}
		forStranger(out, query)
		if _, err := out.Pack(); err != nil {
			t.Errorf("an answer that cannot be sent to a stranger: %v", err)
		}
		if shorten(out); len(out.Extra) > 0 && out.Len() > maxFrame {
			t.Errorf("%d bytes", out.Len())
		}
	})
}

func add(f *testing.F, m *dns.Msg) {
	f.Helper()
	packet, err := m.Pack()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(packet)
	f.Add(packet[:len(packet)-3])
}
