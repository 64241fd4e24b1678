package onvif_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/devicetest"
	"github.com/ingle-home/ingle/accessories/media"
	"github.com/ingle-home/ingle/accessories/onvif"
	"github.com/ingle-home/ingle/accessories/onvif/sim"
	"github.com/ingle-home/ingle/accessories/trait"
)

const patience = 30 * time.Second

func camera(t *testing.T, o sim.Options) *sim.Sim {
	t.Helper()
	if o.Width == 0 {
		o.Width, o.Height, o.FPS = 320, 240, 15
	}
	o.Dir = os.TempDir() // the film is kept from run to run
	c, err := sim.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func config(c *sim.Sim, user, password string) device.Config {
	return device.Config{
		Address: c.Address(),
		Fields:  map[string]string{"user": user},
		Secret: func(key string) device.Secret {
			if key == "password" {
				return device.NewSecret(password)
			}
			return device.Secret{}
		},
		Net: devicetest.NewWorld(),
		Log: slog.New(slog.DiscardHandler),
		Now: time.Now,
	}
}

func usual(c *sim.Sim) device.Config { return config(c, "hub", "porch-light") }

func open(t *testing.T, c device.Config) device.Session {
	t.Helper()
	s, err := onvif.New().Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func state(c *sim.Sim) sim.State { return c.State().(sim.State) }

func do(t *testing.T, c *sim.Sim, event string, pairs ...string) {
	t.Helper()
	args := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		args.Set(pairs[i], pairs[i+1])
	}
	if err := c.Do(t.Context(), event, args); err != nil {
		t.Fatal(err)
	}
}

// until polls, because a camera notices what happened a moment later.
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

func answers(t *testing.T, s device.Session) map[string]device.Answer {
	t.Helper()
	list, err := s.Evidence(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]device.Answer{}
	for _, e := range list {
		got[e.Claim] = e.Answer
	}
	return got
}

// Every camera of these opens, and none sees a wrong login on the way.
func TestOpensEveryKindOfCamera(t *testing.T) {
	for name, o := range map[string]sim.Options{
		"token":          {},
		"MD5":            {Digest: "MD5"},
		"SHA-256":        {Digest: "SHA-256"},
		"wrong host":     {WrongHost: "192.0.2.77"},
		"old":            {Capable: true},
		"ten hours late": {Skew: -10 * time.Hour},
		"a day early":    {Skew: 24 * time.Hour, Digest: "MD5"},
		"no events":      {NoEvents: true},
		"doorbell":       {Doorbell: true},
	} {
		t.Run(name, func(t *testing.T) {
			c := camera(t, o)
			s := open(t, usual(c))
			offer, views := s.Offer(), s.(device.Viewable).Views()
			if offer.Maker != "Ingle" || offer.Model != "Sim 1" || offer.Serial == "" || offer.Firmware != "1.0" {
				t.Errorf("offer %+v", offer)
			}
			want := media.View{ID: "main", Codec: media.H264, Width: 320, Height: 240, FPS: 15}
			if len(views) != 2 || views[0] != want || views[1].ID != "small" {
				t.Errorf("views %+v", views)
			}
			_, motion := offer.Offers(trait.Motion.Any())
			_, bell := offer.Offers(trait.Doorbell.Any())
			if motion == o.NoEvents || bell != o.Doorbell {
				t.Errorf("motion %v, doorbell %v", motion, bell)
			}
			if n := state(c).Refused; n != 0 {
				t.Errorf("%d wrong logins on the way", n)
			}
			if got, right := answers(t, s)["right-clock"], o.Skew == 0; (got == device.Yes) != right {
				t.Errorf("the clock is right: %v", got)
			}
		})
	}
}

// A camera that takes each nonce once sees answers to old ones, and no wrong password.
func TestEachNonceOnce(t *testing.T) {
	c := camera(t, sim.Options{Digest: "SHA-256", Once: true})
	s := open(t, usual(c))
	for range 3 {
		if err := s.(device.Refreshable).Refresh(t.Context(), "main"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.(device.Snapper).Snap(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	before := state(c).Refused
	_, err := onvif.New().Open(t.Context(), config(c, "hub", "geheim-99"))
	if n := state(c).Refused - before; !errors.Is(err, device.ErrRefused) || n > 2 {
		t.Errorf("%v after %d tries", err, n)
	}
}

func TestTheWrongPasswordIsNamedAfterTwoTries(t *testing.T) {
	for name, o := range map[string]sim.Options{
		"token":     {},
		"digest":    {Digest: "SHA-256"},
		"clock off": {Skew: 10 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			c := camera(t, o)
			_, err := onvif.New().Open(t.Context(), config(c, "hub", "geheim-99"))
			if !errors.Is(err, device.ErrRefused) || !strings.Contains(err.Error(), "password") {
				t.Errorf("it says %v", err)
			}
			if strings.Contains(err.Error(), "geheim-99") {
				t.Error("the error tells the password")
			}
			if off := o.Skew != 0; off != strings.Contains(err.Error(), "10h") {
				t.Errorf("it says of the clock: %v", err)
			}
			if st := state(c); st.Refused < 1 || st.Refused+st.Streams.Refused > 2 {
				t.Errorf("%d tries, and %d at the streams", st.Refused, st.Streams.Refused)
			}
		})
	}
}

// A camera that shows local time as UTC is let in by our own clock, in the second try.
func TestAClockThatShowsAnotherTime(t *testing.T) {
	c := camera(t, sim.Options{Shown: 2 * time.Hour})
	s := open(t, usual(c))
	if _, err := s.(device.Snapper).Snap(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := state(c).Refused; n != 1 {
		t.Errorf("%d wrong logins, not one", n)
	}
}

// The clock of a camera is set while a session goes on.
func TestTheClockIsTurned(t *testing.T) {
	c := camera(t, sim.Options{})
	s := open(t, usual(c))
	do(t, c, "clock", "by", "-7h")
	if err := s.(device.Refreshable).Refresh(t.Context(), "main"); err != nil {
		t.Fatal(err)
	}
	if state(c).Keys != 1 {
		t.Error("no key picture was asked for")
	}
	do(t, c, "password", "to", "other-light")
	before := state(c).Refused
	if err := s.(device.Refreshable).Refresh(t.Context(), "main"); !errors.Is(err, device.ErrRefused) {
		t.Fatalf("with the old password: %v", err)
	}
	if n := state(c).Refused - before; n != 1 {
		t.Errorf("the old password was shown %d times", n)
	}
}

func TestOpenNamesTheTrouble(t *testing.T) {
	c := camera(t, sim.Options{})
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			conn, err := other.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Write([]byte("220 mail.example ready\r\n"))
			_, _ = conn.Read(make([]byte, 4096))
			_ = conn.Close()
		}
	}()
	defer func() { _ = other.Close() }()
	for name, tc := range map[string]struct {
		address string
		want    error
	}{
		"nobody there":        {"127.0.0.1:1", device.ErrUnreachable},
		"silence":             {silent.Addr().String(), device.ErrUnreachable},
		"another protocol":    {other.Addr().String(), device.ErrUnsupported},
		"a page":              {"http://" + c.Host() + "/index.html", device.ErrUnsupported},
		"password in address": {"http://hub:geheim-99@" + c.Host() + "/", device.ErrRefused},
		"no address":          {"ftp://x", device.ErrRefused},
		"outside":             {"192.0.2.1", device.ErrRefused},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			if name == "silence" {
				ctx, cancel = context.WithTimeout(t.Context(), 300*time.Millisecond)
			}
			defer cancel()
			cfg := config(c, "hub", "geheim-99")
			cfg.Address = tc.address
			_, err := onvif.New().Open(ctx, cfg)
			if !errors.Is(err, tc.want) {
				t.Fatalf("got %v, want %v", err, tc.want)
			}
			if strings.Contains(err.Error(), "geheim-99") {
				t.Fatalf("the error tells the password: %v", err)
			}
		})
	}
	_, err = onvif.New().Open(t.Context(), config(c, "", ""))
	if !errors.Is(err, device.ErrRefused) || state(c).Refused != 0 {
		t.Errorf("without a name: %v, after %d tries", err, state(c).Refused)
	}
}

// A camera with a password from the factory shows nothing, and the label says why.
func TestAFactoryPasswordShowsNoPicture(t *testing.T) {
	c := camera(t, sim.Options{User: "admin", Password: "admin"})
	s := open(t, config(c, "admin", "admin"))
	if err := s.(device.Viewable).Watch(t.Context(), "main", false, func(*media.Unit) {}); !errors.Is(err, onvif.ErrFactory) {
		t.Errorf("watch: %v", err)
	}
	if _, err := s.(device.Snapper).Snap(t.Context()); !errors.Is(err, onvif.ErrFactory) || !errors.Is(err, device.ErrRefused) {
		t.Errorf("snap: %v", err)
	}
	if answers(t, s)["own-password"] != device.No {
		t.Error("the label calls it a password of its own")
	}
}

func TestEvidenceOfAnOpenCamera(t *testing.T) {
	c := camera(t, sim.Options{Open: true})
	got := answers(t, open(t, config(c, "", "")))
	want := map[string]device.Answer{
		"own-password": device.No, "anonymous-video": device.Yes, "anonymous-control": device.Yes,
		"encrypted": device.No, "right-clock": device.Yes,
	}
	for claim, answer := range want {
		if got[claim] != answer {
			t.Errorf("%s: %v", claim, got[claim])
		}
	}
}

func TestRecordingsAreErased(t *testing.T) {
	c := camera(t, sim.Options{Recordings: 3})
	s := open(t, usual(c))
	if held, err := s.Holds(t.Context()); err != nil || len(held) != 1 {
		t.Fatalf("holds %v, %v", held, err)
	}
	if gone, err := s.Erase(t.Context()); err != nil || len(gone) != 1 || !gone[0].Gone {
		t.Fatalf("erased %v, %v", gone, err)
	}
	if held, err := s.Holds(t.Context()); err != nil || held == nil || len(held) != 0 {
		t.Fatalf("then holds %v, %v", held, err)
	}
	// A camera that cannot tell is not said to hold nothing.
	s = open(t, usual(camera(t, sim.Options{})))
	gone, err := s.Erase(t.Context())
	if err != nil || len(gone) != 1 || gone[0].Gone || gone[0].Why == "" {
		t.Fatalf("without Profile G: %v, %v", gone, err)
	}
}

// A camera that is forgotten is told to become as it left the factory, the hard way, and keeps nothing.
func TestResetIsHard(t *testing.T) {
	c := camera(t, sim.Options{Recordings: 3})
	s := open(t, usual(c))
	r, ok := s.(device.Resettable)
	if !ok {
		t.Fatal("a camera cannot be reset")
	}
	if err := r.Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
	if did := state(c).Factory; len(did) != 1 || did[0] != "Hard" {
		t.Errorf("it was told %v", did)
	}
	if held, err := s.Holds(t.Context()); err != nil || len(held) != 0 {
		t.Errorf("then holds %v, %v", held, err)
	}
}
