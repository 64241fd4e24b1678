package stream_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingle-home/ingle/accessories/media"
	"github.com/ingle-home/ingle/hub/stream"
)

// drain fetches what waits for a viewer.
func drain(t *testing.T, v *stream.Viewer) (units, bytes int) {
	t.Helper()
	for {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		u, err := v.Next(ctx)
		cancel()
		if err != nil {
			return units, bytes
		}
		units, bytes = units+1, bytes+u.Size()
	}
}

// TestAFloodDoesNotFillTheMemory: a camera, broken or hostile, sends pictures of two bytes by the
// thousand, or huge ones faster than anybody passes them on.
func TestAFloodDoesNotFillTheMemory(t *testing.T) {
	for name, tc := range map[string]struct{ size, count int }{
		"tiny": {2, 20_000},
		"huge": {1 << 20, 100},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLens()
				s := stream.New(l.watch, stream.Options{GOPBytes: 1 << 20})
				defer s.Close()
				stuck := s.View(t.Context())
				defer stuck.Close()
				synctest.Wait()
				for n := range tc.count {
					u := unit(n)
					u.Key, u.NALs = n == 0, [][]byte{make([]byte, tc.size)}
					l.out(u)
				}
				newcomer := s.View(t.Context())
				defer newcomer.Close()
				if units, bytes := drain(t, newcomer); units > 5000 || bytes > 2<<20 {
					t.Errorf("the past has %d units of %d bytes", units, bytes)
				}
				if units, bytes := drain(t, stuck); units > 5000 || bytes > 4<<20 {
					t.Errorf("%d units of %d bytes wait for a viewer that is stuck", units, bytes)
				}
				if l.out(unit(0)); len(l.fail) != 0 {
					t.Error("the line broke")
				}
				if units, _ := drain(t, stuck); units == 0 {
					t.Error("a viewer that was stuck does not go on at a key picture")
				}
			})
		})
	}
}

// TestSoundThatFloodsIsBounded: so is sound.
func TestSoundThatFloodsIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLens()
		s := stream.New(l.watch, stream.Options{GOPBytes: 1 << 20})
		defer s.Close()
		v := s.View(t.Context())
		defer v.Close()
		synctest.Wait()
		l.out(unit(0))
		voice := &media.Track{Codec: media.PCMU, ClockRate: 8000, Channels: 1}
		for range 20_000 {
			l.out(&media.Unit{Track: voice, Sound: []byte{1}, At: time.Now()})
		}
		newcomer := s.View(t.Context())
		defer newcomer.Close()
		if units, _ := drain(t, newcomer); units > 5000 {
			t.Errorf("the past has %d units", units)
		}
	})
}
