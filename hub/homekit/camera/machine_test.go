package camera_test

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingle-home/ingle/accessories/media"
	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/hap/haptest"
	"github.com/ingle-home/ingle/hub/homekit/camera"
	"github.com/ingle-home/ingle/hub/stream"
)

// What StreamingStatus, the answer to SetupEndpoints and a selection say.
const (
	available, inUse, unavailable            = 0, 1, 2
	ok, busy, refused                        = 0, 1, 2
	end, start, suspend, resume, reconfigure = 0, 1, 2, 3, 4
)

// stage is the first seat of a camera, with controllers made by hand.
type stage struct {
	t      *testing.T
	source *stream.Source
	seat   *hap.Service
}

func newStage(t *testing.T, watch func(context.Context, func(*media.Unit)) error, o stream.Options) *stage {
	t.Helper()
	source := stream.New(watch, o)
	c := camera.New(camera.Options{Source: source})
	t.Cleanup(func() {
		c.Close()
		_ = source.Close()
	})
	return &stage{t, source, c.Services()[0]}
}

// dark is a camera that never gives a picture.
func dark(ctx context.Context, _ func(*media.Unit)) error {
	<-ctx.Done()
	return ctx.Err()
}

func caller(number uint64) *hap.Peer {
	return &hap.Peer{Number: number, Local: netip.MustParseAddrPort("127.0.0.1:1"), Remote: netip.MustParseAddrPort("127.0.0.1:2")}
}

func (s *stage) write(p *hap.Peer, typ string, value []byte, want hap.Status) {
	s.t.Helper()
	_, err := s.seat.Characteristic(typ).OnWrite(s.t.Context(), p, hap.Bytes(value))
	if want == hap.StatusOK && err != nil || want != hap.StatusOK && !errors.Is(err, want) {
		s.t.Errorf("writing %s gives %v, want %v", typ, err, want)
	}
}

func (s *stage) setUp(p *hap.Peer, id byte, want hap.Status) {
	s.t.Helper()
	s.write(p, "118", newWish(id).setup(9), want)
}

func (s *stage) choose(p *hap.Peer, id, command byte, want hap.Status) {
	s.t.Helper()
	s.write(p, "117", newWish(id).selection(command, 0), want)
}

// reads what a controller finds in SetupEndpoints.
func (s *stage) reads(p *hap.Peer, id byte, status int) []byte {
	s.t.Helper()
	v, err := s.seat.Characteristic("118").OnRead(s.t.Context(), p)
	if err != nil {
		s.t.Fatal(err)
	}
	b := v.Bytes()
	got := haptest.Get(b, 1)
	if haptest.Code(b, 2) != status || id == 0 && got != nil || id != 0 && string(got) != newWish(id).id {
		s.t.Errorf("controller %d reads % x, want status %d", p.Number, b, status)
	}
	return b
}

func (s *stage) shows(status int) {
	s.t.Helper()
	until(s.t, "StreamingStatus", func() bool {
		v, _ := s.seat.Characteristic("120").Value()
		return haptest.Code(v.Bytes(), 1) == status
	})
}

func TestSessionMachine(t *testing.T) {
	s := newStage(t, dark, stream.Options{})
	one, two := caller(1), caller(2)
	s.shows(available)
	s.reads(one, 0, refused)
	s.choose(one, 7, end, hap.StatusInvalidValue)

	s.setUp(one, 7, hap.StatusOK)
	s.shows(inUse)
	s.setUp(two, 8, hap.StatusOK)
	first := s.reads(one, 7, ok)
	s.reads(two, 8, busy)
	s.reads(caller(3), 0, refused)
	for _, unknown := range []func(){
		func() { s.choose(one, 9, start, hap.StatusInvalidValue) },
		func() { s.choose(two, 8, start, hap.StatusInvalidValue) },
		func() { s.choose(two, 7, end, hap.StatusInvalidValue) },
		func() { s.write(one, "117", []byte{1, 200}, hap.StatusInvalidValue) },
		func() { s.write(one, "118", []byte{1, 200}, hap.StatusInvalidValue) },
		func() { s.choose(one, 7, suspend, hap.StatusNotAllowed) },
		func() { s.choose(one, 7, reconfigure, hap.StatusNotAllowed) },
	} {
		unknown()
		s.shows(inUse)
		s.reads(one, 7, ok)
	}

	s.setUp(one, 10, hap.StatusOK) // anew, before Start
	second := s.reads(one, 10, ok)
	if string(haptest.Get(first, 6)) == string(haptest.Get(second, 6)) {
		t.Error("two streams have one SSRC")
	}
	s.choose(one, 7, start, hap.StatusInvalidValue)
	ours := haptest.Get(second, 6)
	s.write(one, "117", newWish(10).selection(start, uint32(ours[0])|uint32(ours[1])<<8|uint32(ours[2])<<16|uint32(ours[3])<<24), hap.StatusInvalidValue)
	for _, command := range []byte{start, start, suspend, suspend, start, resume, resume, reconfigure} {
		s.choose(one, 10, command, hap.StatusOK)
		s.shows(inUse)
	}
	s.setUp(one, 11, hap.StatusOK) // a running stream stays
	s.reads(one, 11, busy)
	s.choose(one, 10, end, hap.StatusOK)
	if v, _ := s.seat.Characteristic("120").Value(); haptest.Code(v.Bytes(), 1) != available {
		t.Error("End is answered before the seat is free")
	}
	s.choose(one, 10, end, hap.StatusInvalidValue)
	s.setUp(two, 12, hap.StatusOK)
	s.reads(two, 12, ok)
	s.choose(two, 12, end, hap.StatusOK)
	s.reads(two, 0, refused)
}

func TestPicturesGoToTheHomeOnly(t *testing.T) {
	s := newStage(t, dark, stream.Options{})
	w := newWish(7)
	w.address = "8.8.8.8"
	s.write(caller(1), "118", w.setup(9), hap.StatusInvalidValue)
	s.shows(available)
}

func TestPrivacyInTheSessionMachine(t *testing.T) {
	s := newStage(t, dark, stream.Options{})
	p := caller(1)
	s.setUp(p, 7, hap.StatusOK)
	s.source.Pause(true)
	s.shows(unavailable)
	s.reads(p, 0, refused)
	s.choose(p, 7, start, hap.StatusNotAllowed)
	s.setUp(p, 8, hap.StatusNotAllowed)
	s.source.Pause(false)
	s.shows(available)
	s.choose(p, 7, start, hap.StatusInvalidValue)
	s.setUp(p, 9, hap.StatusOK)
	s.reads(p, 9, ok)
}

func TestASourceThatGivesUp(t *testing.T) {
	wrong := errors.New("wrong password")
	answer := make(chan struct{})
	s := newStage(t, func(ctx context.Context, _ func(*media.Unit)) error {
		select {
		case <-answer:
		case <-ctx.Done():
		}
		return wrong
	}, stream.Options{GiveUp: func(err error) bool { return errors.Is(err, wrong) }})
	p := caller(1)
	s.setUp(p, 7, hap.StatusOK)
	s.choose(p, 7, start, hap.StatusOK)
	s.shows(inUse)
	close(answer)
	s.shows(unavailable)
	s.setUp(p, 8, hap.StatusOK)
	s.reads(p, 0, refused)
}

func TestAReservationEndsAfterThirtySeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, dark, stream.Options{})
		s.setUp(caller(1), 7, hap.StatusOK)
		<-time.After(29 * time.Second)
		synctest.Wait()
		where := haptest.Get(s.reads(caller(1), 7, ok), 3)
		ports := []uint16{binary.LittleEndian.Uint16(haptest.Get(where, 3)), binary.LittleEndian.Uint16(haptest.Get(where, 4))}
		<-time.After(2 * time.Second)
		synctest.Wait()
		s.reads(caller(1), 0, refused)
		s.shows(available)
		if n := s.source.Stats().Viewers; n != 0 {
			t.Errorf("%d viewers are left", n)
		}
		for _, port := range ports {
			if again, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(v4), port))); err != nil {
				t.Error("a port is still open: ", err)
			} else {
				_ = again.Close()
			}
		}
		s.setUp(caller(2), 8, hap.StatusOK)
		s.reads(caller(2), 8, ok)
	})
}

// burstOf gives a key unit and what follows it, all at once, as a camera's cache does.
func burstOf(pictures, size int) []*media.Unit {
	track := &media.Track{Codec: media.H264, SPS: []byte{0x67, 1, 2}, PPS: []byte{0x68, 1}}
	var list []*media.Unit
	for i := range pictures {
		slice := make([]byte, size)
		slice[0] = 0x41
		if i == 0 {
			slice[0] = 0x65
		}
		at := time.Duration(i) * time.Second / 30
		list = append(list, &media.Unit{Track: track, NALs: [][]byte{slice}, Key: i == 0, PTS: at, At: time.Now().Add(at - time.Second)})
	}
	return list
}

func TestACachedPictureIsPacedAndJoinsLive(t *testing.T) {
	const cached, live, size = 60, 30, 20_000
	units := burstOf(cached+live, size)
	more := make(chan struct{})
	s := newStage(t, func(ctx context.Context, out func(*media.Unit)) error {
		for _, u := range units[:cached] {
			out(u)
		}
		select {
		case <-more:
		case <-ctx.Done():
			return ctx.Err()
		}
		for _, u := range units[cached:] {
			out(u)
		}
		<-ctx.Done()
		return ctx.Err()
	}, stream.Options{})
	guest := s.source.View(t.Context())
	defer guest.Close()
	until(t, "the cache is full", func() bool { return s.source.Stats().Units == cached })
	r := newReceiver(t, v4, 7)
	s.write(caller(1), "118", r.wish.setup(r.port()), hap.StatusOK)
	r.accept(s.reads(caller(1), 7, ok))
	begin := time.Now()
	s.write(caller(1), "117", r.wish.selection(start, ownSSRC), hap.StatusOK)
	until(t, "half the cache", func() bool { return r.seen() > cached/2 })
	close(more) // live begins in the middle of the catching up
	until(t, "the newest picture", func() bool { return r.seen() >= cached+live })
	bits := float64(8 * size * (cached + live))
	if took := time.Since(begin).Seconds(); bits/took > 21e6 {
		t.Errorf("%.0f Mbit/s", bits/took/1e6)
	}
	r.check(r.look(0))
	for i, p := range r.look(1) {
		if step := p.timestamp - r.look(i)[0].timestamp; step < 2999 || step > 3001 {
			t.Fatalf("picture %d comes %d ticks after the one before", i+1, step)
		}
	}
}
