package datastream_test

import (
	"bytes"
	"encoding/binary"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/hap/datastream"
	"github.com/ingle-home/ingle/hub/hap/haptest"
)

func TestSetupsThatAreRefused(t *testing.T) {
	h := newHouse(t, datastream.Limits{Session: 2, Streams: 3})
	p := h.phone()
	for name, written := range map[string][]byte{
		"a short salt":      setup(0, 0, salt()[:31]),
		"a long salt":       setup(0, 0, append(salt(), 0)),
		"another command":   setup(1, 0, salt()),
		"another transport": setup(0, 1, salt()),
		"no salt":           haptest.Pack(haptest.Field{Type: 1, Value: []byte{0}}, haptest.Field{Type: 2, Value: []byte{0}}),
		"no command":        haptest.Pack(haptest.Field{Type: 2, Value: []byte{0}}, haptest.Field{Type: 3, Value: salt()}),
		"nothing":           nil,
		"no TLV":            {1, 200},
	} {
		if got := p.write(written); got.Status != -70410 || got.Value != "" {
			t.Errorf("%s: %+v", name, got)
		}
	}
	p.stream()
	p.prepare()
	const busy, failed = 2, 1
	if got := p.prepare(); got.status != busy || got.salt != nil {
		t.Errorf("a third stream of a session: %+v", got)
	}
	other := h.phone()
	c := other.stream()
	if got := other.prepare(); got.status != busy {
		t.Errorf("a fourth stream of all: %+v", got)
	}
	c.socket.Close()
	until(t, "room again", func() bool { return other.prepare().status == 0 })
	h.stop()
	if got := other.prepare(); got.status != failed {
		t.Errorf("a transport that does not run: %+v", got)
	}
}

func TestEveryTicketIsForOneConnection(t *testing.T) {
	h := newHouse(t, datastream.Limits{})
	p, other := h.phone(), h.phone()
	a, b, c := p.prepare(), p.prepare(), other.prepare()
	if a.port != b.port || a.port != c.port || string(a.salt) == string(b.salt) {
		t.Errorf("%+v, %+v, %+v", a, b, c)
	}
	if other, err := net.DialTimeout("tcp", net.JoinHostPort("127.0.0.2", a.port), patience); err == nil {
		other.Close()
		t.Error("the port is open at an address that no session reached")
	}
	// The keys tell whose connection it is, whatever the order.
	third, second := other.connect(c), p.connect(b)
	second.hello()
	third.hello()
	again := p.connect(b)
	again.raw(again.frame(message("control", "request", "hello", 1)))
	again.gone("a ticket was used twice")
	first := p.connect(a)
	first.hello()
	until(t, "the port is closed", func() bool { return closed(a.port) })
	for _, one := range []*controller{first, second, third} {
		one.send(message("test", "request", "echo", 3))
		if got := one.receive(); got.header["id"] != int64(3) {
			t.Errorf("a stream says %v", got)
		}
	}
}

// The port is at the address that the HAP session reached, whatever that is.
func TestPortsAreWhereTheSessionIs(t *testing.T) {
	h := newHouse(t, datastream.Limits{})
	secret := []byte(strings.Repeat("s", 32))
	peer := func(local string) *hap.Peer {
		address, _ := netip.ParseAddrPort(local)
		return &hap.Peer{Local: address, Secret: secret}
	}
	write := func(p *hap.Peer) []byte {
		answer, err := h.transport.Service().Characteristic("131").OnWrite(t.Context(), p, hap.Bytes(setup(0, 0, salt())))
		if err != nil {
			t.Fatal(err)
		}
		return answer.Bytes()
	}
	for local, at := range map[string]string{"127.0.0.1:1": "127.0.0.1", "[::ffff:127.0.0.1]:1": "127.0.0.1", "[::1]:1": "::1"} {
		if l, err := net.Listen("tcp", net.JoinHostPort(at, "0")); err != nil {
			t.Log("no IPv6 here: ", err)
			continue
		} else {
			l.Close()
		}
		answer := write(peer(local))
		port := binary.LittleEndian.Uint16(haptest.Get(haptest.Get(answer, 2), 1))
		connect(t, net.JoinHostPort(at, strconv.Itoa(int(port))), secret, salt(), haptest.Get(answer, 3)).hello()
	}
	for name, p := range map[string]*hap.Peer{"no address": peer(""), "a foreign address": peer("192.0.2.1:1"), "no secret": {Local: netip.MustParseAddrPort("127.0.0.1:1")}} {
		if got := write(p); !bytes.Equal(got, []byte{1, 1, 1}) {
			t.Errorf("%s: % x", name, got)
		}
	}
}

func TestATicketIsVoidWhenNobodyComes(t *testing.T) {
	h := newHouse(t, datastream.Limits{Connect: time.Second})
	p := h.phone()
	ticket := p.prepare()
	silent := p.connect(ticket)
	until(t, "the port is closed", func() bool { return closed(ticket.port) })
	silent.gone("a connection that says nothing")
	p.stream() // and the next is as good as any
}

func TestStrangersGetNothing(t *testing.T) {
	h := newHouse(t, datastream.Limits{Strangers: 4})
	p := h.phone()
	ticket := p.prepare()
	hello := message("control", "request", "hello", 1)
	wrong := p.connect(ticket)
	wrong.seal = key(t, salt(), salt(), "HDS-Write-Encryption-Key")
	for name, first := range map[string][]byte{
		"HTTP":              []byte("GET / HTTP/1.1\r\nHost: hub.local\r\n\r\n" + strings.Repeat("x", 100)),
		"another type":      append([]byte{2}, wrong.frame(hello)[1:]...),
		"another key":       wrong.frame(hello),
		"a huge hello":      {1, 0x0f, 0xff, 0xff},
		"more than a frame": {1, 0xff, 0xff, 0xff},
		"an empty frame":    append([]byte{1, 0, 0, 0}, make([]byte, 16)...),
	} {
		c := p.connect(ticket)
		c.raw(first)
		c.gone(name)
	}
	var crowd []*controller
	for range 8 {
		crowd = append(crowd, p.connect(ticket))
	}
	crowd[0].gone("there are four other strangers")
	c := p.connect(ticket) // as much as they crowd
	c.hello()
	for name, first := range map[string][]byte{
		"another request":    message("test", "request", "echo", 1),
		"another topic":      message("control", "request", "bye", 1),
		"an event":           message("control", "event", "hello", 0),
		"a message of none":  append(hello[:len(hello)-1:len(hello)-1], 0),
		"a header of none":   {1, 0, 0xE0},
		"an unending header": {200, 0xE0},
	} {
		c := p.connect(p.prepare())
		c.raw(c.frame(first))
		c.gone(name)
	}
}
