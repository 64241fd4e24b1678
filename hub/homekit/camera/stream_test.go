package camera_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/hap/haptest"
)

// starts sets a stream up and starts it.
func (p *phone) starts(seat int, id byte) *receiver {
	p.t.Helper()
	r := newReceiver(p.t, p.host, id)
	p.write(seat, "118", r.wish.setup(r.port()), 204)
	r.accept(p.read(seat, "118"))
	p.write(seat, "117", r.wish.selection(start, ownSSRC), 204)
	return r
}

func (p *phone) subscribe(seat int) {
	p.t.Helper()
	p.do("PUT", "/characteristics", fmt.Sprintf(`{"characteristics":[{"aid":1,"iid":%d,"ev":true}]}`,
		p.services[seat].Characteristic("120").IID), 204)
}

func TestAReceiverSeesEveryPicture(t *testing.T) {
	t.Parallel()
	p := newPorch(t, v4).phone()
	other := p.porch.phone()
	other.subscribe(0)
	begin := time.Now()
	r := p.starts(0, 7)
	other.hears(0, inUse)
	until(t, "a first picture", func() bool { return r.seen() > 0 })
	t.Logf("first picture %v after SetupEndpoints, the camera not yet connected", r.firstPicture().Sub(begin))
	if got := p.read(0, "117"); !bytes.Equal(got, r.wish.selection(start, ownSSRC)) {
		t.Errorf("117 reads % x", got)
	}
	const wanted = 90 // three seconds
	until(t, "three seconds of pictures", func() bool { return r.seen() >= wanted })
	r.check(r.look(0))
	r.decode(r.look(0))
	r.checkReports()
	if n := r.most(); n > 1378 || n < 1300 {
		t.Errorf("the largest datagram has %d bytes", n)
	}

	warm := time.Now()
	second := other.starts(1, 8)
	until(t, "a first picture of the second viewer", func() bool { return second.seen() > 0 })
	t.Logf("first picture %v after SetupEndpoints, the camera connected", second.firstPicture().Sub(warm))
	until(t, "pictures from the cache and live", func() bool { return second.seen() >= 45 })
	second.check(second.look(0))
	second.decode(second.look(0))
	if n := p.state().Players; n != 1 {
		t.Errorf("the camera has %d viewers", n)
	}

	ended := time.Now()
	p.write(0, "117", r.wish.selection(end, 0), 204)
	if p.status(0) != available {
		t.Error("End is answered before the seat is free")
	}
	other.hears(0, available)
	t.Logf("End is heard of after %v", time.Since(ended))
	again := p.starts(0, 9)
	until(t, "pictures after End", func() bool { return again.seen() > 0 })
	until(t, "half a second after End", func() bool { return time.Since(ended) > 600*time.Millisecond })
	if !r.quiet(ended.Add(500 * time.Millisecond)) {
		t.Error("packets after End")
	}
}

func TestSuspendResumeReconfigure(t *testing.T) {
	t.Parallel()
	p := newPorch(t, v4).phone()
	r := p.starts(0, 7)
	until(t, "pictures", func() bool { return r.seen() >= 10 })
	p.write(0, "117", r.wish.selection(suspend, 0), 204)
	until(t, "an end of the pictures", func() bool {
		before := r.seen()
		<-time.After(300 * time.Millisecond)
		return r.seen() == before
	})
	before := r.seen()
	if p.status(0) != inUse {
		t.Error("a suspended stream has lost its seat")
	}
	p.write(0, "117", r.wish.selection(resume, 0), 204)
	until(t, "pictures again", func() bool { return r.seen() >= before+40 })
	resumed := r.look(before)
	r.check(resumed)
	r.decode(append(r.look(0)[:1], resumed...))
	if last := r.look(before - 1)[0].timestamp; int32(resumed[0].timestamp-last) <= 0 {
		t.Error("time went back")
	}

	p.write(0, "117", r.wish.selection(reconfigure, 0), 204)
	p.write(0, "117", r.wish.selection(start, ownSSRC), 204) // a retry of Start disturbs nothing
	at := r.seen()
	until(t, "a picture in the new size", func() bool { return r.seen() > at+1 })
	r.mu.Lock()
	r.largest, at = 0, len(r.pictures)
	r.mu.Unlock()
	until(t, "a key frame in small datagrams", func() bool { return r.seen() > at+35 })
	r.check(append(resumed[:1:1], r.look(before+1)...))
	if n := r.most(); n > 800 || n < 700 {
		t.Errorf("the largest datagram has %d bytes", n)
	}
}

func TestAStreamOutlivesTheCamerasLine(t *testing.T) {
	t.Parallel()
	p := newPorch(t, v4).phone()
	r := p.starts(0, 7)
	until(t, "pictures", func() bool { return r.seen() > 10 })
	if err := p.sim.Do(t.Context(), "drop", nil); err != nil {
		t.Fatal(err)
	}
	until(t, "a second call", func() bool { return p.source.Stats().Connections == 2 })
	before := r.seen()
	until(t, "pictures again", func() bool { return r.seen() >= before+30 })
	r.check(r.look(before))
	if all := r.look(before - 1); int32(all[1].timestamp-all[0].timestamp) <= 0 {
		t.Error("time went back")
	}
	if p.status(0) != inUse {
		t.Error("the seat was lost")
	}
}

func TestTwoViewersAndABusyThird(t *testing.T) {
	t.Parallel()
	porch := newPorch(t, v4)
	one, other, third := porch.phone(), porch.phone(), porch.phone()
	a, b, c := newReceiver(t, v4, 7), newReceiver(t, v4, 8), newReceiver(t, v4, 9)
	one.write(0, "118", a.wish.setup(a.port()), 204)
	other.write(0, "118", b.wish.setup(b.port()), 204)
	if got := other.read(0, "118"); haptest.Code(got, 2) != busy || string(haptest.Get(got, 1)) != b.wish.id {
		t.Errorf("the second controller reads % x on the taken seat", got)
	}
	other.write(1, "118", b.wish.setup(b.port()), 204)
	for seat := range 2 {
		third.write(seat, "118", c.wish.setup(c.port()), 204)
		if got := third.read(seat, "118"); haptest.Code(got, 2) != busy || string(haptest.Get(got, 1)) != c.wish.id {
			t.Errorf("the third controller reads % x", got)
		}
		third.write(seat, "117", c.wish.selection(start, ownSSRC), 207)
	}
	seen := database(one)
	for _, w := range []wish{a.wish, b.wish, c.wish} {
		if bytes.Contains(seen, w.video[:16]) || bytes.Contains(seen, w.audio[:16]) {
			t.Error("any controller finds keys in the database")
		}
	}
	b.accept(other.read(1, "118"))
	a.accept(one.read(0, "118"))
	if a.ssrc == b.ssrc || a.to == b.to {
		t.Errorf("both viewers have %x at %v", a.ssrc, a.to)
	}
	one.write(0, "117", a.wish.selection(start, ownSSRC), 204)
	other.write(1, "117", b.wish.selection(start, ownSSRC), 204)
	for _, r := range []*receiver{a, b} {
		until(t, "pictures", func() bool { return r.seen() >= 45 })
		r.check(r.look(0))
	}
}

// database gives all TLVs that a controller can see, decoded.
func database(p *phone) []byte {
	var all []byte
	for _, text := range bytes.Split(p.do("GET", "/accessories", "", 200), []byte{'"'}) {
		if raw, err := base64.StdEncoding.DecodeString(string(text)); err == nil {
			all = append(all, raw...)
		}
	}
	return all
}

func TestPrivacyStopsTheStream(t *testing.T) {
	t.Parallel()
	p := newPorch(t, v4).phone()
	p.subscribe(0)
	r := p.starts(0, 7)
	until(t, "pictures", func() bool { return r.seen() > 0 })
	begin := time.Now()
	p.source.Pause(true)
	p.hears(0, unavailable)
	if took := time.Since(begin); took > time.Second {
		t.Errorf("StreamingStatus says so after %v", took)
	}
	stopped := time.Now()
	if got := p.do("POST", "/resource", `{"resource-type":"image","image-width":320,"image-height":240}`, 207); !bytes.Contains(got, []byte("-70412")) {
		t.Errorf("a snapshot gives %s", got)
	}
	for _, typ := range []string{"117", "118"} {
		value := r.wish.setup(r.port())
		if typ == "117" {
			value = r.wish.selection(end, 0)
		}
		if got := p.write(0, typ, value, 207); !bytes.Contains(got, []byte("-70412")) {
			t.Errorf("writing %s gives %s", typ, got)
		}
	}
	if got := p.read(0, "118"); haptest.Code(got, 2) != refused {
		t.Errorf("118 reads % x", got)
	}
	until(t, "the camera's line is closed", func() bool { return p.state().Connections == 0 })
	<-time.After(200 * time.Millisecond)
	if !r.quiet(stopped.Add(100 * time.Millisecond)) {
		t.Error("packets under Privacy")
	}
	p.source.Pause(false)
	p.hears(0, available)
	again := p.starts(0, 8)
	until(t, "pictures after Privacy", func() bool { return again.seen() > 0 })
}

func TestAReceiverOverIPv6(t *testing.T) {
	t.Parallel()
	if l, err := net.Listen("tcp", "[::1]:0"); err != nil {
		t.Skip("no IPv6 here: ", err)
	} else {
		_ = l.Close()
	}
	p := newPorch(t, v6).phone()
	r := p.starts(0, 7)
	until(t, "pictures", func() bool { return r.seen() >= 35 })
	r.check(r.look(0))
	if n := r.most(); n > 1228 || n < 1150 {
		t.Errorf("the largest datagram has %d bytes", n)
	}
}
