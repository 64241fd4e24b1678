package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// firstPictures measures how long go2rtc, as a controller, waits for the first byte of a film: with its
// connecting to HomeKit, at any moment between two key frames.
func (b *bench) firstPictures(ctx context.Context) ([]result, error) {
	var all []result
	for i, gop := range b.effort().gops {
		limit := [2]float64{400, 600}[i]
		for _, connected := range []bool{true, false} {
			took, err := b.firstOf(ctx, gop, connected)
			if err != nil {
				return nil, err
			}
			state := "the camera connected"
			if !connected {
				state, limit = "the camera not yet called", 0
			}
			all = append(all, result{
				group: "first byte of a film, go2rtc as the controller", peer: "",
				name: fmt.Sprintf("key frames %d s apart, %s", gop, state), unit: "ms", ours: took, limit: limit,
			})
		}
	}
	return all, nil
}

func (b *bench) firstOf(ctx context.Context, gop int, connected bool) (took []float64, err error) {
	box, addresses, err := b.cameras(ctx, 1, gop)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, box.stop()) }()
	var servers []server
	ingle, err := self(ctx, &servers, "-as=ingle", "-linger=1ms", fmt.Sprintf("-held=%t", connected), addresses[0])
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, ingle.stop()) }()
	api, err := freeAddress("tcp")
	if err != nil {
		return nil, err
	}
	srtp, err := freeAddress("udp")
	if err != nil {
		return nil, err
	}
	peer, err := b.go2rtcWith(ctx, fmt.Sprintf("api: {listen: %q}\nrtsp: {listen: \"\"}\nsrtp: {listen: %q}\nwebrtc: {listen: \"\"}\nlog: {level: warn}\n", api, srtp), api)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, peer.stop()) }()
	where, err := lookups(servers[0])
	if err != nil {
		return nil, err
	}
	defer where.Close()
	if err := pairPeer(ctx, api, servers[0]); err != nil {
		return nil, err
	}
	if err := pause(ctx, time.Duration(gop)*time.Second); err != nil { // until there is a key frame to remember
		return nil, err
	}
	for range b.effort().tries {
		if err := pause(ctx, time.Second+rand.N(time.Duration(gop)*time.Second)); err != nil {
			return nil, err
		}
		d, err := firstByte(ctx, api)
		if err != nil {
			return nil, err
		}
		took = append(took, millis(d))
	}
	fmt.Fprintf(b.log, "bench: first pictures, key frames %d s apart, connected %t: %.0f ms\n", gop, connected, took)
	return took, nil
}

// pairPeer has go2rtc pair with a server of ours.
func pairPeer(ctx context.Context, api string, s server) error {
	form := url.Values{
		"id":  {"porch"},
		"src": {"homekit://" + s.Address + "?device_id=" + s.DeviceID + "&feature=0&status=1"},
		"pin": {strings.ReplaceAll(s.Code, "-", "")},
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, "POST", "http://"+api+"/api/homekit?"+form.Encode(), nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		said, _ := io.ReadAll(answer.Body) // shown, however much came
		return fmt.Errorf("go2rtc cannot pair: %s %s", answer.Status, said)
	}
	return nil
}

// firstByte asks go2rtc for a film and waits for its first byte.
func firstByte(ctx context.Context, api string) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, "GET", "http://"+api+"/api/stream.mp4?src=porch&video=h264", nil)
	if err != nil {
		return 0, err
	}
	asked := time.Now()
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	if _, err := io.ReadFull(answer.Body, make([]byte, 1)); err != nil || answer.StatusCode != http.StatusOK {
		return 0, errors.Join(fmt.Errorf("the film: %s", answer.Status), err)
	}
	return time.Since(asked), nil
}

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
