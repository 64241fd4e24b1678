package rtsp_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/media"
	"github.com/ingle-home/ingle/accessories/rtsp"
	"github.com/ingle-home/ingle/accessories/rtsp/sim"
	"github.com/ingle-home/ingle/accessories/trait"
)

const patience = 30 * time.Second

type loopback struct{}

func (loopback) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, network, address)
}

func (loopback) Listen(context.Context, string) (net.Listener, error) { return nil, device.ErrRefused }

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func camera(t *testing.T, o sim.Options) *sim.Sim {
	t.Helper()
	if o.Width == 0 {
		o.Width, o.Height, o.FPS, o.GOP = 320, 240, 15, 1
	}
	o.Dir = os.TempDir() // the film is kept from run to run
	c, err := sim.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func config(address, user, password string) device.Config {
	return device.Config{
		Address: address,
		Fields:  map[string]string{rtsp.FieldUser: user},
		Secret:  func(string) device.Secret { return device.NewSecret(password) },
		Net:     loopback{},
		Log:     slog.New(slog.DiscardHandler),
		Now:     time.Now,
	}
}

func state(c *sim.Sim) sim.State { return c.State().(sim.State) }

// until polls, because the camera notices a closed connection a moment later.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("never: " + what)
		}
	}
}

func open(t *testing.T, c device.Config) device.Session {
	t.Helper()
	s, err := rtsp.New().Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestWatchDeliversDecodableUnits(t *testing.T) {
	t.Parallel()
	for name, sha256 := range map[string]bool{"MD5": false, "SHA-256": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := camera(t, sim.Options{SHA256: sha256})
			units, err := pull(t.Context(), config(c.Address(), "hub", "porch-light"), "main", false, 32)
			if err != nil {
				t.Fatal(err)
			}
			keys := 0
			for i, u := range units {
				if u.Track.Width != 320 || u.Track.Height != 240 || u.Track.FPS != 15 {
					t.Fatalf("track %+v", u.Track)
				}
				if i > 0 && (u.PTS-units[i-1].PTS).Round(time.Millisecond) != 67*time.Millisecond {
					t.Fatalf("step %v at unit %d", u.PTS-units[i-1].PTS, i)
				}
				if u.Key {
					keys++
				}
			}
			if keys < 2 {
				t.Fatalf("%d key units in 32 at one a second", keys)
			}
			until(t, "the camera is left alone", func() bool { return state(c).Connections == 0 })
		})
	}
}

func TestOpenNamesTheTrouble(t *testing.T) {
	t.Parallel()
	c := camera(t, sim.Options{})
	basic := camera(t, sim.Options{Basic: true})
	withPassword := strings.Replace(c.Address(), "rtsp://", "rtsp://hub:porch-light@", 1)
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	for name, tc := range map[string]struct {
		config device.Config
		want   error
	}{
		"wrong password":      {config(c.Address(), "hub", "geheim-99"), device.ErrRefused},
		"no password":         {config(c.Address(), "", ""), device.ErrRefused},
		"password in address": {config(withPassword, "", "geheim-99"), device.ErrRefused},
		"basic only":          {config(basic.Address(), "hub", "porch-light"), device.ErrRefused},
		"no such stream":      {config(c.Address()+"x", "hub", "porch-light"), device.ErrRefused},
		"nobody there":        {config("rtsp://127.0.0.1:1/live", "hub", "geheim-99"), device.ErrUnreachable},
		"silence":             {config("rtsp://"+silent.Addr().String()+"/live", "hub", "geheim-99"), device.ErrUnreachable},
		"not RTSP":            {config("http://127.0.0.1/", "hub", "geheim-99"), device.ErrRefused},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			if name == "silence" {
				ctx, cancel = context.WithTimeout(t.Context(), 300*time.Millisecond)
			}
			defer cancel()
			_, err := rtsp.New().Open(ctx, tc.config)
			if !errors.Is(err, tc.want) {
				t.Fatalf("got %v, want %v", err, tc.want)
			}
			if strings.Contains(err.Error(), "geheim-99") || strings.Contains(err.Error(), "porch-light") {
				t.Fatalf("the error tells the password: %v", err)
			}
		})
	}
	if n := state(c).Refused; n < 1 || n > 2 {
		t.Fatalf("the wrong password was sent %d times", n)
	}
	if n := state(basic).Refused; n != 0 {
		t.Fatal("the password went out as Basic")
	}
}

func TestRunNoticesThatTheCameraIsGone(t *testing.T) {
	t.Parallel()
	c := camera(t, sim.Options{})
	log := new(lockedBuffer)
	cfg := config(c.Address(), "hub", "porch-light")
	cfg.Log = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s := open(t, cfg)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	lives := make(chan bool, 4)
	ran, watched, first := make(chan error, 1), make(chan error, 1), make(chan struct{})
	go func() {
		ran <- s.Run(ctx, func(r trait.Reading) error {
			live, _ := trait.Live.In(r)
			lives <- live
			return nil
		})
	}()
	var once sync.Once
	go func() {
		watched <- s.(device.Viewable).Watch(ctx, "main", false, func(*media.Unit) { once.Do(func() { close(first) }) })
	}()
	<-first
	if err := c.Do(ctx, "stop", nil); err != nil {
		t.Fatal(err)
	}
	if err := <-watched; !errors.Is(err, device.ErrUnreachable) {
		t.Fatalf("watch: %v", err)
	}
	if err := <-ran; !errors.Is(err, device.ErrUnreachable) {
		t.Fatalf("run: %v", err)
	}
	if !<-lives || <-lives {
		t.Fatal("live must be reported true, then false")
	}
	if strings.Contains(log.String(), "porch-light") {
		t.Fatal("the log tells the password")
	}
	if err := c.Do(ctx, "start", nil); err != nil {
		t.Fatal(err)
	}
	open(t, cfg)
}

func TestDropAndNewPassword(t *testing.T) {
	t.Parallel()
	c := camera(t, sim.Options{})
	cfg := config(c.Address(), "hub", "porch-light")
	s := open(t, cfg)
	first := make(chan struct{})
	var once sync.Once
	watched := make(chan error, 1)
	go func() {
		watched <- s.(device.Viewable).Watch(t.Context(), "main", false, func(*media.Unit) { once.Do(func() { close(first) }) })
	}()
	<-first
	if err := c.Do(t.Context(), "password", url.Values{"to": {"other"}}); err != nil {
		t.Fatal(err)
	}
	if err := c.Do(t.Context(), "drop", nil); err != nil {
		t.Fatal(err)
	}
	if err := <-watched; !errors.Is(err, device.ErrUnreachable) {
		t.Fatalf("watch: %v", err)
	}
	if err := s.(device.Viewable).Watch(t.Context(), "main", false, func(*media.Unit) {}); !errors.Is(err, device.ErrRefused) {
		t.Fatalf("watch with the old password: %v", err)
	}
}

func TestEvidence(t *testing.T) {
	t.Parallel()
	for anonymous, want := range map[bool]device.Answer{true: device.Yes, false: device.No} {
		c := camera(t, sim.Options{Open: anonymous})
		s := open(t, config(c.Address(), "hub", "porch-light"))
		got, err := s.Evidence(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		answers := map[string]device.Answer{}
		for _, e := range got {
			answers[e.Claim] = e.Answer
		}
		if answers["anonymous-video"] != want || answers["own-password"] != device.Yes || answers["encrypted"] != device.No {
			t.Fatalf("open %v: %v", anonymous, answers)
		}
	}
}

func TestCardCannotBeErased(t *testing.T) {
	t.Parallel()
	c := camera(t, sim.Options{})
	s := open(t, config(c.Address(), "hub", "porch-light"))
	holds, _ := s.Holds(t.Context())
	gone, _ := s.Erase(t.Context())
	if len(holds) != 1 || len(gone) != 1 || gone[0].What != holds[0].What || gone[0].Gone || gone[0].Why == "" {
		t.Fatalf("holds %v, erased %v", holds, gone)
	}
	if err := s.Do(t.Context(), trait.Find.Set(true)); !errors.Is(err, device.ErrUnsupported) {
		t.Fatalf("do: %v", err)
	}
}
