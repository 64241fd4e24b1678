package announce

import (
	"net"

	"github.com/miekg/dns"
)

// maxQuestions bounds the work that one packet can ask for; phones send a few.
const maxQuestions = 64

// reply answers one query from the records, for a phone on the network of ips. It returns nil
// when there is nothing to say: multicast questions about others get no answer at all.
func reply(query *dns.Msg, records map[string]*record, ips []net.IP) *dns.Msg {
	if query.Response || query.Opcode != dns.OpcodeQuery || len(query.Question) > maxQuestions {
		return nil
	}
	out := &dns.Msg{Compress: true}
	out.Response, out.Authoritative = true, true
	for _, q := range query.Question {
		name, err := wire(q.Name)
		if err != nil {
			continue
		}
		answerOne(out, name, q.Qtype, records, ips)
	}
	out.Answer = unknown(dns.Dedup(out.Answer, nil), query.Answer)
	if len(out.Answer) == 0 {
		return nil
	}
	out.Extra = dns.Dedup(out.Extra, nil)
	return out
}

func answerOne(out *dns.Msg, name string, kind uint16, records map[string]*record, ips []net.IP) {
	asks := func(owner string, k uint16) bool {
		w, err := wire(owner)
		return err == nil && w == name && (kind == k || kind == dns.TypeANY)
	}
	if len(records) > 0 && asks(catalogName, dns.TypePTR) {
		out.Answer = append(out.Answer, &dns.PTR{Hdr: head(catalogName, dns.TypePTR, 0, longTTL), Ptr: serviceType})
	}
	for _, r := range records {
		if asks(serviceType, dns.TypePTR) {
			out.Answer = append(out.Answer, r.ptr())
			out.Extra = append(append(out.Extra, r.srv(), r.text()), r.addresses(ips)...)
		}
		if asks(r.name, dns.TypeSRV) {
			out.Answer = append(out.Answer, r.srv())
			out.Extra = append(out.Extra, r.addresses(ips)...)
		}
		if asks(r.name, dns.TypeTXT) {
			out.Answer = append(out.Answer, r.text())
		}
		if asks(r.host, dns.TypeA) {
			out.Answer = append(out.Answer, r.addresses(ips)...)
		}
	}
}

// unknown leaves out the answers that the asker holds already, for at least half of their time
// (RFC 6762 §7.1).
func unknown(answers, known []dns.RR) []dns.RR {
	var out []dns.RR
	for _, a := range answers {
		if !holds(known, a) {
			out = append(out, a)
		}
	}
	return out
}

func holds(known []dns.RR, a dns.RR) bool {
	for _, k := range known {
		if dns.IsDuplicate(k, a) && k.Header().Ttl >= a.Header().Ttl/2 {
			return true
		}
	}
	return false
}

// forStranger turns a reply into one for an asker that speaks plain DNS from a port of its own:
// it gets its question back, no cache-flush bits, and short times to live (RFC 6762 §6.7).
func forStranger(out, query *dns.Msg) {
	out.Id, out.Question = query.Id, query.Question
	for _, rr := range append(out.Answer[:len(out.Answer):len(out.Answer)], out.Extra...) {
		h := rr.Header()
		h.Class &^= flush
		h.Ttl = min(h.Ttl, 10)
	}
}
