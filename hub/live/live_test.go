package live_test

import (
	"bytes"
	"context"
	"errors"
	"image/jpeg"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/media"
	"github.com/ingle-home/ingle/accessories/rtsp"
	"github.com/ingle-home/ingle/accessories/rtsp/sim"
	"github.com/ingle-home/ingle/hub/live"
	"github.com/ingle-home/ingle/hub/stream"
)

type loopback struct{}

func (loopback) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, network, address)
}

func (loopback) Listen(context.Context, string) (net.Listener, error) { return nil, device.ErrRefused }

// camera starts one with the pictures of a clock, and opens it with the real driver.
func camera(t *testing.T) (*sim.Sim, *stream.Source) {
	t.Helper()
	box, err := sim.Start(sim.Options{Width: 320, Height: 180, FPS: 15, GOP: 1, Dir: os.TempDir()})
	must(t, err)
	t.Cleanup(func() { _ = box.Close() })
	session, err := rtsp.New().Open(t.Context(), device.Config{
		Address: box.Address(), Fields: map[string]string{rtsp.FieldUser: "hub"},
		Secret: func(string) device.Secret { return device.NewSecret("porch-light") },
		Net:    loopback{}, Log: slog.New(slog.DiscardHandler), Now: time.Now,
	})
	must(t, err)
	source := stream.New(func(ctx context.Context, out func(*media.Unit)) error {
		v := session.(device.Viewable)
		return v.Watch(ctx, v.Views()[0].ID, false, out)
	}, stream.Options{})
	t.Cleanup(func() { must(t, source.Close()) })
	return box, source
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func studio(t *testing.T, o live.Options) *live.Studio {
	t.Helper()
	s := live.New(o)
	t.Cleanup(s.Close)
	return s
}

// size says how large a JPEG is.
func size(t *testing.T, raw []byte) [2]int {
	t.Helper()
	c, err := jpeg.DecodeConfig(bytes.NewReader(raw))
	if err != nil {
		t.Error(err)
	}
	return [2]int{c.Width, c.Height}
}

func TestOneDecoderForAllWhoLook(t *testing.T) {
	_, source := camera(t)
	s := studio(t, live.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var viewers sync.WaitGroup
	seen := make(chan []byte, 256)
	for range 3 {
		viewers.Go(func() {
			err := s.Watch(ctx, "porch", source, live.Sight{Width: 160, Height: 160, Rate: 15}, func(jpeg []byte) error {
				seen <- jpeg
				return nil
			})
			if !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
	}
	different := map[string]bool{}
	for len(different) < 20 {
		raw := <-seen
		different[string(raw)] = true
		if got := size(t, raw); got != [2]int{160, 90} { // in its own shape
			t.Fatal(got)
		}
	}
	if s.Running() != 1 || source.Stats().Viewers != 1 {
		t.Errorf("%d decoders, %d viewers of the camera", s.Running(), source.Stats().Viewers)
	}
	cancel()
	viewers.Wait()
	eventually(t, "rest", func() bool { return s.Running() == 0 && source.Stats().Viewers == 0 })
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for begin := time.Now(); !is(); <-tick.C {
		if time.Since(begin) > time.Minute {
			t.Fatalf("no %s", what)
		}
	}
}

func TestPrivacyCutsItOff(t *testing.T) {
	_, source := camera(t)
	s := studio(t, live.Options{})
	var paused sync.Once
	off := make(chan struct{})
	err := s.Watch(t.Context(), "porch", source, live.Sight{Width: 320, Height: 180, Rate: 15}, func([]byte) error {
		select {
		case <-off:
			t.Error("a picture after it was switched off")
		default:
		}
		paused.Do(func() {
			source.Pause(true)
			close(off)
		})
		return nil
	})
	if !errors.Is(err, stream.ErrPaused) {
		t.Error(err)
	}
	eventually(t, "end of the decoder", func() bool { return s.Running() == 0 })
}

func TestOnlySoManyAtATime(t *testing.T) {
	_, source := camera(t)
	s := studio(t, live.Options{Cameras: 1})
	as := live.Sight{Width: 320, Height: 180, Rate: 5}
	enough := errors.New("enough")
	err := s.Watch(t.Context(), "porch", source, as, func([]byte) error {
		none := func([]byte) error { t.Error("a second decoder"); return enough }
		if err := s.Watch(t.Context(), "garden", source, as, none); !errors.Is(err, live.ErrBusy) {
			t.Error(err)
		}
		return enough
	})
	if !errors.Is(err, enough) {
		t.Error(err)
	}
}

// Whoever looks at one camera in many ways does not keep others from another camera.
func TestEveryCameraHasItsTurn(t *testing.T) {
	_, source := camera(t)
	s := studio(t, live.Options{Cameras: 2})
	seen, ended := make(chan int, 256), make(chan error, 2)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for _, width := range []int{160, 320} {
		go func() {
			ended <- s.Watch(ctx, "porch", source, live.Sight{Width: width, Height: 180, Rate: 5}, func([]byte) error {
				select {
				case seen <- width:
				default:
				}
				return nil
			})
		}()
	}
	for both := map[int]bool{}; len(both) < 2; {
		both[<-seen] = true
	}
	enough := errors.New("enough")
	as := live.Sight{Width: 320, Height: 180, Rate: 5}
	if err := s.Watch(ctx, "garden", source, as, func([]byte) error { return enough }); !errors.Is(err, enough) {
		t.Fatalf("the garden: %v", err)
	}
	if err := <-ended; !errors.Is(err, live.ErrBusy) {
		t.Errorf("one of the porch ended with %v", err)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the other with %v", err)
	}
}

func TestWithoutADecoder(t *testing.T) {
	_, source := camera(t)
	s := studio(t, live.Options{FFmpeg: filepath.Join(t.TempDir(), "ffmpeg")})
	err := s.Watch(t.Context(), "porch", source, live.Sight{}, func([]byte) error { t.Error("a picture"); return nil })
	if err == nil {
		t.Error("no error")
	}
}

// reel is a film with a key picture each second, whose places are known from the boxes in it.
type reel struct {
	*bytes.Reader
	head  int64
	parts []int64
}

func (r reel) Head() int64 { return r.head }

func (r reel) At(at time.Duration) (int64, time.Duration) {
	i := min(int(at/time.Second), len(r.parts)-1)
	return r.parts[i], time.Duration(i) * time.Second
}

func film(t *testing.T) reel {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=10", "-t", "4",
		"-c:v", "libx264", "-preset", "ultrafast", "-g", "10", "-bf", "0", "-movflags", "frag_keyframe+empty_moov+default_base_moof", "-f", "mp4", "pipe:1").Output()
	must(t, err)
	r := reel{Reader: bytes.NewReader(out)}
	for at := int64(0); at < int64(len(out)); {
		n := int64(out[at])<<24 | int64(out[at+1])<<16 | int64(out[at+2])<<8 | int64(out[at+3])
		if string(out[at+4:at+8]) == "moof" {
			r.parts = append(r.parts, at)
		}
		at += n
	}
	r.head = r.parts[0]
	return r
}

func TestAFilmPlaysFromAnywhere(t *testing.T) {
	s := studio(t, live.Options{})
	f := film(t)
	var times []time.Duration
	begin := time.Now()
	err := s.Play(t.Context(), f, 2500*time.Millisecond, live.Sight{Width: 160, Height: 90, Rate: 10}, func(raw []byte, at time.Duration) error {
		if got := size(t, raw); got != [2]int{160, 90} {
			t.Error(got)
		}
		times = append(times, at)
		return nil
	})
	must(t, err)
	if n := len(times); n < 13 || n > 17 || times[0] < 2400*time.Millisecond || times[0] > 2600*time.Millisecond || times[n-1] < 3800*time.Millisecond {
		t.Errorf("%d pictures: %v", n, times)
	}
	if took := time.Since(begin); took < time.Second {
		t.Errorf("1.5 s were played in %v", took)
	}
	stop := errors.New("stop")
	if err := s.Play(t.Context(), f, 0, live.Sight{Rate: 10}, func([]byte, time.Duration) error { return stop }); !errors.Is(err, stop) {
		t.Error(err)
	}
	broken := reel{Reader: bytes.NewReader(make([]byte, 4096)), parts: []int64{100}, head: 100}
	if err := s.Play(t.Context(), broken, 0, live.Sight{}, func([]byte, time.Duration) error { return nil }); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("nonsense: %v", err)
	}
}
