package camera

import (
	"bytes"
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/media"
	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/stream"
)

// The keys of a stream are zeroes once it is over, those of the answer too.
func TestCheck22KeysAreWiped(t *testing.T) {
	source := stream.New(func(ctx context.Context, _ func(*media.Unit)) error {
		<-ctx.Done()
		return ctx.Err()
	}, stream.Options{})
	defer source.Close()
	p := &hap.Peer{Number: 1, Local: netip.MustParseAddrPort("127.0.0.1:1"), Remote: netip.MustParseAddrPort("127.0.0.1:2")}
	setup := raw(t, "0110"+sessionID+"0316"+"010100"+"0209"+"3132372e302e302e31"+"0302"+"50c3"+"0402"+"51c3"+ofVideo+ofAudio)
	for name, finish := range map[string]func(*Camera, *seat) error{
		"End": func(_ *Camera, s *seat) error {
			_, err := s.choose(t.Context(), p, hap.Bytes(raw(t, control+"00")))
			return err
		},
		"Close":   func(c *Camera, _ *seat) error { c.Close(); return nil },
		"Privacy": func(c *Camera, _ *seat) error { source.Pause(true); return nil },
	} {
		c := New(Options{Source: source})
		s := c.seats[0]
		if _, err := s.setUp(t.Context(), p, hap.Bytes(setup)); err != nil {
			t.Fatal(err)
		}
		if _, err := s.choose(t.Context(), p, hap.Bytes(raw(t, wantsSound))); err != nil {
			t.Fatal(err)
		}
		s.mu.Lock()
		w, answer := s.viewer, s.answers[p.Number].raw
		s.mu.Unlock()
		if !bytes.Contains(answer, raw(t, videoKey)) || !bytes.Equal(w.setup.videoKey.master, raw(t, videoKey)) {
			t.Fatal("there are no keys to wipe")
		}
		if err := finish(c, s); err != nil {
			t.Error(name, err)
		}
		wiped(t, name, c, w, answer)
		source.Pause(false)
	}
}

// wiped waits for the end of a camera's streams and looks at the keys of one.
func wiped(t *testing.T, name string, c *Camera, w *viewer, answer []byte) {
	t.Helper()
	select {
	case <-w.ctx.Done():
	case <-time.After(30 * time.Second):
		t.Fatal(name, ": the stream goes on")
	}
	c.Close()
	for _, b := range [][]byte{answer, w.setup.videoKey.master, w.setup.videoKey.salt, w.setup.audioKey.master, w.setup.audioKey.salt} {
		if len(bytes.Trim(b, "\x00")) > 0 {
			t.Errorf("after %s, % x is left", name, b)
		}
	}
}
