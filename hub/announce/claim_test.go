package announce

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

func TestNumberedNamesStayGood(t *testing.T) {
	long := strings.Repeat("ü", 31) + "x" // 63 bytes
	for _, tt := range []struct {
		instance string
		number   int
		want     string
	}{
		{"Ingle 1A2B", 0, "Ingle 1A2B"},
		{"Ingle 1A2B", 2, "Ingle 1A2B 2"},
		{"Ingle 1A2B", 12, "Ingle 1A2B 12"},
		{long, 2, strings.Repeat("ü", 30) + " 2"},
		{strings.Repeat("x", 60) + " yz", 2, strings.Repeat("x", 60) + " 2"},
	} {
		if got := numbered(tt.instance, tt.number); got != tt.want {
			t.Errorf("%q with %d is %q, want %q", tt.instance, tt.number, got, tt.want)
		}
		if _, err := newRecord(tt.instance, tt.number, 1, nil); err != nil {
			t.Errorf("%q with %d: %v", tt.instance, tt.number, err)
		}
	}
}

// us is this machine: it has 192.0.2.1, and another network besides.
func us() self {
	return self{
		addrs: map[netip.Addr]bool{netip.MustParseAddr("192.0.2.1"): true, netip.MustParseAddr("198.51.100.1"): true},
		names: map[string]time.Time{},
	}
}

// zone reads records as a zone file has them.
func zone(t *testing.T, lines ...string) (out []dns.RR) {
	t.Helper()
	for _, line := range lines {
		rr, err := dns.NewRR(line)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, rr)
	}
	return out
}

func TestWhoIsARival(t *testing.T) {
	records, _ := ours(t)
	old, r := records[0], records[0]
	var err error
	if r, err = newRecord("Ingle 1A2B", 0, 51827, map[string]string{"id": "A1:B2:C3:D4:E5:F6", "c#": "2"}); err != nil {
		t.Fatal(err)
	}
	r.follows(old)
	const (
		name = `Ingle\ 1A2B._hap._tcp.local. 120 IN `
		host = `ingle-1a2b.local. 120 IN `
	)
	for _, tt := range []struct {
		what  string
		said  []string
		rival string // its identity; "-" for none at all
	}{
		{"what we say", []string{name + "SRV 0 0 51827 ingle-1a2b.local.", host + "A 192.0.2.1"}, "-"},
		{"what we said before", []string{name + "SRV 0 0 51826 ingle-1a2b.local.", name + `TXT "id=A1:B2:C3:D4:E5:F6"`}, "-"},
		{"our other network, reflected", []string{host + "A 198.51.100.1"}, "-"},
		{"an older number of ours, from a proxy", []string{name + `TXT "c#=1" "id=a1:b2:c3:d4:e5:f6"`}, "-"},
		{"a goodbye", []string{strings.Replace(name, "120", "0", 1) + "SRV 0 0 1 other.local."}, "-"},
		{"somebody else", []string{`Porch._hap._tcp.local. 120 IN TXT "id=00:00:00:00:00:01"`, "porch.local. 120 IN A 192.0.2.7"}, "-"},
		{"another service of that name", []string{`Ingle\ 1A2B._http._tcp.local. 120 IN SRV 0 0 80 x.local.`}, "-"},
		{"another port", []string{name + "SRV 0 0 1 ingle-1a2b.local."}, ""},
		{"another address", []string{host + "A 192.0.2.7"}, ""},
		{"another identity", []string{"INGLE" + name[5:] + `TXT "id=00:00:00:00:00:01"`}, "00:00:00:00:00:01"},
		{"our copy", []string{host + "A 192.0.2.7", name + `TXT "id=A1:B2:C3:D4:E5:F6" "c#=2"`}, "A1:B2:C3:D4:E5:F6"},
		{"our copy, renamed", []string{`Home._hap._tcp.local. 120 IN TXT "id=A1:B2:C3:D4:E5:F6"`}, "A1:B2:C3:D4:E5:F6"},
	} {
		got := r.rivalIn(zone(t, tt.said...), us())
		switch {
		case got == nil && tt.rival != "-":
			t.Errorf("%s: no rival", tt.what)
		case got != nil && got.deviceID != tt.rival:
			t.Errorf("%s: rival %q", tt.what, got.deviceID)
		}
	}
	u := us()
	u.takes("Home._hap._tcp.local.")
	if r.rivalIn(zone(t, `Home._hap._tcp.local. 120 IN TXT "id=A1:B2:C3:D4:E5:F6"`), u) != nil {
		t.Error("a name that we gave up is a rival")
	}
	u.drops("Home._hap._tcp.local.", time.Unix(1, 0))
	if u.forgets(time.Unix(100, 0)); u.named("home._HAP._tcp.local.") {
		t.Error("a name echoes for ever")
	}
}

// Of two that probe at once exactly one waits, whatever they say.
func TestOneOfTwoYields(t *testing.T) {
	records, link := ours(t)
	a := records[0]
	other := []netip.Prefix{netip.MustParsePrefix("192.0.2.200/24")}
	for _, tt := range []struct {
		what string
		port int
		id   string
		at   []netip.Prefix
	}{
		{"another port", 80, "A1:B2:C3:D4:E5:F6", link},
		{"another identity", 51826, "00:B2:C3:D4:E5:F6", link},
		{"another address", 51826, "A1:B2:C3:D4:E5:F6", other},
	} {
		b, err := newRecord("Ingle 1A2B", 0, tt.port, map[string]string{"id": tt.id})
		if err != nil {
			t.Fatal(err)
		}
		if a.yields(b.probe(tt.at).Ns, link) == b.yields(a.probe(link).Ns, tt.at) {
			t.Errorf("%s: both yield, or none", tt.what)
		}
	}
	if a.yields(a.probe(link).Ns, link) {
		t.Error("it yields to itself")
	}
	// The address decides last, byte by byte: 192.0.2.1 is less than 192.0.2.200.
	if !a.yields(a.probe(other).Ns, link) {
		t.Error("the lesser address does not yield")
	}
}
