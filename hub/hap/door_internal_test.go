package hap

import (
	"bytes"
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// blank is a Memory that keeps nothing.
type blank struct{ state State }

func (b blank) Load(context.Context) (State, error) { return b.state, nil }
func (blank) Save(context.Context, State) error     { return nil }

// visitor is a connection of a server with one pairing, and its other end.
func visitor(t *testing.T, p Pairing) (*Server, *session, net.Conn) {
	t.Helper()
	state, err := NewState()
	if err != nil {
		t.Fatal(err)
	}
	state.Pairings = []Pairing{p}
	server, err := New(t.Context(), Options{Name: "Ingle", Model: "Hub", Memory: blank{state}})
	if err != nil {
		t.Fatal(err)
	}
	near, far := net.Pipe()
	s := newSession(t.Context(), server, near)
	server.admit(s)
	t.Cleanup(func() { s.end("test", nil); far.Close() })
	return server, s, far
}

// A pairing may be removed and its name given to another key between pair-verify
// and the first request.
func TestSameNameOtherKeyDoesNotEnter(t *testing.T) {
	key, other := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
	server, s, _ := visitor(t, Pairing{ID: "phone", Key: key, Admin: true})
	if server.enter(s, &Peer{Controller: "phone", key: other}) || s.peer != nil {
		t.Error("entered under another key")
	}
	if !server.enter(s, &Peer{Controller: "phone", key: key}) || !s.peer.Admin() {
		t.Error("not entered under its own key")
	}
	server.mu.Lock()
	server.state.Pairings = []Pairing{{ID: "phone", Key: other, Admin: true}}
	server.mu.Unlock()
	if server.promote(); s.peer.Admin() {
		t.Error("the rights of another")
	}
	if server.expel(nil); s.ctx.Err() == nil {
		t.Error("stays as another")
	}
}

// Events that a chain of requests has held back for a window go with an answer:
// the next request may be here before the emitter has a turn.
func TestHeldEventsGoWithTheAnswer(t *testing.T) {
	_, s, far := visitor(t, Pairing{})
	on := &Characteristic{IID: 9, Type: "25", Format: FormatBool, Perms: PermEvents}
	w := &subscription{to: &s.events, of: on, aid: 2}
	heard := make(chan string, 2)
	go func() {
		for range 2 {
			b := make([]byte, 1024)
			n, err := far.Read(b)
			if err == io.EOF {
				n = 0
			}
			heard <- string(b[:n])
		}
	}()
	s.events.mark(w)
	s.begin()
	if sent, _, err := s.sendEvents(true); sent || err != nil {
		t.Fatalf("sent %v between a request and its answer: %v", sent, err)
	}
	s.heldSince = time.Now().Add(-s.server.limits.Window)
	if err := s.answer(204, "", nil); err != nil || s.open || s.held {
		t.Fatalf("answer: %v, open %v, held %v", err, s.open, s.held)
	}
	for _, want := range []string{"HTTP/1.1 204 No Content", "EVENT/1.0 200 OK"} {
		if got := <-heard; !strings.HasPrefix(got, want) {
			t.Errorf("got %q, want %s", got, want)
		}
	}
}
