package datastream_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/hap/datastream"
	"github.com/ingle-home/ingle/hub/hap/datastream/opack"
)

func TestTheService(t *testing.T) {
	p := newHouse(t, datastream.Limits{}).phone()
	if got := p.read("130"); got != "AQMBAQA=" { // 01 03 01 01 00
		t.Errorf("130 reads %s", got)
	}
	if got := p.read("37"); got != "1.0" {
		t.Errorf("37 reads %s", got)
	}
	p.prepare()
	if got := p.read("131"); got != "" {
		t.Errorf("after a setup, 131 reads %s", got)
	}
	_, all, err := p.client.Do("GET", "/accessories", nil)
	if err != nil || strings.Contains(string(all), "c2FsdHNhbHR") {
		t.Errorf("the database has a salt, or %v", err)
	}
}

func TestAStream(t *testing.T) {
	h := newHouse(t, datastream.Limits{})
	c := h.phone().stream()

	c.send(message("test", "request", "echo", 1<<40, "question", "why"))
	if got := fmt.Sprint(c.receive()); got != "{map[id:1099511627776 protocol:test response:echo status:0] map[question:why]}" {
		t.Errorf("a request is answered with %s", got)
	}
	for topic, want := range map[string]string{
		"refuse": "{map[id:7 protocol:test response:refuse status:6] map[status:9]}",
		"fail":   "{map[id:7 protocol:test response:fail status:6] map[]}",
		"long":   "{map[id:7 protocol:test response:long status:1] map[]}",
	} {
		c.send(message("test", "request", topic, 7))
		if got := fmt.Sprint(c.receive()); got != want {
			t.Errorf("%s is answered with %s", topic, got)
		}
	}
	c.send(message("dataSend", "event", "ack", 0)) // to nobody
	c.send(message("dataSend", "request", "open", 8))
	if got := fmt.Sprint(c.receive()); got != "{map[id:8 protocol:dataSend response:open status:5] map[]}" {
		t.Errorf("an unknown protocol is answered with %s", got)
	}
	c.send(message("control", "request", "hello", 9)) // once more
	if got := c.receive(); got.header["status"] != int64(0) {
		t.Errorf("a second hello is answered with %v", got)
	}
	body := message("test", "request", "echo", 10)
	c.send(append(body[:len(body)-1], 0x00))
	if got := c.receive(); got.header["status"] != int64(4) || got.header["id"] != int64(10) {
		t.Errorf("a message that is none is answered with %v", got)
	}
	c.send(message("test", "event", "note", 0, "a", "b"))
	if e := h.heard("note"); fmt.Sprint(e.body.Get("a")) != "{b}" {
		t.Errorf("an event says %v", e.body)
	}
}

func TestTheHubSpeaksToo(t *testing.T) {
	h := newHouse(t, datastream.Limits{Answer: 300 * time.Millisecond})
	p := h.phone()
	c := p.stream()
	s := h.served(c)
	if s.Peer().Controller != h.creds.ID {
		t.Errorf("the stream is of %q", s.Peer().Controller)
	}
	if err := s.Event("test", "said", opack.Dictionary(opack.Pair{Key: "n", Value: opack.Int(5)})); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(c.receive()); got != "{map[event:said protocol:test] map[n:5]}" {
		t.Errorf("an event comes as %s", got)
	}
	answers := make(chan string, 1)
	ask := func() {
		body, err := s.Request(t.Context(), "test", "ask", opack.Value{})
		answers <- fmt.Sprint(body.Get("a"), err)
	}
	go ask()
	asked := c.receive()
	if asked.header["request"] != "ask" || asked.header["protocol"] != "test" {
		t.Errorf("a request comes as %v", asked)
	}
	id := uint64(asked.header["id"].(int64))
	c.send(message("test", "response", "ask", id+1, "a", "of nobody"))
	c.send(message("test", "response", "ask", id, "a", "b"))
	if got := <-answers; got != "{b} <nil>" {
		t.Errorf("the answer is %s", got)
	}
	go ask()
	c.receive()
	if got := <-answers; !strings.Contains(got, context.DeadlineExceeded.Error()) {
		t.Errorf("a controller that says nothing gives %s", got)
	}
	for _, wrong := range []error{s.Event("test", strings.Repeat("x", 300), opack.Value{}), s.Event("test", "no dictionary", opack.Int(1))} {
		if wrong == nil {
			t.Error("a message that is none was sent")
		}
	}
	if err := s.Event("test", "large", opack.Dictionary(opack.Pair{Key: "a", Value: opack.Bytes(make([]byte, 1<<20))})); !errors.Is(err, datastream.ErrTooLarge) {
		t.Errorf("a message that is too large gives %v", err)
	}
	s.Close()
	c.gone("Close")
	until(t, "an end", func() bool { return s.Event("test", "said", opack.Value{}) != nil })
	if _, err := s.Request(t.Context(), "test", "ask", opack.Value{}); err == nil {
		t.Error("a stream that has ended asks")
	}
}

func TestARequestEndsWithTheStream(t *testing.T) {
	h := newHouse(t, datastream.Limits{})
	c := h.phone().stream()
	s := h.served(c)
	answer := make(chan error, 1)
	go func() {
		_, err := s.Request(t.Context(), "test", "ask", opack.Value{})
		answer <- err
	}()
	c.receive()
	c.socket.Close()
	if err := <-answer; !errors.Is(err, net.ErrClosed) {
		t.Errorf("the request ends with %v", err)
	}
}

func TestTheStreamEndsWithItsSession(t *testing.T) {
	h := newHouse(t, datastream.Limits{})
	p, other := h.phone(), h.phone()
	first, second, others := p.stream(), p.stream(), other.stream()
	waiting := p.prepare()
	p.client.Close()
	first.gone("the session is closed")
	second.gone("the session is closed")
	until(t, "the ticket is void", func() bool { return closed(waiting.port) })
	others.send(message("test", "request", "echo", 2))
	if got := others.receive(); got.header["id"] != int64(2) {
		t.Errorf("another controller's stream says %v", got)
	}
}

func TestFramesThatEndAStream(t *testing.T) {
	h := newHouse(t, datastream.Limits{Frame: 500 * time.Millisecond})
	p := h.phone()
	whole := message("test", "request", "echo", 5)
	for name, attack := range map[string]func(*controller){
		"a frame again":    func(c *controller) { f := c.frame(whole); c.raw(f); c.receive(); c.raw(f) },
		"a changed length": func(c *controller) { f := c.frame(whole); f[3]--; c.raw(append(f, f...)) },
		"a changed byte":   func(c *controller) { f := c.frame(whole); f[9] ^= 1; c.raw(f) },
		"another type":     func(c *controller) { f := c.frame(whole); f[0] = 0; c.raw(f) },
		"a lost frame":     func(c *controller) { c.frame(whole); c.raw(c.frame(whole)) },
		"too long":         func(c *controller) { c.raw([]byte{1, 0x10, 0, 0}) },
		"half a frame":     func(c *controller) { c.raw(c.frame(whole)[:20]) },
		"no header":        func(c *controller) { c.send([]byte{0}) },
		"no topic": func(c *controller) {
			c.send([]byte{11, 0xE1, 0x48, 'p', 'r', 'o', 't', 'o', 'c', 'o', 'l', 0x40, 0xE0})
		},
		"a request of none": func(c *controller) { c.send(message("test", "request", "echo", 0)) },
	} {
		c := p.stream()
		attack(c)
		c.gone(name)
	}
}

func TestFramesInPieces(t *testing.T) {
	h := newHouse(t, datastream.Limits{})
	c := h.phone().stream()
	long := strings.Repeat("y", 300)
	both := append(c.frame(message("test", "request", "echo", 2, "a", "b")), c.frame(message("test", "request", "echo", 3, "a", long))...)
	for _, b := range both[:40] {
		if err := c.raw([]byte{b}); err != nil {
			t.Fatal(err)
		}
	}
	c.raw(both[40:])
	for id := int64(2); id <= 3; id++ {
		if got := c.receive(); got.header["id"] != id {
			t.Errorf("answer %v, want %d", got, id)
		}
	}
	// The largest frame that there is, both ways.
	frame := func(n int) []byte { return message("test", "request", "echo", 4, "a", strings.Repeat("z", n)) }
	largest := 0xFFFFF - len(frame(1<<16)) + 1<<16
	largest -= len("status") + 1 + 9 + len("response") - len("request") // what the answer's header has besides
	c.send(frame(largest))
	if got := c.receive(); got.header["status"] != int64(0) || len(got.body["a"].(string)) != largest {
		t.Errorf("the largest message is answered with %v", got.header)
	}
	c.send(frame(largest + 1))
	if got := c.receive(); got.header["status"] != int64(datastream.StatusOutOfMemory) {
		t.Errorf("a larger one is answered with %v", got.header)
	}
}

func TestAStalledControllerCostsOnlyItself(t *testing.T) {
	h := newHouse(t, datastream.Limits{Frame: 300 * time.Millisecond})
	stalled, other := h.phone().stream(), h.phone().stream()
	s, o := h.served(stalled), h.served(other)
	chunk := opack.Dictionary(opack.Pair{Key: "data", Value: opack.Bytes(make([]byte, 256<<10))})
	until(t, "an end of the stalled stream", func() bool { return s.Event("test", "chunk", chunk) != nil })
	<-s.Done()
	if err := o.Event("test", "said", opack.Value{}); err != nil {
		t.Error(err)
	}
	if got := other.receive(); got.header["event"] != "said" {
		t.Errorf("the other controller gets %v", got)
	}
}

func TestAControllerThatFloodsIsLeft(t *testing.T) {
	h := newHouse(t, datastream.Limits{})
	c := h.phone().stream()
	c.send(message("test", "request", "hang", 2))
	<-h.echo.hung
	for range 30 {
		if c.raw(c.frame(message("test", "request", "echo", 3))) != nil {
			break
		}
	}
	c.gone("messages that nobody hears")
}

func TestRunEnds(t *testing.T) {
	h := newHouse(t, datastream.Limits{})
	if err := h.transport.Run(t.Context()); err == nil {
		t.Error("it runs twice")
	}
	p := h.phone()
	c, stranger := p.stream(), p.connect(p.prepare())
	c.send(message("test", "request", "hang", 2))
	<-h.echo.hung
	ticket := p.prepare()
	h.stop()
	c.gone("Run has ended")
	stranger.gone("Run has ended")
	if !closed(ticket.port) {
		t.Error("a port is open after Run")
	}
}

func TestNothingIsLeftBehind(t *testing.T) {
	h := newHouse(t, datastream.Limits{})
	p := h.phone()
	round := func() {
		c := p.stream()
		c.send(message("test", "request", "echo", 2))
		c.receive()
		c.socket.Close()
	}
	round()
	before := runtime.NumGoroutine()
	for range 100 {
		round()
	}
	until(t, "as many goroutines as before", func() bool { return runtime.NumGoroutine() <= before })
}

// BenchmarkChunks sends what a recording is made of.
func BenchmarkChunks(b *testing.B) {
	h := newHouse(b, datastream.Limits{})
	c := h.phone().stream()
	s := h.served(c)
	const size = 256 << 10
	chunk := opack.Dictionary(opack.Pair{Key: "data", Value: opack.Bytes(make([]byte, size))})
	go io.Copy(io.Discard, c.socket)
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Event("dataSend", "data", chunk); err != nil {
			b.Fatal(err)
		}
	}
}
