package datastream_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/hap/datastream"
	"github.com/ingle-home/ingle/hub/hap/datastream/opack"
	"github.com/ingle-home/ingle/hub/hap/haptest"
)

// call is what a protocol was told.
type call struct {
	stream *datastream.Stream
	topic  string
	body   opack.Value
}

// echo is a protocol for tests: it answers with what it was told, refuses "refuse", hangs in "hang"
// and is too long in "long".
type echo struct {
	events chan call
	hung   chan struct{}
}

func (e *echo) Request(ctx context.Context, s *datastream.Stream, topic string, m opack.Value) (opack.Value, error) {
	switch topic {
	case "refuse":
		return opack.Dictionary(opack.Pair{Key: "status", Value: opack.Int(9)}), datastream.StatusProtocol
	case "fail":
		return opack.Value{}, errors.New("no reason")
	case "long":
		return opack.Dictionary(opack.Pair{Key: "a", Value: opack.Bytes(make([]byte, 1<<20))}), nil
	case "hang":
		e.hung <- struct{}{}
		<-ctx.Done()
		return opack.Value{}, ctx.Err()
	}
	return m, nil
}

func (e *echo) Event(_ context.Context, s *datastream.Stream, topic string, m opack.Value) {
	e.events <- call{s, topic, m}
}

// house is a real server with the transport's service.
type house struct {
	t         testing.TB
	echo      *echo
	transport *datastream.Transport
	address   string
	creds     haptest.Credentials
	stop      func() // ends Run and waits for it
}

func newHouse(t testing.TB, limits datastream.Limits) *house {
	t.Helper()
	h := &house{t: t, echo: &echo{events: make(chan call, 64), hung: make(chan struct{}, 64)}}
	h.transport = datastream.New(datastream.Options{Protocols: map[string]datastream.Protocol{"test": h.echo}, Limits: limits})
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- h.transport.Run(ctx) }()
	h.stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("Run ended with %v", err)
			}
		case <-time.After(patience):
			t.Error("Run does not end")
		}
	})
	t.Cleanup(h.stop)
	h.serve()
	return h
}

func (h *house) serve() {
	h.t.Helper()
	server, err := hap.New(h.t.Context(), hap.Options{Name: "Ingle", Model: "Test", Memory: &hap.Fleeting{}})
	if err != nil {
		h.t.Fatal(err)
	}
	a := &hap.Accessory{AID: 1, Services: []*hap.Service{information(h.t), protocol(h.t), h.transport.Service()}}
	iid := uint64(1)
	for _, s := range a.Services {
		s.IID, iid = iid, iid+1
		for _, c := range s.Characteristics {
			c.IID, iid = iid, iid+1
		}
	}
	if err := server.Publish(h.t.Context(), a); err != nil {
		h.t.Fatal(err)
	}
	l, err := server.Listen(h.t.Context(), "127.0.0.1:0")
	if err != nil {
		h.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(h.t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx, l) }()
	h.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			h.t.Errorf("Serve ended with %v", err)
		}
	})
	h.address = l.Addr().String()
	if h.creds, err = haptest.Pair(h.t.Context(), h.address, server.Setup().Code, haptest.Options{}); err != nil {
		h.t.Fatal(err)
	}
}

func information(t testing.TB) *hap.Service {
	t.Helper()
	s := &hap.Service{Type: "3E", Characteristics: []*hap.Characteristic{{Type: "14", Format: hap.FormatBool, Perms: hap.PermWrite}}}
	for _, typ := range []string{"20", "21", "23", "30", "52", "E3"} {
		s.Characteristics = append(s.Characteristics, version(t, typ))
	}
	return s
}

func protocol(t testing.TB) *hap.Service {
	t.Helper()
	return &hap.Service{Type: "A2", Characteristics: []*hap.Characteristic{version(t, "37")}}
}

// version is a text that may stand for any of what an accessory says about itself.
func version(t testing.TB, typ string) *hap.Characteristic {
	t.Helper()
	c := &hap.Characteristic{Type: typ, Format: hap.FormatString, Perms: hap.PermRead}
	if err := c.Set(hap.String("1.0")); err != nil {
		t.Fatal(err)
	}
	return c
}

// phone is a HAP session, and the secret that it was made with.
type phone struct {
	*house
	client *haptest.Client
	secret []byte
}

func (h *house) phone() *phone {
	h.t.Helper()
	c, err := haptest.Dial(h.t.Context(), h.address)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { c.Close() })
	v := haptest.NewVerify(h.creds)
	_, m2, err := c.Do("POST", "/pair-verify", v.M1())
	if err != nil {
		h.t.Fatal(err)
	}
	m3, err := v.M3(m2)
	if err != nil {
		h.t.Fatal(err)
	}
	_, m4, err := c.Do("POST", "/pair-verify", m3)
	if err != nil {
		h.t.Fatal(err)
	}
	secret, err := v.Done(m4)
	if err != nil {
		h.t.Fatal(err)
	}
	c.Secure(secret)
	return &phone{h, c, secret}
}

func (h *house) iid(typ string) uint64 { return h.transport.Service().Characteristic(typ).IID }

// result is one entry of an answer.
type result struct {
	Status int
	Value  string
}

func (p *phone) ask(method, path, body string) result {
	p.t.Helper()
	var sent []byte
	if body != "" {
		sent = []byte(body)
	}
	_, answer, err := p.client.Do(method, path, sent)
	var list struct{ Characteristics []result }
	if err == nil {
		err = json.Unmarshal(answer, &list)
	}
	if err != nil || len(list.Characteristics) != 1 {
		p.t.Fatalf("%s %s gives %s, %v", method, path, answer, err)
	}
	return list.Characteristics[0]
}

func (p *phone) read(typ string) string {
	p.t.Helper()
	return p.ask("GET", fmt.Sprintf("/characteristics?id=1.%d", p.iid(typ)), "").Value
}

// write writes a setup and asks for the response.
func (p *phone) write(setup []byte) result {
	p.t.Helper()
	return p.ask("PUT", "/characteristics", fmt.Sprintf(`{"characteristics":[{"aid":1,"iid":%d,"value":"%s","r":true}]}`,
		p.iid("131"), base64.StdEncoding.EncodeToString(setup)))
}

func setup(command, transport byte, salt []byte) []byte {
	return haptest.Pack(haptest.Field{Type: 1, Value: []byte{command}}, haptest.Field{Type: 2, Value: []byte{transport}}, haptest.Field{Type: 3, Value: salt})
}

// salt is what a controller draws at random.
func salt() []byte { return []byte(strings.Repeat("salt", 8)) }

// prepared is an answer to a setup.
type prepared struct {
	status int
	port   string
	salt   []byte
}

func (p *phone) prepare() prepared {
	p.t.Helper()
	r := p.write(setup(0, 0, salt()))
	b, err := base64.StdEncoding.DecodeString(r.Value)
	if err != nil || r.Status != 0 {
		p.t.Fatalf("a setup is answered with %+v, %v", r, err)
	}
	port := haptest.Get(haptest.Get(b, 2), 1)
	if len(port) != 2 {
		return prepared{status: haptest.Code(b, 1)}
	}
	return prepared{haptest.Code(b, 1), strconv.Itoa(int(port[0]) | int(port[1])<<8), haptest.Get(b, 3)}
}

func at(port string) string { return net.JoinHostPort("127.0.0.1", port) }

// connect comes for a prepared stream.
func (p *phone) connect(to prepared) *controller {
	p.t.Helper()
	if to.status != 0 || len(to.salt) != 32 {
		p.t.Fatalf("a setup is answered with %+v", to)
	}
	return connect(p.t, at(to.port), p.secret, salt(), to.salt)
}

// stream is a whole setup with hello.
func (p *phone) stream() *controller {
	p.t.Helper()
	c := p.connect(p.prepare())
	c.hello()
	return c
}

// served gives the server's end of a stream.
func (h *house) served(c *controller) *datastream.Stream {
	h.t.Helper()
	c.send(message("test", "event", "here", 0))
	return h.heard("here").stream
}

// heard waits for an event.
func (h *house) heard(topic string) call {
	h.t.Helper()
	select {
	case e := <-h.echo.events:
		if e.topic != topic {
			h.t.Fatalf("event %q, want %q", e.topic, topic)
		}
		return e
	case <-time.After(patience):
		h.t.Fatalf("no event %q", topic)
		return call{}
	}
}

// until waits for something that happens soon, or some time on a busy machine.
func until(t testing.TB, what string, is func() bool) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("%s: not in time", what)
		}
	}
}

// closed reports whether nobody listens at a port.
func closed(port string) bool {
	c, err := net.DialTimeout("tcp", at(port), patience)
	if err == nil {
		c.Close()
	}
	return err != nil
}
