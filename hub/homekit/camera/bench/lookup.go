package main

import (
	"net"

	"github.com/miekg/dns"
)

// lookups answers go2rtc, which asks a host that it knows where its server is (multicast DNS, RFC 6762,
// 5.5) before each stream. It waits for a second where nobody answers, which says nothing about cameras.
func lookups(s server) (*net.UDPConn, error) {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 5353})
	if err != nil {
		return nil, err
	}
	at, err := net.ResolveTCPAddr("tcp", s.Address)
	if err != nil {
		return nil, err
	}
	go func() { // until conn is closed
		buffer := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFromUDP(buffer)
			if err != nil {
				return
			}
			var question dns.Msg
			if question.Unpack(buffer[:n]) != nil {
				continue
			}
			if raw, err := answer(&question, at, s.DeviceID).Pack(); err == nil {
				_, _ = conn.WriteToUDP(raw, from) // it asks again
			}
		}
	}()
	return conn, nil
}

func answer(question *dns.Msg, at *net.TCPAddr, id string) *dns.Msg {
	const kind, name, host = "_hap._tcp.local.", "Porch._hap._tcp.local.", "porch.local."
	head := func(name string, typ uint16) dns.RR_Header {
		return dns.RR_Header{Name: name, Rrtype: typ, Class: dns.ClassINET, Ttl: 10}
	}
	m := new(dns.Msg)
	m.SetReply(question)
	m.Answer = []dns.RR{&dns.PTR{Hdr: head(kind, dns.TypePTR), Ptr: name}}
	m.Extra = []dns.RR{
		&dns.SRV{Hdr: head(name, dns.TypeSRV), Port: uint16(at.Port), Target: host},
		&dns.TXT{Hdr: head(name, dns.TypeTXT), Txt: []string{"id=" + id}},
		&dns.A{Hdr: head(host, dns.TypeA), A: at.IP},
	}
	return m
}
