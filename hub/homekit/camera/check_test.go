package camera_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/srtp/v3"

	"github.com/ingle-home/ingle/hub/hap/haptest"
)

// These are the checks of a camera that a HomeKit server is held to, each through real sockets: a
// controller that is paired, a camera that streams, and a receiver that decrypts.

func TestCheck22IdleReads(t *testing.T) {
	t.Parallel()
	p := newPorch(t, v4).phone()
	idle := func(when string) {
		t.Helper()
		for seat := range 2 {
			if got := hex.EncodeToString(p.read(seat, "118")); got != "020102" {
				t.Errorf("%s, 118 reads %s", when, got)
			}
			if got := hex.EncodeToString(p.read(seat, "117")); got != "0103020102" {
				t.Errorf("%s, 117 reads %s", when, got)
			}
			if got := hex.EncodeToString(p.read(seat, "120")); got != "010100" {
				t.Errorf("%s, 120 reads %s", when, got)
			}
		}
	}
	idle("before all")
	r := p.starts(0, 7)
	if got := p.read(0, "117"); !bytes.Equal(got, r.wish.selection(start, ownSSRC)) {
		t.Errorf("117 reads % x", got)
	}
	p.write(0, "117", r.wish.selection(end, 0), 204)
	idle("after End")
	p.starts(1, 8)
	p.source.Pause(true)
	until(t, "Privacy is seen", func() bool { return p.status(1) == unavailable })
	p.source.Pause(false)
	until(t, "Privacy is over", func() bool { return p.status(1) == available && p.status(0) == available })
	idle("after Privacy")
}

func TestCheck22SetupIsEchoed(t *testing.T) {
	t.Parallel()
	porch := newPorch(t, v4)
	p, other := porch.phone(), porch.phone()
	r := newReceiver(t, v4, 7)
	p.write(0, "118", r.wish.setup(r.port()), 204)
	got := p.read(0, "118")
	if !bytes.Equal(haptest.Get(got, 4), keyFields(r.wish.video)) || !bytes.Equal(haptest.Get(got, 5), keyFields(r.wish.audio)) {
		t.Error("the keys are not echoed")
	}
	where := haptest.Get(got, 3)
	if string(haptest.Get(got, 1)) != r.wish.id || haptest.Code(got, 2) != ok || haptest.Code(where, 1) != 0 || string(haptest.Get(where, 2)) != v4 {
		t.Errorf("118 reads % x", got)
	}
	if video, sound := haptest.Get(got, 6), haptest.Get(got, 7); len(video) != 4 || len(sound) != 4 || bytes.Equal(video, sound) {
		t.Errorf("SSRCs % x and % x", video, sound)
	}
	if again := p.read(0, "118"); !bytes.Equal(got, again) {
		t.Error("a second read differs")
	}
	if theirs := other.read(0, "118"); hex.EncodeToString(theirs) != "020102" {
		t.Errorf("another connection reads % x", theirs)
	}
}

func TestCheck22UnknownSession(t *testing.T) {
	t.Parallel()
	porch := newPorch(t, v4)
	p, other := porch.phone(), porch.phone()
	r := p.starts(0, 7)
	until(t, "pictures", func() bool { return r.seen() > 0 })
	stranger := newWish(9)
	for name, write := range map[string]func() []byte{
		"an unknown session":         func() []byte { return p.write(0, "117", stranger.selection(end, 0), 207) },
		"a session of another seat":  func() []byte { return p.write(1, "117", r.wish.selection(end, 0), 207) },
		"another connection's":       func() []byte { return other.write(0, "117", r.wish.selection(end, 0), 207) },
		"another connection's pause": func() []byte { return other.write(0, "117", r.wish.selection(suspend, 0), 207) },
	} {
		if got := write(); !bytes.Contains(got, []byte(`"status":-70410`)) {
			t.Errorf("%s: %s", name, got)
		}
	}
	before := r.seen()
	until(t, "the stream goes on", func() bool { return r.seen() > before+10 })
	if p.status(0) != inUse {
		t.Error("the seat is lost")
	}
}

// A seat whose viewer is silent is free within 6 s. On a machine that stands still now and then, one
// of three tries must be.
func TestCheck22SilentViewerIsFreed(t *testing.T) {
	t.Parallel()
	p := newPorch(t, v4).phone()
	stays := p.starts(0, 7)
	until(t, "pictures", func() bool { return stays.seen() > 0 })
	const allowed = 6 * time.Second
	var took time.Duration
	for try := range byte(3) {
		gone := p.starts(1, 8+try)
		until(t, "pictures", func() bool { return gone.seen() > 0 })
		close(gone.hush)
		took = until(t, "the seat is free", func() bool { return p.status(1) == available })
		if took <= allowed {
			break
		}
	}
	t.Logf("a silent receiver is freed after %v", took)
	if took > allowed {
		t.Errorf("a silent receiver is freed after %v", took)
	}
	if p.status(0) != inUse {
		t.Error("a receiver that answers has lost its seat")
	}
}

// Reports from another address, or under another key, are not the viewer's: they hold no seat.
func TestCheck22StrangersReportsHoldNoSeat(t *testing.T) {
	t.Parallel()
	p := newPorch(t, v4).phone()
	r := p.starts(0, 7)
	until(t, "pictures", func() bool { return r.seen() > 0 })
	close(r.hush)
	elsewhere, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.2:0")))
	if err != nil {
		t.Fatal(err)
	}
	defer elsewhere.Close()
	wrong := cipherOf(t, bytes.Repeat([]byte{1}, 30))
	plain, err := (&rtcp.ReceiverReport{SSRC: ownSSRC, Reports: []rtcp.ReceptionReport{{SSRC: r.ssrc}}}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	say := func(from *net.UDPConn, c *srtp.Context) {
		sealed, err := c.EncryptRTCP(nil, plain, nil)
		if err == nil {
			_, err = from.WriteToUDPAddrPort(sealed, r.to)
		}
		if err != nil {
			t.Error(err)
		}
	}
	begun := time.Now()
	until(t, "the seat is free", func() bool {
		if p.status(0) == available {
			return true
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		say(elsewhere, r.out)
		say(r.conn, wrong)
		return false
	})
	if took := time.Since(begun); took > 10*time.Second { // 5 s, and what a busy machine takes
		t.Errorf("a viewer whose reports come from elsewhere keeps its seat for %v", took)
	}
}

// A connection that closes frees what it set up, started or not, and nothing else.
func TestCheck22ClosedConnectionIsFreed(t *testing.T) {
	t.Parallel()
	porch := newPorch(t, v4)
	p, other := porch.phone(), porch.phone()
	mine, theirs := p.starts(0, 7), other.starts(1, 8)
	until(t, "pictures", func() bool { return mine.seen() > 0 && theirs.seen() > 0 })
	_ = p.client.Close()
	took := until(t, "the seat is free", func() bool { return p.status(0) == available })
	t.Logf("the seat of a closed connection is freed after %v", took)
	if took > time.Second {
		t.Errorf("the seat of a closed connection is freed after %v", took)
	}
	idle := porch.phone()
	idle.write(0, "118", newWish(9).setup(mine.port()), 204)
	_ = idle.client.Close()
	until(t, "a reserved seat is free", func() bool { return porch.status(0) == available })
	before := theirs.seen()
	until(t, "the other stream goes on", func() bool { return theirs.seen() > before+10 })
}

// Two streams at once, both whole; the third viewer reads busy on both seats until one ends.
func TestCheck22TwoStreamsAndABusyThird(t *testing.T) {
	t.Parallel()
	porch := newPorch(t, v4)
	one, two, three := porch.phone(), porch.phone(), porch.phone()
	a, b := one.starts(0, 7), two.starts(1, 8)
	until(t, "pictures", func() bool { return a.seen() >= 40 && b.seen() >= 40 })
	c := newReceiver(t, v4, 9)
	for seat := range 2 {
		three.write(seat, "118", c.wish.setup(c.port()), 204)
		if got, want := three.read(seat, "118"), haptest.Pack(haptest.Field{Type: 1, Value: []byte(c.wish.id)}, haptest.Field{Type: 2, Value: []byte{busy}}); !bytes.Equal(got, want) {
			t.Errorf("seat %d: the third reads % x", seat, got)
		}
	}
	one.write(0, "117", a.wish.selection(end, 0), 204)
	three.write(0, "118", c.wish.setup(c.port()), 204)
	c.accept(three.read(0, "118"))
	three.write(0, "117", c.wish.selection(start, ownSSRC), 204)
	until(t, "pictures for the third", func() bool { return c.seen() >= 30 })
	for _, r := range []*receiver{a, b, c} {
		r.check(r.look(0))
	}
	a.decode(a.look(0))
	b.decode(b.look(0))
	if n := porch.state().Players; n != 1 {
		t.Errorf("the camera has %d viewers", n)
	}
}

func still(width, height int) string {
	return fmt.Sprintf(`{"resource-type":"image","image-width":%d,"image-height":%d,"reason":1}`, width, height)
}
