package hap_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/hap/haptest"
)

// TestImmediateEvents: what people are warned of, see happen or automate on does
// not wait for the window; everything else does.
func TestImmediateEvents(t *testing.T) {
	t.Parallel()
	a, on, _ := lamp(2, "Lamp")
	accs := []*hap.Accessory{bridge(), a}
	var hasty []*hap.Characteristic
	for i, typ := range []string{"22", "6A", "70", "76", "69", "71", "66", "1D", "E"} {
		c := &hap.Characteristic{Type: typ, Format: hap.FormatUint8, Perms: everything}
		accs = append(accs, sensor(uint64(3+i), "Sensor "+typ, c))
		hasty = append(hasty, c)
	}
	_, _, c := paired(t, hap.Options{Limits: hap.Limits{Window: time.Hour}}, accs...)
	put(t, c, 204, subscribe)
	for i := range hasty {
		put(t, c, 204, fmt.Sprintf(`{"aid":%d,"iid":9,"ev":true}`, 3+i))
	}
	on.Set(hap.Bool(true)) // opens the window
	next(t, c)
	on.Set(hap.Bool(false)) // waits for its end
	for i, h := range hasty {
		for _, v := range []int64{1, 0} {
			h.Set(hap.Int(v))
			if got := next(t, c); len(got) != 1 || got[0].AID != uint64(3+i) || string(got[0].Value) != strconv.Itoa(int(v)) {
				t.Errorf("%s: %+v", h.Type, got)
			}
		}
	}
}

// TestFanOut: 5,000 changes of 100 lamps reach 8 subscribers in a few messages,
// and the last values are right.
func TestFanOut(t *testing.T) {
	t.Parallel()
	const changes, lampsOn = 5000, 100
	accs, on := lamps()
	h, creds, c := paired(t, hap.Options{}, accs...)
	clients := []*haptest.Client{c}
	for range 7 {
		clients = append(clients, h.session(t, creds))
	}
	var all bytes.Buffer
	for aid := 2; aid < 2+lampsOn; aid++ {
		fmt.Fprintf(&all, `,{"aid":%d,"iid":9,"ev":true}`, aid)
	}
	for _, c := range clients {
		put(t, c, 204, all.String()[1:])
	}
	start := time.Now()
	state := make([]bool, lampsOn)
	for i := range changes {
		at := (i * 7) % lampsOn
		state[at] = !state[at]
		on[at].Set(hap.Bool(state[at]))
	}
	on[0].Set(hap.Bool(!state[0])) // so that all of them have something to come
	state[0] = !state[0]
	for i := range on[:lampsOn] {
		if v, _ := on[i].Value(); v != hap.Bool(state[i]) {
			t.Fatalf("lamp %d is %v", i, v)
		}
	}
	spent := time.Since(start)
	for n, c := range clients {
		last := map[uint64]string{}
		right := func() bool {
			for i, s := range state {
				if got := last[uint64(2+i)]; got != strconv.FormatBool(s) && (s || got != "") {
					return false
				}
			}
			return true
		}
		messages := 0
		for ; !right(); messages++ {
			for _, e := range next(t, c) {
				last[e.AID] = string(e.Value)
			}
		}
		if most := 2 + int(spent/(250*time.Millisecond)); messages > most {
			t.Errorf("client %d: %d messages in %v", n, messages, spent)
		}
	}
}

// TestNoEventForStrangers: neither before a controller has proved itself, nor
// without a subscription, nor on a new connection from the port of an old one.
func TestNoEventForStrangers(t *testing.T) {
	t.Parallel()
	a, on, _ := lamp(2, "Lamp")
	h, creds, witness := paired(t, hap.Options{Limits: hap.Limits{Window: time.Millisecond}}, bridge(), a)
	put(t, witness, 204, subscribe)
	first, port := h.from(t, 0)
	old := &lean{socket: first}
	old.verify(t, creds)
	old.ask(t, haptest.Request("PUT", "/characteristics", []byte(`{"characteristics":[`+subscribe+`]}`)), 204)
	first.(*net.TCPConn).SetLinger(0) // frees the port at once
	first.Close()
	again, _ := h.from(t, port)
	quiet := h.session(t, creds) // verified, but not subscribed
	if _, err := again.Write(haptest.Request("GET", "/accessories", nil)); err != nil {
		t.Fatal(err)
	}
	heard := &lean{socket: again, raw: make([]byte, 0, 4096)}
	heard.clear(t, "HTTP/1.1 470 ")
	state := false
	for range 20 {
		state = !state
		on.Set(hap.Bool(state))
		next(t, witness)
	}
	if _, err := again.Write(haptest.Request("GET", "/nothing", nil)); err != nil {
		t.Fatal(err)
	}
	heard.clear(t, "HTTP/1.1 404 ") // and nothing before it
	do(t, quiet, 200, "GET", "/characteristics?id=2.9", "")
	if len(quiet.Events()) != 0 {
		t.Error("an event without a subscription")
	}
}

// from connects from a port of the client's choice; 0 is any.
func (h *home) from(t *testing.T, port int) (net.Conn, int) {
	t.Helper()
	dialer := net.Dialer{
		LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port},
		Control: func(_, _ string, c syscall.RawConn) error {
			var set error
			return errors.Join(c.Control(func(fd uintptr) { set = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1) }), set)
		},
	}
	var c net.Conn
	eventually(t, "the port is free", func() bool {
		var err error
		c, err = dialer.DialContext(context.Background(), "tcp", h.addr)
		return err == nil
	})
	t.Cleanup(func() { c.Close() })
	return c, c.LocalAddr().(*net.TCPAddr).Port
}
