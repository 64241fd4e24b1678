package announce

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/netip"
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

// echoes bounds what a record remembers of what it said before.
const echoes = 8

// record is one announced server, with its names in DNS presentation form. It does not change: a
// new value and a new name make a new record, which shares the claim.
type record struct {
	instance string // as the hub calls it
	kind     string // _hap._tcp.local.
	number   int    // behind the announced name after a conflict, from 2 on
	port     int
	txt      map[string]string

	name  string // Ingle\ 1A2B._hap._tcp.local.
	host  string // ingle-1a2b.local.
	texts []string
	past  []dns.RR // what it said before: an echo of that is no conflict

	*claim
}

func newRecord(instance string, number, port int, txt map[string]string) (*record, error) {
	return newRecordOf(serviceType, instance, number, port, txt)
}

// kind is the type of all that is announced.
func (o Options) kind() string {
	if o.Type == "" {
		return serviceType
	}
	return o.Type + ".local."
}

func newRecordOf(kind, instance string, number, port int, txt map[string]string) (*record, error) {
	switch {
	case instance == "" || len(instance) > 63 || !utf8.ValidString(instance):
		return nil, fmt.Errorf("an instance name has 1 to 63 bytes of UTF-8, this has %d", len(instance))
	case port < 1 || port > 65535:
		return nil, fmt.Errorf("no such port: %d", port)
	}
	label := numbered(instance, number)
	r := &record{
		kind: kind, instance: instance, number: number, port: port, txt: maps.Clone(txt),
		name: escape(label, `.\`) + "." + kind, host: hostOf(label),
		claim: &claim{held: map[wayID]bool{}},
	}
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

// follows makes r the next value of old: with the same claim on the names, if these stayed.
func (r *record) follows(old *record) {
	r.claim = old.claim
	r.past = append([]dns.RR{old.srv(), old.text()}, old.past...)
	r.past = r.past[:min(len(r.past), 2*echoes)]
}

// numbered is the name that a hub takes when another has the one it wanted: "Ingle 1A2B 2". HomeKit
// refuses a name that does not end in a letter or a digit, so the usual " (2)" would break it.
func numbered(instance string, number int) string {
	if number < 2 {
		return instance
	}
	suffix := fmt.Sprintf(" %d", number)
	for len(instance)+len(suffix) > 63 {
		_, size := utf8.DecodeLastRuneInString(instance)
		instance = instance[:len(instance)-size]
	}
	return strings.TrimRight(instance, " ") + suffix
}

// label is the announced name in plain text.
func (r *record) label() string { return numbered(r.instance, r.number) }

// deviceID is the HomeKit identity, empty when there is none.
func (r *record) deviceID() string { return r.txt["id"] }

// inOrder has cameras come first: who asks a machine alone may take the first answer for the one it wants,
// and such askers are recorders (go2rtc).
func inOrder(x, y *record) int {
	return cmp.Or(cmp.Compare(y.films(), x.films()), strings.Compare(x.instance, y.instance))
}

// films is 1 for a camera and a video doorbell, by their HomeKit category.
func (r *record) films() int {
	if ci := r.txt["ci"]; ci == "17" || ci == "18" {
		return 1
	}
	return 0
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
	for i, c := range buf[:n] { // a length is never as high as a letter
		if c >= 'A' && c <= 'Z' {
			buf[i] = c + 'a' - 'A'
		}
	}
	return string(buf[:n]), nil
}

func head(name string, kind, class uint16, ttl uint32) dns.RR_Header {
	return dns.RR_Header{Name: name, Rrtype: kind, Class: dns.ClassINET | class, Ttl: ttl}
}

func (r *record) ptr() dns.RR {
	return &dns.PTR{Hdr: head(r.kind, dns.TypePTR, 0, longTTL), Ptr: r.name}
}

func (r *record) srv() dns.RR {
	return &dns.SRV{Hdr: head(r.name, dns.TypeSRV, flush, hostTTL), Port: uint16(r.port), Target: r.host}
}

func (r *record) text() dns.RR {
	return &dns.TXT{Hdr: head(r.name, dns.TypeTXT, flush, longTTL), Txt: r.texts}
}

// addresses is where the host is found on a link.
func (r *record) addresses(link []netip.Prefix) []dns.RR {
	var out []dns.RR
	for _, p := range link {
		if p.Addr().Is4() {
			out = append(out, &dns.A{Hdr: head(r.host, dns.TypeA, flush, hostTTL), A: p.Addr().AsSlice()})
			continue
		}
		out = append(out, &dns.AAAA{Hdr: head(r.host, dns.TypeAAAA, flush, hostTTL), AAAA: p.Addr().AsSlice()})
	}
	return out
}

// only says which kinds of record a name has, so that nobody waits for another (RFC 6762 §6.1).
func only(name string, kinds ...uint16) dns.RR {
	slices.Sort(kinds)
	return &dns.NSEC{Hdr: head(name, dns.TypeNSEC, flush, hostTTL), NextDomain: name, TypeBitMap: slices.Compact(kinds)}
}

// all is what an announcement says.
func (r *record) all(link []netip.Prefix) []dns.RR {
	return append([]dns.RR{r.ptr(), r.srv(), r.text()}, r.addresses(link)...)
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
