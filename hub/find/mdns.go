package find

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/miekg/dns"

	"github.com/ingle-home/ingle/accessories/device"
)

const (
	group   = "224.0.0.251:5353" // of multicast DNS (RFC 6762)
	rtsp    = "_rtsp._tcp.local."
	guessed = "rtsp" // the driver of what is found this way

	toUs = 1 << 15 // in the class of a question: the answer shall not go to the whole group (RFC 6762, 5.4)

	maxRecords = 128 // of one answer
	maxName    = 63
)

// cameras asks for RTSP servers by DNS-SD (RFC 6763), from a port of our own, so that the answers come to
// us alone.
func cameras(ctx context.Context, n device.Net, found func(device.Candidate)) error {
	m, ok := n.(device.Multicaster)
	if !ok {
		return device.ErrUnsupported
	}
	q := new(dns.Msg)
	q.SetQuestion(rtsp, dns.TypePTR)
	q.Id, q.RecursionDesired = 0, false
	q.Question[0].Qclass |= toUs
	raw, err := q.Pack()
	if err != nil {
		return fmt.Errorf("find: dns-sd: %w", err)
	}
	return m.Multicast(ctx, group, raw, func(from string, answer []byte) {
		for _, c := range parse(from, answer) {
			found(c)
		}
	})
}

// parse reads the RTSP servers of an answer. They are where the answer came from, whatever it says: a
// device speaks for itself.
func parse(from string, raw []byte) []device.Candidate {
	var m dns.Msg
	if m.Unpack(raw) != nil || !m.Response {
		return nil
	}
	records := append(m.Answer, m.Extra...)
	if len(records) > maxRecords {
		return nil
	}
	paths := map[string]string{}
	for _, r := range records {
		if t, ok := r.(*dns.TXT); ok {
			paths[strings.ToLower(t.Hdr.Name)] = pathOf(t.Txt)
		}
	}
	var list []device.Candidate
	for _, r := range records {
		s, ok := r.(*dns.SRV)
		if !ok || s.Port == 0 {
			continue
		}
		instance, ours := strings.CutSuffix(strings.ToLower(s.Hdr.Name), "."+rtsp)
		if !ours || instance == "" {
			continue
		}
		address := "rtsp://" + net.JoinHostPort(from, strconv.Itoa(int(s.Port))) + paths[strings.ToLower(s.Hdr.Name)]
		list = append(list, device.Candidate{Driver: guessed, Name: spoken(s.Hdr.Name[:len(instance)]), Address: address})
	}
	return list
}

// pathOf is where the stream is, as the server says it in its TXT record.
func pathOf(txt []string) string {
	for _, t := range txt {
		if p, ok := strings.CutPrefix(t, "path="); ok && len(p) <= 256 && !strings.ContainsAny(p, "@\\ \t\r\n?#") {
			return "/" + strings.TrimLeft(p, "/")
		}
	}
	return "/"
}

// spoken is an instance name in plain letters: what is escaped, or is none, becomes a space.
func spoken(label string) string {
	var b strings.Builder
	for i := 0; i < len(label) && b.Len() < maxName; i++ {
		c := label[i]
		switch {
		case c == '\\' && i+3 < len(label) && label[i+1] >= '0' && label[i+1] <= '9':
			i += 3
			c = ' '
		case c == '\\' && i+1 < len(label):
			i++
			c = label[i]
		}
		if c < ' ' || c >= 0x7f {
			c = ' '
		}
		b.WriteByte(c)
	}
	return strings.Join(strings.Fields(b.String()), " ")
}
