package announce

import (
	"io"
	"log/slog"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"
)

func TestWhenAnAnswerGoesOut(t *testing.T) {
	records, link := ours(t)
	phone := &net.UDPAddr{IP: net.IPv4(192, 0, 2, 9), Port: mdnsPort}
	stranger := &net.UDPAddr{IP: phone.IP, Port: 40000}
	host := records[0].host
	for _, tt := range []struct {
		what        string
		owner       string
		kind        uint16
		from        *net.UDPAddr
		change      func(*dns.Msg)
		least, most time.Duration
	}{
		{"a browse", serviceType, dns.TypePTR, phone, nil, sharedSoonest, sharedLatest},
		{"an address", host, dns.TypeA, phone, nil, 0, 0},
		{"a stranger's browse", serviceType, dns.TypePTR, stranger, nil, 0, 0},
		{"more is known", serviceType, dns.TypePTR, phone, func(m *dns.Msg) { m.Truncated = true }, moreSoonest, moreLatest},
		{"a probe", records[0].name, dns.TypeANY, phone, func(m *dns.Msg) { m.Ns = []dns.RR{records[0].srv()} }, 0, 0},
	} {
		query := new(dns.Msg).SetQuestion(tt.owner, tt.kind)
		if tt.change != nil {
			tt.change(query)
		}
		wait := waitFor(packet{msg: query, from: tt.from}, reply(query, records, link))
		if wait < tt.least || wait > tt.most {
			t.Errorf("%s waits %v", tt.what, wait)
		}
	}
}

func TestNothingIsSaidTwiceASecond(t *testing.T) {
	records, link := ours(t)
	all := records[0].all(link)
	p, here, there := pace{}, wayID{index: 1}, wayID{index: 2}
	now := time.Unix(1000, 0)
	p.note(here, all[:2], now)
	if got := p.fresh(here, all, now.Add(999*time.Millisecond), saidGap); len(got) != len(all)-2 {
		t.Errorf("within a second %v is said", got)
	}
	if len(p.fresh(here, all, now.Add(time.Second), saidGap)) != len(all) || len(p.fresh(there, all, now, saidGap)) != len(all) {
		t.Error("later, or elsewhere, it is not said")
	}
	for n := range 5 * maxSaid {
		p[said{way: wayID{index: n}}] = now
	}
	if p.note(here, all, now.Add(time.Hour)); len(p) != len(all) {
		t.Errorf("%d records are remembered", len(p))
	}
}

func TestWhoGetsAnAnswerAlone(t *testing.T) {
	records, link := ours(t)
	a := &Announcer{log: slog.New(slog.NewTextHandler(io.Discard, nil)), self: us(), pace: pace{}}
	w := way{&line{}, link1(link)}
	query := new(dns.Msg).SetQuestion(records[0].host, dns.TypeA)
	query.Question[0].Qclass |= flush
	out := reply(query, records, link)
	phone := packet{msg: query, way: w, from: &net.UDPAddr{IP: net.IPv4(192, 0, 2, 9), Port: mdnsPort}}
	now := time.Unix(1000, 0)
	if a.alone(phone, out, now) {
		t.Error("the others have not heard it yet")
	}
	a.pace.note(w.id(), out.Answer, now)
	if !a.alone(phone, out, now.Add(29*time.Second)) {
		t.Error("all have heard it, still it is said to all")
	}
	if a.alone(phone, out, now.Add(30*time.Second)) { // a quarter of the time to live
		t.Error("the others may soon forget it")
	}
	neighbour := phone
	neighbour.from = &net.UDPAddr{IP: net.IPv4(192, 0, 2, 1), Port: mdnsPort}
	if a.alone(neighbour, out, now.Add(time.Second)) {
		t.Error("an answer to one on this machine may reach another")
	}
	query.Question = append(query.Question, dns.Question{Name: records[0].host, Qtype: dns.TypeA, Qclass: dns.ClassINET})
	if a.alone(phone, out, now.Add(time.Second)) {
		t.Error("one question is for all")
	}
}

// A long list of known answers comes in several packets; only then it is answered.
func TestKnownAnswersInSeveralPackets(t *testing.T) {
	records, link := ours(t)
	r := records[0]
	w := way{&line{}, link1(link)}
	r.held[w.id()] = true
	a := &Announcer{records: map[string]*record{r.instance: r}, self: us(), pace: pace{}, wake: make(chan struct{}, 1)}
	from := &net.UDPAddr{IP: net.IPv4(192, 0, 2, 9), Port: mdnsPort}
	query := new(dns.Msg).SetQuestion(serviceType, dns.TypePTR)
	query.Truncated = true
	now := time.Unix(1000, 0)
	a.asks(packet{msg: query, way: w, from: from}, now)
	if len(a.later) != 1 {
		t.Fatalf("%d questions wait", len(a.later))
	}
	a.asks(packet{msg: &dns.Msg{Answer: []dns.RR{r.ptr()}}, way: w, from: &net.UDPAddr{IP: net.IPv4(192, 0, 2, 8), Port: mdnsPort}}, now)
	if a.reply(a.later[0].packet) == nil {
		t.Error("what another knows counts")
	}
	a.asks(packet{msg: &dns.Msg{Answer: []dns.RR{r.ptr()}}, way: w, from: from}, now)
	if a.answerDue(now.Add(time.Second)); len(a.later) != 0 { // would write to no socket
		t.Error("the question still waits")
	}
}

func link1(addrs []netip.Prefix) link { return link{name: "house", index: 1, addrs: addrs} }
