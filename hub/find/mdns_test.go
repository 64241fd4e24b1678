package find

import (
	"net/url"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// FuzzParse reads answers that anybody on the network can send.
func FuzzParse(f *testing.F) {
	m := new(dns.Msg)
	m.Response = true
	head := func(kind uint16) dns.RR_Header {
		return dns.RR_Header{Name: `Porch\032Cam\@\"._rtsp._tcp.local.`, Rrtype: kind, Class: dns.ClassINET}
	}
	m.Answer = []dns.RR{&dns.SRV{Hdr: head(dns.TypeSRV), Port: 554, Target: "a.local."}, &dns.TXT{Hdr: head(dns.TypeTXT), Txt: []string{"path=/live?x=1 @"}}}
	raw, err := m.Pack()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add(raw[:len(raw)-7])
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, c := range parse("192.168.1.9", raw) {
			u, err := url.Parse(c.Address)
			if err != nil || u.Hostname() != "192.168.1.9" || u.Port() == "" || u.User != nil || u.Scheme != "rtsp" {
				t.Errorf("address %q", c.Address)
			}
			if len(c.Name) > maxName || strings.ContainsFunc(c.Name, func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Errorf("name %q", c.Name)
			}
		}
	})
}
