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
		{"who asks us alone", serviceType, dns.TypePTR, phone, nil, 0, 0},
		{"a probe", records[0].name, dns.TypeANY, phone, func(m *dns.Msg) { m.Ns = []dns.RR{records[0].srv()} }, 0, 0},
	} {
		query := new(dns.Msg).SetQuestion(tt.owner, tt.kind)
		if tt.change != nil {
			tt.change(query)
		}
		p := packet{msg: query, from: tt.from}
		if tt.what == "who asks us alone" {
			p.to = link[0].Addr()
		}
		wait := waitFor(p, reply(query, records, link))
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
	direct := phone
	direct.to, direct.msg = link[0].Addr(), new(dns.Msg).SetQuestion(records[0].host, dns.TypeA)
	if !a.alone(direct, out, now.Add(time.Second)) {
		t.Error("it asked nobody else")
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

// What is sent to this machine alone must be a question, from the network that it came by.
func TestWhoMayAskThisMachineAlone(t *testing.T) {
	_, addrs := ours(t)
	question := new(dns.Msg).SetQuestion(serviceType, dns.TypePTR)
	response := question.Copy()
	response.Response = true
	for _, tt := range []struct {
		what     string
		msg      *dns.Msg
		from, to string
		want     bool
	}{
		{"a neighbour", question, "192.0.2.9", "192.0.2.1", true},
		{"a neighbour who asks our other address", question, "192.0.2.9", "198.51.100.1", true},
		{"this machine", question, "198.51.100.1", "192.0.2.1", true},
		{"a stranger", question, "203.0.113.9", "192.0.2.1", false},
		{"who asks everybody", question, "192.0.2.9", "192.0.2.255", false},
		{"an answer", response, "192.0.2.9", "192.0.2.1", false},
		{"no question", new(dns.Msg), "192.0.2.9", "192.0.2.1", false},
	} {
		a := &Announcer{self: us()}
		p := packet{
			msg: tt.msg, way: way{&line{}, link1(addrs)}, to: netip.MustParseAddr(tt.to),
			from: &net.UDPAddr{IP: net.ParseIP(tt.from), Port: 40000},
		}
		if got := a.admits(p, time.Unix(1000, 0)); got != tt.want {
			t.Errorf("%s: %v", tt.what, got)
		}
	}
}

func TestAnswersToOneAreBounded(t *testing.T) {
	var gate toll
	asker, now := netip.MustParseAddr("192.0.2.9"), time.Unix(1000, 0)
	passed := 0
	for range 10 * maxTold {
		if gate.pass(asker, now) {
			passed++
		}
	}
	if passed != maxTold {
		t.Errorf("one gets %d answers in a second", passed)
	}
	others := 1
	for n := range byte(255) {
		if gate.pass(netip.AddrFrom4([4]byte{10, 0, 0, n}), now) {
			others++
		}
	}
	if others != maxAskers || len(gate.told) != maxAskers {
		t.Errorf("%d get answers in a second, %d are remembered", others, len(gate.told))
	}
	if !gate.pass(asker, now.Add(time.Second)) {
		t.Error("nobody is answered in the next second")
	}
}

// An answer fits into one frame; the first of many servers is complete in it.
func TestManyServersFitIntoOneFrame(t *testing.T) {
	w := way{&line{}, link1([]netip.Prefix{netip.MustParsePrefix("192.0.2.1/24")})}
	a := &Announcer{records: map[string]*record{}}
	for n := range 12 {
		name := "Camera " + string(rune('A'+n))
		r, err := newRecord(name, 0, 51826+n, map[string]string{"id": "A1:B2:C3:D4:E5:F6", "md": "Ingle", "sh": "QWgcIg==", "ci": "2"})
		if err != nil {
			t.Fatal(err)
		}
		if n == 7 {
			r.txt["ci"] = "18"
		}
		r.held[w.id()] = true
		a.records[name] = r
	}
	query := new(dns.Msg).SetQuestion(serviceType, dns.TypePTR)
	out := a.reply(packet{msg: query, way: w})
	forStranger(out, query)
	if out.Len() <= maxFrame {
		t.Fatal("so many servers fit anyway")
	}
	shorten(out)
	packed, err := out.Pack()
	if err != nil || len(packed) > maxFrame || len(out.Answer) != 12 || len(out.Extra) < 4 {
		t.Errorf("%d bytes, %d answers, %d more, %v", len(packed), len(out.Answer), len(out.Extra), err)
	}
	first := out.Answer[0].(*dns.PTR).Ptr
	if first != "Camera H."+serviceType || out.Extra[0].Header().Name != first {
		t.Errorf("first comes %s with %v, want the doorbell", first, out.Extra[0])
	}
}
