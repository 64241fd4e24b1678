package announce

import (
	"bytes"
	"net/netip"
	"slices"

	"github.com/miekg/dns"
)

// maxQuestions bounds the work that one packet can ask for; phones send a few.
const maxQuestions = 64

const maxFrame = 1440 // bytes of a message, within 1500 with the headers of IPv6

// reply answers one query from the records, for a phone on the networks of link. It returns nil
// when there is nothing to say: multicast questions about others get no answer at all.
func reply(query *dns.Msg, records []*record, link []netip.Prefix) *dns.Msg {
	if query.Response || query.Opcode != dns.OpcodeQuery || len(query.Question) > maxQuestions {
		return nil
	}
	out := answerWith(nil)
	for _, q := range query.Question {
		name, err := wire(q.Name)
		if err != nil {
			continue
		}
		asked := asked{name, q.Qtype}
		if len(records) > 0 && asked.about(catalogName) && asked.wants(dns.TypePTR) {
			out.Answer = append(out.Answer, &dns.PTR{Hdr: head(catalogName, dns.TypePTR, 0, longTTL), Ptr: records[0].kind})
		}
		for _, r := range records {
			asked.answer(out, r, link)
		}
	}
	out.Answer = unknown(dns.Dedup(out.Answer, nil), query.Answer)
	if len(out.Answer) == 0 {
		return nil
	}
	out.Extra = slices.DeleteFunc(dns.Dedup(out.Extra, nil), func(rr dns.RR) bool { return holds(out.Answer, rr) })
	return out
}

// asked is one question, its name in wire form.
type asked struct {
	name string
	kind uint16
}

func (q asked) about(owner string) bool {
	w, err := wire(owner)
	return err == nil && w == q.name
}

func (q asked) wants(kind uint16) bool { return q.kind == kind || q.kind == dns.TypeANY }

func (q asked) answer(out *dns.Msg, r *record, link []netip.Prefix) {
	if q.about(r.kind) && q.wants(dns.TypePTR) {
		out.Answer = append(out.Answer, r.ptr())
		out.Extra = append(append(out.Extra, r.srv(), r.text()), r.place(link)...)
	}
	if q.about(r.name) {
		if q.wants(dns.TypeSRV) {
			out.Answer = append(out.Answer, r.srv())
			out.Extra = append(out.Extra, r.place(link)...)
		}
		if q.wants(dns.TypeTXT) {
			out.Answer = append(out.Answer, r.text())
		}
		if !q.wants(dns.TypeSRV) && !q.wants(dns.TypeTXT) {
			out.Answer = append(out.Answer, only(r.name, dns.TypeTXT, dns.TypeSRV))
		}
	}
	if q.about(r.host) {
		q.answerHost(out, r, link)
	}
}

// answerHost gives the addresses that were asked for, and says what else there is or is not: Apple's
// devices ask for both families and wait for both.
func (q asked) answerHost(out *dns.Msg, r *record, link []netip.Prefix) {
	found := false
	for _, rr := range r.addresses(link) {
		if q.wants(rr.Header().Rrtype) {
			out.Answer = append(out.Answer, rr)
			found = true
		}
	}
	if found {
		out.Extra = append(out.Extra, r.place(link)...)
		return
	}
	if kinds := kindsOf(r.addresses(link)); len(kinds) > 0 {
		out.Answer = append(out.Answer, only(r.host, kinds...))
	}
}

// place is a host's addresses, with the word that there are no others if one family has none.
func (r *record) place(link []netip.Prefix) []dns.RR {
	out := r.addresses(link)
	if kinds := kindsOf(out); len(kinds) == 1 {
		out = append(out, only(r.host, kinds...))
	}
	return out
}

func kindsOf(records []dns.RR) (kinds []uint16) {
	seen := map[uint16]bool{}
	for _, rr := range records {
		if k := rr.Header().Rrtype; !seen[k] {
			seen[k] = true
			kinds = append(kinds, k)
		}
	}
	return kinds
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
		if same(k, a) && k.Header().Ttl >= a.Header().Ttl/2 {
			return true
		}
	}
	return false
}

// same compares two records as they travel, without their times to live and without the cache-flush
// bit, which neither a known answer nor a probe has.
func same(a, b dns.RR) bool {
	if a.Header().Rrtype != b.Header().Rrtype {
		return false
	}
	ownerA, errA := wire(a.Header().Name)
	ownerB, errB := wire(b.Header().Name)
	return errA == nil && errB == nil && ownerA == ownerB && bytes.Equal(rank(a), rank(b))
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

// shorten leaves out the last of what was not asked for, until the packet fits into one frame of a network:
// askers have no room for more.
func shorten(out *dns.Msg) {
	for len(out.Extra) > 0 && out.Len() > maxFrame {
		out.Extra = out.Extra[:len(out.Extra)-1]
	}
}
