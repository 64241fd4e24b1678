package camera_test

import (
	"net"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/media"
	"github.com/ingle-home/ingle/hub/hap/haptest"
	"github.com/ingle-home/ingle/hub/stream"
)

// everySeat is how many may watch at once.
const everySeat = 4

// guest is a viewer with picture and sound that can vanish.
type guest struct {
	*phone
	seat int
	eye  *receiver
	ear  *ear
}

// comes sets up a stream on a seat, and starts it.
func (p *porch) comes(seat int, start bool) *guest {
	p.t.Helper()
	client, err := haptest.Open(p.t.Context(), p.address, p.creds)
	if err != nil {
		p.t.Fatal(err)
	}
	// Not p.phone(): the test would hold the controllers, with what they heard, to its end.
	g := &guest{phone: &phone{p, client}, seat: seat, eye: newReceiver(p.t, p.host, byte(seat+1))}
	g.ear = newEar(p.t, g.eye.wish)
	g.write(seat, "118", g.eye.wish.setupBoth(g.eye.port(), port(g.ear.conn)), 204)
	answer := g.read(seat, "118")
	g.eye.accept(answer)
	g.ear.accept(answer)
	if start {
		g.write(seat, "117", g.eye.wish.withSound(1, 20, voiceSSRC), 204)
	}
	return g
}

// watches waits for picture and sound.
func (g *guest) watches() {
	g.t.Helper()
	until(g.t, "picture and sound", func() bool { return g.eye.seen() > 2 && len(g.ear.heard()) > 2 })
}

// loses closes the ports to which the stream goes, and forgets what came.
func (g *guest) loses() {
	g.eye.close()
	_ = g.ear.conn.Close()
	g.ear.done.Wait()
	// Nobody else reads them any more, and the test holds both to its end.
	g.eye.in, g.eye.out, g.eye.pictures, g.eye.reports, g.eye.open = nil, nil, nil, nil, nil
	g.ear.in, g.ear.out, g.ear.packets, g.ear.reports = nil, nil, nil, nil
}

// hangsUp ends the controller's connection, politely or as one whose machine has crashed.
func (g *guest) hangsUp(crash bool) {
	if tcp, ok := g.client.Socket().(*net.TCPConn); ok && crash {
		_ = tcp.SetLinger(0) // a reset
	}
	_ = g.client.Close()
}

// free waits until all seats are, and nobody holds the camera.
func (p *porch) free() {
	p.t.Helper()
	until(p.t, "all seats are free", func() bool {
		for seat := range everySeat {
			if p.status(seat) != available {
				return false
			}
		}
		return p.source.Stats().Viewers == 0
	})
}

// controllersVanish fills all seats with viewers in different moments of a stream; then their connections are cut.
func (p *porch) controllersVanish() {
	p.t.Helper()
	var guests []*guest
	for seat := range everySeat {
		guests = append(guests, p.comes(seat, seat > 0)) // the first has a seat only
	}
	for _, g := range guests[2:] {
		g.watches()
	}
	for _, g := range guests {
		g.hangsUp(g.seat%2 == 0)
	}
	p.free()
	for _, g := range guests {
		g.loses()
	}
}

// portsVanish fills all seats with viewers that see and hear; then nobody is at their ports any more, while
// their connections stay.
func (p *porch) portsVanish() {
	p.t.Helper()
	var guests []*guest
	for seat := range everySeat {
		guests = append(guests, p.comes(seat, true))
	}
	for _, g := range guests {
		g.watches()
	}
	for _, g := range guests {
		g.loses()
	}
	p.free()
	for _, g := range guests {
		g.hangsUp(false)
	}
}

// holds is what a process holds.
type holds struct{ descriptors, goroutines, heap int }

func holding(t *testing.T) holds {
	t.Helper()
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("it is not told here what a process has open: ", err)
	}
	runtime.GC()
	runtime.GC() // what a finalizer freed
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return holds{len(open), runtime.NumGoroutine(), int(m.HeapAlloc)}
}

// Viewers that vanish, in whichever way, leave no seat taken, no socket, no goroutine and no memory. 40 do so
// here, and 200 with INGLE_SOAK=1. It counts what the whole process has, so nothing else runs beside it.
func TestViewersThatVanishLeaveNothing(t *testing.T) {
	p := newPorchOf(t, v4, stream.Options{Linger: 50 * time.Millisecond}, media.PCMU)
	idle := func() {
		until(t, "the camera is let go", func() bool { return p.state().Connections == 0 })
	}
	hung, lost := 9, 1 // rounds of four
	if os.Getenv("INGLE_SOAK") != "" {
		hung, lost = 25, 25
	}
	p.controllersVanish() // what is made once is made
	idle()
	before := holding(t)
	for range hung {
		p.controllersVanish()
	}
	for range lost {
		p.portsVanish()
	}
	one := p.comes(0, true)
	one.watches()
	during := holding(t).descriptors
	one.hangsUp(true)
	p.free()
	one.loses()
	if during <= before.descriptors {
		t.Fatalf("a viewer opens nothing: %d descriptors, and %d without", during, before.descriptors)
	}
	idle()
	var after holds
	until(t, "descriptors and goroutines are as they were", func() bool {
		after = holding(t)
		return after.descriptors <= before.descriptors && after.goroutines <= before.goroutines
	})
	const allowed = 1 << 20 // bytes, however many have been: 5 KiB for each of 200
	if more := after.heap - before.heap; more > allowed {
		t.Errorf("%d viewers left %d bytes", everySeat*(hung+lost), more)
	}
	t.Logf("%d viewers: before %+v, with one %d descriptors, after %+v", everySeat*(hung+lost), before, during, after)
}
