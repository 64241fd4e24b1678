package hap_test

import (
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/hap/haptest"
)

// lamps are a bridge and 149 lamps, aid 2 to 150.
func lamps() (accs []*hap.Accessory, on []*hap.Characteristic) {
	accs = append(accs, bridge())
	for aid := uint64(2); aid <= 150; aid++ {
		a, o, _ := lamp(aid, fmt.Sprint("Lamp ", aid))
		accs, on = append(accs, a), append(on, o)
	}
	return accs, on
}

// list is "2.9,3.9,…" with n of the lamps.
func list(n int) string {
	var ids []string
	for aid := 2; aid < n+2; aid++ {
		ids = append(ids, fmt.Sprintf("%d.9", aid))
	}
	return strings.Join(ids, ",")
}

// usual are the requests that controllers make all day.
func usual() map[string][]byte {
	return map[string][]byte{
		"get1":        haptest.Request("GET", "/characteristics?id=2.9", nil),
		"get20":       haptest.Request("GET", "/characteristics?id="+list(20), nil),
		"get100":      haptest.Request("GET", "/characteristics?id="+list(100), nil),
		"put1":        haptest.Request("PUT", "/characteristics", []byte(`{"characteristics":[{"aid":2,"iid":9,"value":true}]}`)),
		"subscribe":   haptest.Request("PUT", "/characteristics", []byte(`{"characteristics":[`+subscribe+`]}`)),
		"accessories": haptest.Request("GET", "/accessories", nil),
	}
}

func statusOf(name string) int {
	if name == "put1" || name == "subscribe" {
		return 204
	}
	return 200
}

// BenchmarkRequests counts client and server together: both run in this process,
// but the client allocates nothing.
func BenchmarkRequests(b *testing.B) {
	accs, _ := lamps()
	h, creds, _ := paired(b, hap.Options{}, accs...)
	c := h.slim(b, creds)
	for name, request := range usual() {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.ask(b, request, statusOf(name))
			}
		})
	}
}

// TestUsualRequestsAllocateNothing must not run beside other tests: it counts
// what the whole process allocates, of which the client does not a byte.
func TestUsualRequestsAllocateNothing(t *testing.T) {
	accs, _ := lamps()
	h, creds, _ := paired(t, hap.Options{}, accs...)
	c := h.slim(t, creds)
	for name, request := range usual() {
		c.ask(t, request, statusOf(name)) // buffers find their size
		if n := testing.AllocsPerRun(100, func() { c.ask(t, request, statusOf(name)) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// TestChangesAllocateNothing: a device may report all day.
func TestChangesAllocateNothing(t *testing.T) {
	accs, on := lamps()
	h, creds, _ := paired(t, hap.Options{Limits: hap.Limits{Window: 1}}, accs...)
	c := h.slim(t, creds)
	c.ask(t, usual()["subscribe"], 204)
	state := false
	change := func() {
		state = !state
		if err := on[0].Set(hap.Bool(state)); err != nil {
			t.Error(err)
		}
		if _, err := c.receive(); err != nil {
			t.Error(err)
		}
	}
	change()
	if n := testing.AllocsPerRun(100, change); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// counting is a listener that counts the writes of its connections.
type counting struct {
	net.Listener
	writes *atomic.Int64
}

func (l counting) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return counted{c, l.writes}, err
}

type counted struct {
	net.Conn
	writes *atomic.Int64
}

func (c counted) Write(b []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(b)
}

// TestOneWrite of the socket per answer and per event message: each costs more
// than everything else that is done for it.
func TestOneWrite(t *testing.T) {
	t.Parallel()
	var writes atomic.Int64
	accs, on := lamps()
	h := start(t, func(l net.Listener) net.Listener { return counting{l, &writes} }, hap.Options{}, &disk{}, accs...)
	creds, err := haptest.Pair(h.ctx, h.addr, h.Setup().Code, haptest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := h.slim(t, creds)
	for name, request := range usual() {
		before := writes.Load()
		c.ask(t, request, statusOf(name))
		if n := writes.Load() - before; n != 1 {
			t.Errorf("%s: %d writes", name, n)
		}
	}
	before := writes.Load()
	if err := on[0].Set(hap.Bool(false)); err != nil { // put1 made it true
		t.Fatal(err)
	}
	if _, err := c.receive(); err != nil {
		t.Fatal(err)
	}
	if n := writes.Load() - before; n != 1 {
		t.Errorf("event: %d writes", n)
	}
}
