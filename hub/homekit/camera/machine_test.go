package camera_test

import (
	"context"
	"errors"
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
	if v, _ := s.seat.Characteristic("118").Value(); len(v.Bytes()) > 3 {
		t.Error("what one controller wrote is in the database for all")
	}
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
	if v, _ := s.seat.Characteristic("118").Value(); len(v.Bytes()) > 3 {
		t.Error("keys in the database")
	}
	s.reads(p, 0, refused)
}

func TestAReservationEndsAfterThirtySeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, dark, stream.Options{})
		s.setUp(caller(1), 7, hap.StatusOK)
		time.Sleep(29 * time.Second)
		synctest.Wait()
		s.reads(caller(1), 7, ok)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		s.reads(caller(1), 0, refused)
		s.shows(available)
		if n := s.source.Stats().Viewers; n != 0 {
			t.Errorf("%d viewers are left", n)
		}
		s.setUp(caller(2), 8, hap.StatusOK)
		s.reads(caller(2), 8, ok)
	})
}
