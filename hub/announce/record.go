package announce

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/miekg/dns"
)

const (
	serviceType = "_hap._tcp.local."
	catalogName = "_services._dns-sd._udp.local." // RFC 6763 §9

	hostTTL = 120  // seconds, for records that name a host or an address (RFC 6762 §10)
	longTTL = 4500 // seconds, for all others

	flush = 1 << 15 // the cache-flush bit in the class of a record that has one owner
)

// record is one announced server, with its names in DNS presentation form.
type record struct {
	port int
	txt  map[string]string
	left int // announcements still to repeat

	name  string // Ingle\ 1A2B._hap._tcp.local.
	host  string // ingle-1a2b.local.
	texts []string
}

func newRecord(instance string, port int, txt map[string]string) (*record, error) {
	switch {
	case instance == "" || len(instance) > 63 || !utf8.ValidString(instance):
		return nil, fmt.Errorf("an instance name has 1 to 63 bytes of UTF-8, this has %d", len(instance))
	case port < 1 || port > 65535:
		return nil, fmt.Errorf("no such port: %d", port)
	}
	r := &record{port: port, txt: maps.Clone(txt), name: escape(instance, `.\`) + "." + serviceType, host: hostOf(instance)}
	for _, key := range slices.Sorted(maps.Keys(txt)) {
		text := key + "=" + txt[key]
		if key == "" || strings.Contains(key, "=") || len(text) > 255 {
			return nil, fmt.Errorf("TXT key %q: a key has no equals sign, and with its value at most 255 bytes", key)
		}
		r.texts = append(r.texts, escape(text, `\`))
	}
	if _, err := wire(r.name); err != nil {
		return nil, fmt.Errorf("instance name: %w", err)
	}
	return r, nil
}

// escape puts a backslash before each byte of special, because package dns takes names and texts
// in the form of a zone file, and writes bytes outside ASCII as numbers.
func escape(s, special string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		switch {
		case strings.IndexByte(special, c) >= 0:
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c > '~':
			fmt.Fprintf(&b, `\%03d`, c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// hostOf makes a host name from an instance name. It is our own and not the machine's, so that a
// responder which holds that one sees no conflict and does not rename the machine.
func hostOf(instance string) string {
	label := strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9':
			return c
		case c >= 'A' && c <= 'Z':
			return c + 'a' - 'A'
		}
		return '-'
	}, instance)
	label = strings.Trim(label, "-")
	if label == "" {
		label = "ingle"
	}
	return label + ".local."
}

// wire gives a name as it travels, in lower case: the only form in which two names compare.
func wire(name string) (string, error) {
	buf := make([]byte, 256)
	n, err := dns.PackDomainName(name, buf, 0, nil, false)
	if err != nil {
		return "", errors.New("does not fit a DNS name")
	}
	return string(bytes.ToLower(buf[:n])), nil
}

func head(name string, kind, class uint16, ttl uint32) dns.RR_Header {
	return dns.RR_Header{Name: name, Rrtype: kind, Class: dns.ClassINET | class, Ttl: ttl}
}

func (r *record) ptr() dns.RR {
	return &dns.PTR{Hdr: head(serviceType, dns.TypePTR, 0, longTTL), Ptr: r.name}
}

func (r *record) srv() dns.RR {
	return &dns.SRV{Hdr: head(r.name, dns.TypeSRV, flush, hostTTL), Port: uint16(r.port), Target: r.host}
}

func (r *record) text() dns.RR {
	return &dns.TXT{Hdr: head(r.name, dns.TypeTXT, flush, longTTL), Txt: r.texts}
}

func (r *record) addresses(ips []net.IP) []dns.RR {
	var out []dns.RR
	for _, ip := range ips {
		out = append(out, &dns.A{Hdr: head(r.host, dns.TypeA, flush, hostTTL), A: ip})
	}
	return out
}

// all is what an announcement says.
func (r *record) all(ips []net.IP) []dns.RR {
	return append([]dns.RR{r.ptr(), r.srv(), r.text()}, r.addresses(ips)...)
}

// farewell is what a goodbye says: the same with no time to live. The addresses are left to
// expire, since another record may share them.
func (r *record) farewell() []dns.RR {
	out := r.all(nil)
	for _, rr := range out {
		rr.Header().Ttl = 0
	}
	return out
}
