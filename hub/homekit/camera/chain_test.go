package camera_test

import (
	"context"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/media"
	"github.com/ingle-home/ingle/accessories/rtsp"
	"github.com/ingle-home/ingle/accessories/rtsp/sim"
	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/homekit/camera"
	"github.com/ingle-home/ingle/hub/stream"
)

// From a camera's microphone by RTSP to the viewer, and from the viewer to the camera's loudspeaker.
func TestSoundOfARealCamera(t *testing.T) {
	for _, codec := range []media.Codec{media.PCMU, media.PCMA, media.Opus, media.AAC} {
		t.Run(string(codec), func(t *testing.T) {
			t.Parallel()
			box, err := sim.Start(sim.Options{Width: 320, Height: 240, FPS: 15, GOP: 1, Dir: os.TempDir(), Sound: codec, Back: media.PCMU})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = box.Close() })
			session, err := rtsp.New().Open(t.Context(), device.Config{
				Address: box.Address(), Fields: map[string]string{rtsp.FieldUser: "hub"},
				Secret: func(string) device.Secret { return device.NewSecret("porch-light") },
				Net:    loopback{}, Log: slog.New(slog.DiscardHandler), Now: time.Now,
			})
			if err != nil {
				t.Fatal(err)
			}
			seen := session.(device.Viewable)
			source := stream.New(func(ctx context.Context, out func(*media.Unit)) error {
				return seen.Watch(ctx, seen.Views()[0].ID, true, out)
			}, stream.Options{})
			t.Cleanup(func() { _ = source.Close() })
			c := camera.New(camera.Options{Source: source, Sound: always, Talk: session.(device.Talker).Talk})
			t.Cleanup(c.Close)
			s := &stage{t, source, c.Services()[0]}
			r, e := s.listens(7, 1, 60)
			until(t, "a second and a half of sound", func() bool { return len(e.heard()) >= 25 })
			e.check(e.heard(), 16000, 60)
			e.checkReports(16000)
			tick := time.NewTicker(20 * time.Millisecond)
			defer tick.Stop()
			for _, payload := range words(t, 16000, 20*time.Millisecond)[:60] {
				e.say(e.conn, e.out, voiceSSRC, payload)
				<-tick.C
			}
			until(t, "a second of speech at the camera", func() bool { return len(box.Heard()) >= 50*160 })
			var pcm []int16
			for _, b := range box.Heard() {
				pcm = append(pcm, int16(linear(b)))
			}
			if db := loudness(pcm[1600:8000], 8000); db < 10 {
				t.Errorf("the tone stands %.0f dB above the rest at the camera", db)
			}
			s.write(caller(1), "117", r.wish.selection(end, 0), hap.StatusOK)
		})
	}
}
