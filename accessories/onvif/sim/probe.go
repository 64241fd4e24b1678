package sim

import (
	"encoding/xml"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
)

const maxProbe = 64 << 10 // bytes

// answerProbes listens for WS-Discovery on loopback, and for its group where that is asked for.
func (s *Sim) answerProbes() error {
	var err error
	if s.probe, err = net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}); err != nil {
		return fmt.Errorf("onvif sim: %w", err)
	}
	s.work.Go(func() { s.answerAt(s.probe) })
	if !s.opts.Multicast {
		return nil
	}
	links, err := net.Interfaces()
	if err != nil {
		return fmt.Errorf("onvif sim: %w", err)
	}
	for _, link := range links {
		if link.Flags&net.FlagUp == 0 || link.Flags&net.FlagMulticast == 0 || link.Flags&net.FlagLoopback != 0 || !hasIPv4(link) {
			continue
		}
		s.group, err = net.ListenMulticastUDP("udp4", &link, &net.UDPAddr{IP: net.IPv4(239, 255, 255, 250), Port: 3702})
		if err != nil {
			return fmt.Errorf("onvif sim: %w", err)
		}
		s.work.Go(func() { s.answerAt(s.group) })
		return nil
	}
	return fmt.Errorf("onvif sim: no network that carries multicasts")
}

// hasIPv4 leaves out the far end of a pair of links: it hears the group too, and the kernel drops there
// what comes from ourselves.
func hasIPv4(link net.Interface) bool {
	addrs, err := link.Addrs()
	return err == nil && slices.ContainsFunc(addrs, func(a net.Addr) bool {
		ip, _, err := net.ParseCIDR(a.String())
		return err == nil && ip.To4() != nil
	})
}

func (s *Sim) answerAt(socket *net.UDPConn) {
	buf := make([]byte, maxProbe)
	for {
		n, from, err := socket.ReadFromUDP(buf)
		if err != nil {
			return // closed
		}
		var envelope element
		if xml.Unmarshal(buf[:n], &envelope) != nil || envelope.get("Body", "Probe") == nil {
			continue
		}
		types := envelope.str("Body", "Probe", "Types")
		if types != "" && !strings.Contains(types, "NetworkVideoTransmitter") {
			continue
		}
		s.mu.Lock()
		s.state.Probes++
		answer := s.match(envelope.str("Header", "MessageID"))
		s.mu.Unlock()
		_, _ = socket.WriteToUDP([]byte(answer), from) // it asks again
	}
}

// scopes is what the camera says of itself.
func (s *Sim) scopes() string {
	return "onvif://www.onvif.org/type/video_encoder onvif://www.onvif.org/Profile/Streaming onvif://www.onvif.org/hardware/" +
		url.PathEscape(s.opts.Model) + " onvif://www.onvif.org/name/" + url.PathEscape(s.opts.Name)
}

// match writes a ProbeMatches. Callers hold mu.
func (s *Sim) match(asked string) string {
	return fmt.Sprintf(`<?xml version="1.0" encoding="UTF-8"?><env:Envelope xmlns:env="http://www.w3.org/2003/05/soap-envelope"`+
		` xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"`+
		` xmlns:dn="http://www.onvif.org/ver10/network/wsdl"><env:Header><a:MessageID>urn:uuid:%s</a:MessageID><a:RelatesTo>%s</a:RelatesTo>`+
		`<a:To>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:To><a:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/ProbeMatches</a:Action></env:Header>`+
		`<env:Body><d:ProbeMatches><d:ProbeMatch><a:EndpointReference><a:Address>%s</a:Address></a:EndpointReference><d:Types>dn:NetworkVideoTransmitter</d:Types>`+
		`<d:Scopes>%s</d:Scopes><d:XAddrs>%s</d:XAddrs><d:MetadataVersion>1</d:MetadataVersion></d:ProbeMatch></d:ProbeMatches></env:Body></env:Envelope>`,
		newUUID(), esc(asked), s.id, esc(s.scopes()), esc(s.here(devicePath)))
}
