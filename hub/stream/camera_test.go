package stream_test

import (
	"bytes"
	"context"
	"errors"
	"image/jpeg"
	"log/slog"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/media"
	"github.com/ingle-home/ingle/accessories/rtsp"
	"github.com/ingle-home/ingle/accessories/rtsp/sim"
	"github.com/ingle-home/ingle/hub/stream"
)

type loopback struct{}

func (loopback) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, network, address)
}

func (loopback) Listen(context.Context, string) (net.Listener, error) { return nil, device.ErrRefused }

// shared starts a simulated camera and a source on the real driver.
func shared(t *testing.T, o stream.Options) (*sim.Sim, *stream.Source) {
	t.Helper()
	camera, err := sim.Start(sim.Options{Width: 640, Height: 360, FPS: 30, GOP: 1, Dir: os.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = camera.Close() })
	session, err := rtsp.New().Open(t.Context(), device.Config{
		Address: camera.Address(),
		Fields:  map[string]string{rtsp.FieldUser: "hub"},
		Secret:  func(string) device.Secret { return device.NewSecret("porch-light") },
		Net:     loopback{}, Log: slog.New(slog.DiscardHandler), Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	source := stream.New(func(ctx context.Context, out func(*media.Unit)) error {
		return session.(device.Viewable).Watch(ctx, "main", false, out)
	}, o)
	t.Cleanup(func() { _ = source.Close() })
	return camera, source
}

func state(camera *sim.Sim) sim.State { return camera.State().(sim.State) }

func TestTwoViewersOnOneCameraConnection(t *testing.T) {
	camera, source := shared(t, stream.Options{})
	deadline, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	a, b := source.View(deadline), source.View(deadline)
	defer a.Close()
	defer b.Close()
	const pictures = 90 // three seconds
	spans := make([]time.Duration, 2)
	var both sync.WaitGroup
	for i, v := range []*stream.Viewer{a, b} {
		both.Go(func() {
			var first time.Duration
			for n := range pictures {
				u, err := v.Next(deadline)
				if err != nil {
					t.Error(err)
					return
				}
				if n == 0 {
					first = u.PTS
				}
				spans[i] = u.PTS - first
			}
		})
	}
	both.Wait()
	for i, span := range spans {
		// By the camera's own clock: the number of pictures that it made in the span.
		made := span.Seconds()*30 + 1
		if share := pictures / made; share < 0.95 || share > 1.05 {
			t.Errorf("viewer %d got %.0f %% of the pictures", i, 100*share)
		}
	}
	if st := state(camera); st.Connections != 1 || st.Players != 1 {
		t.Errorf("camera: %+v", st)
	}
	if st := source.Stats(); st.Connections != 1 || st.Dropped != 0 || !st.Connected {
		t.Errorf("source: %+v", st)
	}
}

func TestPrivacyClosesTheCameraConnection(t *testing.T) {
	camera, source := shared(t, stream.Options{})
	v := source.View(t.Context())
	defer v.Close()
	if _, err := v.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	source.Pause(true)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for state(camera).Connections > 0 {
		if time.Since(begin) > 20*time.Second {
			t.Fatal("the connection is still there")
		}
		<-tick.C
	}
	took := time.Since(begin)
	t.Logf("RTSP connection gone after %v", took)
	if took > time.Second {
		t.Errorf("privacy took %v", took)
	}
	frames := state(camera).Frames
	<-time.After(200 * time.Millisecond)
	if now := state(camera).Frames; now != frames {
		t.Error("the camera still sends")
	}
	source.Pause(false)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if _, err := v.Next(ctx); err != nil {
		t.Fatal("after privacy: ", err)
	}
}

func TestSnapshotHasTheWantedSize(t *testing.T) {
	camera, source := shared(t, stream.Options{})
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	for _, want := range [][2]int{{320, 240}, {1280, 720}, {101, 57}} {
		raw, err := source.Snapshot(ctx, want[0], want[1])
		if err != nil {
			t.Fatal(err)
		}
		img, err := jpeg.Decode(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		if at := img.Bounds().Size(); at.X != want[0] || at.Y != want[1] {
			t.Fatalf("%v, want %v", at, want)
		}
		// 640 × 360 in 320 × 240 leaves black bars, and the picture between them is not black.
		if want[1] == 240 {
			wantKept(t, source, raw)
			if r, g, b, _ := img.At(160, 3).RGBA(); r|g|b > 0x1000 {
				t.Errorf("bar is %x %x %x", r, g, b)
			}
			if r, g, b, _ := img.At(300, 120).RGBA(); r|g|b < 0x3000 {
				t.Errorf("picture is %x %x %x", r, g, b)
			}
		}
	}
	if n := state(camera).Players; n != 1 {
		t.Errorf("%d players", n)
	}
}

// wantKept asks again for the 320 × 240 snapshot that was just made.
func wantKept(t *testing.T, source *stream.Source, made []byte) {
	t.Helper()
	begin := time.Now()
	again, err := source.Snapshot(t.Context(), 320, 240)
	if err != nil {
		t.Fatal(err)
	}
	// On a machine that stood still for seconds a new picture is right.
	if time.Since(begin) < time.Second && &again[0] != &made[0] {
		t.Error("the snapshot was made twice")
	}
}

func TestSnapshotWithoutFFmpegSaysSo(t *testing.T) {
	_, source := shared(t, stream.Options{FFmpeg: "ingle-no-such-program"})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if _, err := source.Snapshot(ctx, 320, 240); !errors.Is(err, stream.ErrNoFFmpeg) {
		t.Fatal(err)
	}
	if _, err := source.Snapshot(ctx, 1<<20, 240); err == nil {
		t.Fatal("a picture of a million pixels' width")
	}
}
