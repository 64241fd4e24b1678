package hap_test

import (
	"bytes"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/hap/haptest"
)

// TestSixteenControllers are listed complete, each can open a session, and there
// is no place for one more.
func TestSixteenControllers(t *testing.T) {
	t.Parallel()
	h, first, admin := paired(t, hap.Options{}, bridge())
	everybody := []haptest.Credentials{first}
	for i := 1; i < 16; i++ {
		everybody = append(everybody, h.newcomer(t, admin, uint8(i%2)))
	}
	if failure := add(t, admin, haptest.NewCredentials(""), 0); failure != 4 {
		t.Errorf("a seventeenth: error %d", failure)
	}
	second := h.session(t, everybody[1]) // an admin too
	_, answer := pairings(t, second, 5, nil)
	fields, err := haptest.Unpack(answer)
	if err != nil || len(fields) != 1+16*4-1 {
		t.Fatalf("%d fields, want 16 entries with separators between them: %v", len(fields), err)
	}
	for i, who := range everybody {
		entry := fields[1+4*i:]
		rights := byte(1 - min(i, 1)*(1-i%2))
		if string(entry[0].Value) != who.ID || !bytes.Equal(entry[1].Value, who.Key[32:]) || entry[2].Value[0] != rights {
			t.Errorf("entry %d: %v", i, entry[:3])
		}
		if i < 15 && entry[3].Type != haptest.Separator {
			t.Errorf("after entry %d: %v", i, entry[3])
		}
		do(t, h.session(t, who), 200, "GET", "/accessories", "")
	}
	again := everybody[2]
	if failure := add(t, second, again, 1); failure != 0 || !h.disk.state().Pairings[2].Admin {
		t.Errorf("the same key again: error %d", failure)
	}
	other := haptest.NewCredentials(again.ID)
	if failure := add(t, second, other, 1); failure != 1 {
		t.Errorf("the same name under another key: error %d", failure)
	}
}

// TestOnlyAdminsChangePairings: each method is refused to others.
func TestOnlyAdminsChangePairings(t *testing.T) {
	t.Parallel()
	h, creds, admin := paired(t, hap.Options{}, bridge())
	who := h.newcomer(t, admin, 0)
	guest := h.session(t, who)
	if failure := add(t, guest, haptest.NewCredentials(""), 1); failure != 2 {
		t.Errorf("add: error %d", failure)
	}
	if failure := add(t, guest, who, 1); failure != 2 {
		t.Errorf("add of itself as admin: error %d", failure)
	}
	for _, id := range []string{creds.ID, who.ID, "nobody"} {
		if failure := remove(t, guest, id); failure != 2 {
			t.Errorf("remove: error %d", failure)
		}
	}
	if failure, _ := pairings(t, guest, 5, nil); failure != 2 {
		t.Errorf("list: error %d", failure)
	}
	if n := len(h.disk.state().Pairings); n != 2 {
		t.Errorf("%d pairings", n)
	}
}

// TestUnpair by the household: every session ends, strangers stay, and the same
// code works again.
func TestUnpair(t *testing.T) {
	t.Parallel()
	var heard []hap.Notice
	notices := make(chan hap.Notice, 8)
	h, creds, admin := paired(t, hap.Options{Notice: func(n hap.Notice) { notices <- n }}, bridge())
	guest, stranger := h.guest(t, admin), h.dial(t)
	h.drain()
	for range 2 { // the second time there is nobody, and nothing to tell
		if err := h.Unpair(h.ctx); err != nil {
			t.Fatal(err)
		}
	}
	ended(t, admin)
	ended(t, guest)
	<-h.Changed()
	if h.Paired() || h.Announcement().TXT["sf"] != "1" || len(h.disk.state().Pairings) != 0 {
		t.Error("still paired")
	}
	do(t, stranger, 470, "GET", "/accessories", "")
	if _, err := haptest.Open(h.ctx, h.addr, creds); err == nil {
		t.Error("a forgotten controller verified")
	}
	again, err := stranger.Pair(h.Setup().Code, haptest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	do(t, h.session(t, again), 200, "GET", "/accessories", "")
	for range 4 {
		heard = append(heard, <-notices)
	}
	want := []hap.Notice{hap.NoticePaired, hap.NoticePaired, hap.NoticeUnpaired, hap.NoticePaired}
	if fmt.Sprint(heard) != fmt.Sprint(want) {
		t.Errorf("notices %v, want %v", heard, want)
	}
}

// TestRemovalDoesNotWaitForTheAsker, who has stopped to take answers.
func TestRemovalDoesNotWaitForTheAsker(t *testing.T) {
	t.Parallel()
	sockets := make(chan *plugged, 16)
	h := start(t, func(l net.Listener) net.Listener { return plugging{l, sockets} }, hap.Options{}, &disk{}, bridge())
	creds, err := haptest.Pair(h.ctx, h.addr, h.Setup().Code, haptest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	<-sockets
	admin := h.session(t, creds)
	socket := <-sockets
	who := h.newcomer(t, admin, 0)
	guest := h.session(t, who)
	socket.stuck.Store(true)
	began := time.Now()
	body := haptest.Pack(haptest.Field{Type: haptest.State, Value: []byte{1}}, haptest.Field{Type: haptest.Method, Value: []byte{4}},
		haptest.Field{Type: haptest.Identifier, Value: []byte(who.ID)})
	if err := admin.Send(haptest.Request("POST", "/pairings", body)); err != nil {
		t.Fatal(err)
	}
	ended(t, guest)
	if d := time.Since(began); d > 9*time.Second { // the deadline of the stuck write is 10 s
		t.Errorf("gone after %v", d)
	}
}

// plugging is a listener whose connections can stop to take what is written.
type plugging struct {
	net.Listener
	sockets chan<- *plugged
}

func (l plugging) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	p := &plugged{Conn: c, closed: make(chan struct{})}
	l.sockets <- p
	return p, nil
}

type plugged struct {
	net.Conn
	stuck   atomic.Bool
	closed  chan struct{}
	closing sync.Once
}

func (p *plugged) Write(b []byte) (int, error) {
	if p.stuck.Load() {
		<-p.closed
		return 0, net.ErrClosed
	}
	return p.Conn.Write(b)
}

func (p *plugged) Close() error {
	p.closing.Do(func() { close(p.closed) })
	return p.Conn.Close()
}

// TestNoEventForStrangers: a connection from the port of a former subscriber
// hears nothing before it has verified, and then only what it asks for.
func TestNoEventForStrangers(t *testing.T) {
	t.Parallel()
	a, on, _ := lamp(2, "Lamp")
	h, creds, witness := paired(t, hap.Options{Limits: hap.Limits{Window: time.Millisecond}}, bridge(), a)
	put(t, witness, 204, subscribe)
	first := dialFrom(t, h.addr, "127.0.0.1:0")
	if err := first.Verify(creds); err != nil {
		t.Fatal(err)
	}
	put(t, first, 204, subscribe)
	port := first.Socket().LocalAddr().String()
	first.Socket().(*net.TCPConn).SetLinger(0) // a reset: the port is free at once
	first.Close()
	second := dialFrom(t, h.addr, port)
	for i := range 20 {
		on.Set(hap.Bool(i%2 == 0))
		next(t, witness)
	}
	do(t, second, 470, "GET", "/accessories", "") // an event before it would be an error
	if err := second.Verify(creds); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		on.Set(hap.Bool(i%2 == 0))
		next(t, witness)
	}
	do(t, second, 200, "GET", "/accessories", "")
	if n := len(second.Events()); n != 0 {
		t.Errorf("%d events without a subscription", n)
	}
}

// TestSilentControllers make room once there are many, the others are kept.
func TestSilentControllers(t *testing.T) {
	t.Parallel()
	limits := hap.Limits{Silence: time.Second, Crowd: 4}
	h, creds, busy := paired(t, hap.Options{Limits: limits}, bridge())
	few := []*haptest.Client{h.session(t, creds), h.session(t, creds)}
	alive := func(d time.Duration) {
		t.Helper()
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for end := time.Now().Add(d); time.Now().Before(end); <-tick.C {
			do(t, busy, 200, "GET", "/characteristics?id=1.3", "")
		}
	}
	alive(5 * limits.Silence / 2)
	select {
	case <-few[0].Ended():
		t.Error("closed although there are three")
	case <-few[1].Ended():
		t.Error("closed although there are three")
	default:
	}
	last := h.session(t, creds) // the fourth
	ended(t, few[0])
	ended(t, few[1])
	do(t, last, 200, "GET", "/characteristics?id=1.3", "")
	do(t, busy, 200, "GET", "/characteristics?id=1.3", "")
}
