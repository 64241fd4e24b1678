package camera_test

import (
	"context"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/media"
	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/homekit/camera"
	"github.com/ingle-home/ingle/hub/sound"
)

// said is what the camera's loudspeaker played.
type said struct {
	calls  atomic.Int32
	ends   atomic.Int32
	frames chan []byte
}

func newSaid() *said { return &said{frames: make(chan []byte, 4096)} }

func (l *said) play(ctx context.Context, next func(context.Context) ([]byte, error)) error {
	l.calls.Add(1)
	defer l.ends.Add(1)
	for {
		frame, err := next(ctx)
		if err != nil {
			if err == io.EOF {
				return nil
			}
			return err
		}
		l.frames <- frame
	}
}

// words are two seconds of a tone as a viewer sends them.
func words(t *testing.T, rate int, each time.Duration) [][]byte {
	t.Helper()
	e, err := sound.NewEncoder(t.Context(), sound.Format{Rate: rate, PacketTime: each}, sound.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	var list [][]byte
	for n := range 100 {
		packets, err := e.Encode(&media.Unit{Track: telephone, Sound: spoken(n), PTS: time.Duration(n) * 20 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range packets {
			list = append(list, p.Payload)
		}
	}
	return list
}

func TestWhatIsSaidReachesTheLoudspeaker(t *testing.T) {
	for _, each := range []time.Duration{20 * time.Millisecond, 60 * time.Millisecond} {
		t.Run(each.String(), func(t *testing.T) {
			t.Parallel()
			l := newSaid()
			s, services := newTalkingStage(t, camera.Options{Talk: l.play})
			if n := len(services); n != 6 || services[5].Type != "113" || services[5].Characteristic("11A") == nil {
				t.Fatalf("%d services, no loudspeaker", n)
			}
			r, e := s.listens(7, 1, byte(each/time.Millisecond))
			until(t, "pictures", func() bool { return r.seen() > 0 })
			if l.calls.Load() != 0 {
				t.Error("the loudspeaker is open before anything is said")
			}
			tick := time.NewTicker(each)
			defer tick.Stop()
			for _, payload := range words(t, 16000, each) {
				e.say(e.conn, e.out, voiceSSRC, payload)
				<-tick.C
			}
			until(t, "a second and a half of speech", func() bool { return len(l.frames) >= 75 })
			var pcm []int16
			for range 75 {
				frame := <-l.frames
				if len(frame) != 160 {
					t.Fatalf("a frame of %d bytes", len(frame))
				}
				for _, b := range frame {
					pcm = append(pcm, int16(linear(b)))
				}
			}
			if db := loudness(pcm[1600:], 8000); db < 10 {
				t.Errorf("the tone stands %.0f dB above the rest", db)
			}
			if l.calls.Load() != 1 {
				t.Errorf("the loudspeaker was opened %d times", l.calls.Load())
			}
			s.write(caller(1), "117", r.wish.selection(end, 0), hap.StatusOK)
			until(t, "the loudspeaker is let go", func() bool { return l.ends.Load() == 1 })
		})
	}
}

func TestWhatIsNotSaidByTheViewer(t *testing.T) {
	t.Parallel()
	l := newSaid()
	s, services := newTalkingStage(t, camera.Options{Talk: l.play})
	r, e := s.listens(7, 1, 20)
	until(t, "pictures", func() bool { return r.seen() > 0 })
	payload := words(t, 16000, 20*time.Millisecond)[10]
	elsewhere, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.2:0")))
	if err != nil {
		t.Fatal(err)
	}
	defer elsewhere.Close()
	wrong := cipherOf(t, slices.Repeat([]byte{1}, 30))
	for range 20 {
		e.say(elsewhere, e.out, voiceSSRC, payload) // from another address
		e.say(e.conn, wrong, voiceSSRC, payload)    // with another key
		e.say(e.conn, e.out, voiceSSRC+1, payload)  // under another number
		for _, raw := range [][]byte{{}, {0x80}, make([]byte, 30), slices.Repeat([]byte{0xff}, 1400)} {
			if _, err := e.conn.WriteToUDPAddrPort(raw, e.to); err != nil {
				t.Fatal(err)
			}
		}
	}
	speaker := services[5].Characteristic("11A")
	if err := speaker.Set(hap.Bool(true)); err != nil {
		t.Fatal(err)
	}
	again := e.say(e.conn, e.out, voiceSSRC, payload)
	<-time.After(200 * time.Millisecond)
	if err := speaker.Set(hap.Bool(false)); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if _, err := e.conn.WriteToUDPAddrPort(again, e.to); err != nil { // a packet that was seen
			t.Fatal(err)
		}
	}
	<-time.After(300 * time.Millisecond)
	if n := l.calls.Load(); n != 0 {
		t.Fatalf("the loudspeaker was opened %d times", n)
	}
	e.say(e.conn, e.out, voiceSSRC, []byte{0x49, 1, 2, 3}) // sealed well, but no Opus
	until(t, "the loudspeaker is open", func() bool { return l.calls.Load() == 1 })
	<-time.After(200 * time.Millisecond)
	if n := len(l.frames); n > 0 {
		t.Errorf("%d frames are played", n)
	}
	e.say(e.conn, e.out, voiceSSRC, payload)
	for range 5 {
		e.say(e.conn, e.out, voiceSSRC, payload)
	}
	until(t, "speech that is the viewer's", func() bool { return len(l.frames) > 0 })
}

func TestASecondViewerWaitsForTheFloor(t *testing.T) {
	t.Parallel()
	l := newSaid()
	s, services := newTalkingStage(t, camera.Options{Talk: l.play})
	other := &stage{t, s.source, services[1]}
	_, a := s.listens(7, 1, 20)
	_, b := other.listens(8, 1, 20)
	payload := words(t, 16000, 20*time.Millisecond)[10]
	until(t, "the loudspeaker is open", func() bool {
		a.say(a.conn, a.out, voiceSSRC, payload)
		return l.calls.Load() == 1
	})
	for range 20 {
		b.say(b.conn, b.out, voiceSSRC, payload)
	}
	<-time.After(200 * time.Millisecond)
	if n := l.calls.Load(); n != 1 {
		t.Errorf("%d viewers speak at once", n)
	}
	s.choose(caller(1), 7, end, hap.StatusOK)
	until(t, "the other may speak", func() bool {
		b.say(b.conn, b.out, voiceSSRC, payload)
		return l.calls.Load() == 2
	})
}
