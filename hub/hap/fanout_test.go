package hap_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
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
		if typ == "22" {
			c.Format = hap.FormatBool
		}
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
			now, _ := h.Value()
			if got := next(t, c); len(got) != 1 || got[0].AID != uint64(3+i) || string(got[0].Value) != now.String() {
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

// TestStalledWithLittleToSay: the buffers of the kernel would hold hours of what
// a quiet house tells, yet who does not read is gone within ten seconds.
func TestStalledWithLittleToSay(t *testing.T) {
	if os.Getenv("INGLE_SOAK") == "" {
		t.Skip("takes ten seconds: set INGLE_SOAK")
	}
	t.Parallel()
	accs, on := lamps()
	h, creds, c := paired(t, hap.Options{}, accs...)
	put(t, c, 204, subscribe)
	stalled := h.slim(t, creds)
	stalled.socket.(*net.TCPConn).SetReadBuffer(4096)
	for aid := 2; aid <= 101; aid++ {
		entry := fmt.Sprintf(`{"characteristics":[{"aid":%d,"iid":9,"ev":true}]}`, aid)
		stalled.ask(t, haptest.Request("PUT", "/characteristics", []byte(entry)), 204)
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	state := false
	for end := time.Now().Add(11 * time.Second); time.Now().Before(end); <-tick.C {
		state = !state
		for _, o := range on[:100] {
			o.Set(hap.Bool(state))
		}
	}
	for got := ""; got != hap.Bool(state).String(); {
		e := next(t, c)
		got = string(e[len(e)-1].Value)
	}
	stalled.socket.SetReadDeadline(time.Now().Add(time.Second))
	for {
		if _, err := stalled.receive(); err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error("it is still there")
			}
			return
		}
	}
}
