package onvif

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"

	"github.com/ingle-home/ingle/accessories/device"
)

const (
	probeGroup    = "239.255.255.250:3702"
	nsDiscovery   = "http://schemas.xmlsoap.org/ws/2005/04/discovery"
	nsOldAddress  = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
	scopePrefix   = "onvif://www.onvif.org/"
	maxCandidates = 256
)

// Discover asks by WS-Discovery (April 2005, as ONVIF's Core Specification wants it) until ctx ends. A
// camera tells its address, name and model; that it is at the address from which the answer came, and
// not where it thinks it is, is known.
func (*Driver) Discover(ctx context.Context, n device.Net, found func(device.Candidate)) error {
	group, ok := n.(device.Multicaster)
	if !ok {
		return fmt.Errorf("onvif: discovery: %w", device.ErrUnsupported)
	}
	seen := map[string]bool{}
	var mu sync.Mutex
	heard := func(from string, answer []byte) {
		mu.Lock()
		defer mu.Unlock()
		for _, c := range matches(from, answer) {
			if len(seen) < maxCandidates && !seen[c.Address] {
				seen[c.Address] = true
				found(c)
			}
		}
	}
	// Some cameras answer to one type only, and some to a question without any.
	probes := []string{
		probe(`<d:Types xmlns:n="http://www.onvif.org/ver10/network/wsdl">n:NetworkVideoTransmitter</d:Types>`),
		probe(`<d:Types xmlns:n="` + nsDevice + `">n:Device</d:Types>`),
		probe(""),
	}
	errs := make([]error, len(probes))
	var asking sync.WaitGroup
	for i, p := range probes {
		asking.Go(func() { errs[i] = group.Multicast(ctx, probeGroup, []byte(p), heard) })
	}
	asking.Wait()
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("onvif: discovery: %w", err)
	}
	return nil
}

func probe(types string) string {
	return fmt.Sprintf(`<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="%s" xmlns:a="%s" xmlns:d="%s"><s:Header>`+
		`<a:MessageID>urn:uuid:%s</a:MessageID><a:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</a:To>`+
		`<a:Action>%s/Probe</a:Action></s:Header><s:Body><d:Probe>%s</d:Probe></s:Body></s:Envelope>`,
		nsSOAP, nsOldAddress, nsDiscovery, newUUID(), nsDiscovery, types)
}

// matches reads an answer. Other things than cameras answer too; they are left out.
func matches(from string, answer []byte) []device.Candidate {
	n, err := envelope(answer)
	if err != nil || n.name != "ProbeMatches" {
		return nil
	}
	var list []device.Candidate
	for _, m := range n.all("ProbeMatch") {
		scopes := strings.Fields(m.str("Scopes"))
		if !strings.Contains(m.str("Types"), "NetworkVideoTransmitter") && scope(scopes, "") == "" {
			continue
		}
		if address := addressOf(from, m.str("XAddrs")); address != "" {
			model := scope(scopes, "hardware/")
			name := scope(scopes, "name/")
			if name == "" {
				name = model
			}
			list = append(list, device.Candidate{Driver: ID, Name: name, Model: model, Address: address})
		}
	}
	return list
}

// addressOf takes the first URL of the list and puts the host on it that answered.
func addressOf(from, list string) string {
	for _, raw := range strings.Fields(list) {
		l := line{host: from}
		if at := l.home(raw, "http", "https"); at != "" {
			return at
		}
	}
	return ""
}

// scope finds what a camera says of itself under a heading, as a readable text; under "" anything.
func scope(scopes []string, heading string) string {
	for _, s := range scopes {
		rest, ok := strings.CutPrefix(s, scopePrefix+heading)
		if !ok {
			continue
		}
		if text, err := url.PathUnescape(rest); err == nil {
			return printable(strings.ReplaceAll(text, "_", " "), 64)
		}
	}
	return ""
}
