package hap

import (
	"context"
	"errors"
	"net"
	"runtime"
	"testing"
	"time"
)

// A request that has come, and waits for its reader to have a turn, holds events
// back as one that was read does: the controller waits for its answer.
func TestEventsWaitForARequestThatHasCome(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells what has come")
	}
	server, _, _ := visitor(t, Pairing{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	far, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	near, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := newSession(ctx, server, near)
	s.events.mark(&subscription{to: &s.events, of: &Characteristic{IID: 9, Type: "25", Format: FormatBool}, aid: 2})
	if _, err := far.Write([]byte("GET")); err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(10 * time.Second); !s.conn.Pending(); <-tick.C {
		if time.Now().After(end) {
			t.Fatal("the request does not come")
		}
	}
	if sent, _, err := s.sendEvents(true); sent || !errors.Is(err, errPending) {
		t.Errorf("sent %v, %v", sent, err)
	}
	if err := s.conn.Fill(); err != nil {
		t.Fatal(err)
	}
	if sent, _, err := s.sendEvents(true); !sent || err != nil {
		t.Errorf("half a request holds events back: sent %v, %v", sent, err)
	}
}
