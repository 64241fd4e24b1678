package rtsp_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/media"
	"github.com/ingle-home/ingle/accessories/rtsp"
	"github.com/ingle-home/ingle/accessories/rtsp/sim"
)

func TestWrongPasswordIsTriedOnce(t *testing.T) {
	t.Parallel()
	c := camera(t, sim.Options{Small: true, Back: media.PCMU, Sound: media.PCMU, Lockout: time.Minute})
	cfg := config(c.Address(), "hub", "wrong")
	cfg.Fields[rtsp.FieldSmall] = c.View("/small")
	_, err := rtsp.New().Open(t.Context(), cfg)
	if !errors.Is(err, device.ErrRefused) || !strings.Contains(err.Error(), "password") {
		t.Fatalf("open: %v", err)
	}
	if n := state(c).Refused; n != 1 {
		t.Fatalf("the wrong password was sent %d times", n)
	}
}

func TestLockedCamera(t *testing.T) {
	t.Parallel()
	c := camera(t, sim.Options{Lockout: time.Second})
	wrong, right := config(c.Address(), "hub", "wrong"), config(c.Address(), "hub", "porch-light")
	for range 5 {
		if _, err := rtsp.New().Open(t.Context(), wrong); !errors.Is(err, device.ErrRefused) {
			t.Fatal(err)
		}
	}
	if _, err := rtsp.New().Open(t.Context(), right); !errors.Is(err, device.ErrRefused) {
		t.Fatalf("the camera is not locked: %v", err)
	}
	until(t, "the lock opens", func() bool {
		_, err := rtsp.New().Open(t.Context(), right)
		return err == nil
	})
}

func TestOtherUsers(t *testing.T) {
	t.Parallel()
	c := camera(t, sim.Options{})
	c.SetUsers(map[string]string{"admin": "a-secret", "hub-7": "b-secret"})
	for user, password := range map[string]string{"admin": "a-secret", "hub-7": "b-secret"} {
		open(t, config(c.Address(), user, password))
	}
	if _, err := rtsp.New().Open(t.Context(), config(c.Address(), "hub", "porch-light")); !errors.Is(err, device.ErrRefused) {
		t.Fatalf("the old user still gets in: %v", err)
	}
}

func TestSmallView(t *testing.T) {
	t.Parallel()
	c := camera(t, sim.Options{Small: true})
	cfg := config(c.View("/small"), "hub", "porch-light") // the wrong way round: the larger comes first
	cfg.Fields[rtsp.FieldSmall] = c.Address()
	views := open(t, cfg).(device.Viewable).Views()
	if len(views) != 2 || views[0].ID != "small" || views[0].Width != 320 || views[1].ID != "main" || views[1].Width != 160 {
		t.Fatalf("views %+v", views)
	}
	units, err := pull(t.Context(), cfg, "main", false, 5)
	if err != nil || units[0].Track.Width != 160 {
		t.Fatal(err)
	}
	for name, small := range map[string]string{
		"another host": "rtsp://127.0.0.2/small", "no stream": c.View("/none"), "no URL": "small",
	} {
		cfg := config(c.Address(), "hub", "porch-light")
		cfg.Fields[rtsp.FieldSmall] = small
		if _, err := rtsp.New().Open(t.Context(), cfg); !errors.Is(err, device.ErrRefused) {
			t.Fatalf("%s: %v", name, err)
		}
	}
}

func TestTransport(t *testing.T) {
	t.Parallel()
	c := camera(t, sim.Options{}) // TCP only
	cfg := config(c.Address(), "hub", "porch-light")
	cfg.Fields[rtsp.FieldTransport] = "udp"
	if _, err := pull(t.Context(), cfg, "main", false, 1); !errors.Is(err, device.ErrRefused) || !strings.Contains(err.Error(), "tcp") {
		t.Fatalf("udp: %v", err)
	}
	cfg.Fields[rtsp.FieldTransport] = "pigeon"
	if _, err := rtsp.New().Open(t.Context(), cfg); !errors.Is(err, device.ErrRefused) {
		t.Fatalf("pigeon: %v", err)
	}
}

// A camera that still answers but sends nothing is no camera.
func TestFrozenCamera(t *testing.T) {
	t.Parallel()
	for transport, word := range map[string]string{"tcp": "", "udp": "firewall"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			c := camera(t, sim.Options{UDP: true})
			if err := c.Do(t.Context(), "freeze", nil); err != nil {
				t.Fatal(err)
			}
			cfg := config(c.Address(), "hub", "porch-light")
			cfg.Fields[rtsp.FieldTransport] = transport
			if _, err := pull(t.Context(), cfg, "main", false, 1); !errors.Is(err, device.ErrUnreachable) || !strings.Contains(err.Error(), word) {
				t.Fatal(err)
			}
		})
	}
}

func TestCameraThatIsAwayForAWhile(t *testing.T) {
	t.Parallel()
	c := camera(t, sim.Options{})
	cfg := config(c.Address(), "hub", "porch-light")
	s := open(t, cfg).(device.Viewable)
	if err := c.Do(t.Context(), "away", url.Values{"seconds": {"1"}}); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	if err := s.Watch(t.Context(), "main", false, func(*media.Unit) {}); !errors.Is(err, device.ErrUnreachable) {
		t.Fatal(err)
	}
	// The hub tries again soon only if it is told soon.
	if took := time.Since(begin); took > 900*time.Millisecond {
		t.Fatalf("the error took %v", took)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	came := false
	until(t, "pictures come again", func() bool {
		watching, stop := context.WithCancel(ctx)
		defer stop()
		_ = s.Watch(watching, "main", false, func(*media.Unit) { came = true; stop() }) // fails while it is away
		return came
	})
}

func TestStreamsThatTheCameraDoesNotKnowAreLeftOut(t *testing.T) {
	t.Parallel()
	c := camera(t, sim.Options{Small: true})
	cam, err := rtsp.Open(t.Context(), config("", "hub", "porch-light"),
		rtsp.Stream{View: media.View{ID: "none"}, URL: c.View("/none")},
		rtsp.Stream{View: media.View{ID: "sub", Width: 1, Height: 1}, URL: c.View("/small")},
		rtsp.Stream{View: media.View{ID: "top"}, URL: c.Address()})
	if err != nil {
		t.Fatal(err)
	}
	views := cam.Views()
	if len(views) != 2 || views[0].ID != "top" || views[1].ID != "sub" || views[1].Height != 120 || views[1].FPS != 15 {
		t.Fatalf("views %+v", views)
	}
	if n := state(c).Opened; n > 1 {
		t.Fatalf("%d connections for one camera", n)
	}
	if err := cam.Present(t.Context()); err != nil || cam.Anonymous(t.Context()) != device.No || cam.Encrypted() {
		t.Fatalf("present: %v", err)
	}
	watched, first := make(chan error, 1), make(chan struct{}, 1000)
	go func() {
		watched <- cam.Watch(t.Context(), "sub", false, func(*media.Unit) { first <- struct{}{} })
	}()
	<-first
	cam.Close()
	if err := <-watched; !errors.Is(err, device.ErrUnreachable) {
		t.Fatalf("watch after close: %v", err)
	}
}

func TestOnHost(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ url, host, want string }{
		{"rtsp://127.0.0.1:8554/a?b=c", "10.0.0.7", "rtsp://10.0.0.7:8554/a?b=c"},
		{"rtsp://admin:secret@192.168.1.1/a", "10.0.0.7", "rtsp://10.0.0.7/a"},
		{"rtsps://cam/a", "fe80::1", "rtsps://[fe80::1]/a"},
		{"rtsp://cam:1/a", "fe80::1", "rtsp://[fe80::1]:1/a"},
	} {
		if got, err := rtsp.OnHost(tc.url, tc.host); err != nil || got != tc.want {
			t.Fatalf("%s: %s, %v", tc.url, got, err)
		}
	}
	if _, err := rtsp.OnHost("/a", "10.0.0.7"); !errors.Is(err, device.ErrRefused) {
		t.Fatal(err)
	}
}
