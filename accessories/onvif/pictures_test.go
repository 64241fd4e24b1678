package onvif_test

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/media"
	"github.com/ingle-home/ingle/accessories/onvif/sim"
)

func TestWatchAndSnap(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]sim.Options{
		"token": {WrongHost: "192.0.2.77"}, "MD5": {Digest: "MD5", WrongHost: "192.0.2.77:81"}, "SHA-256": {Digest: "SHA-256"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if o.WrongHost == "192.0.2.77:81" {
				o.WrongHost = "192.0.2.77" // the port of a camera's URLs is its own business, and is believed
			}
			c := camera(t, o)
			s := open(t, usual(c))
			for _, view := range []string{"main", "small"} {
				if u := watch(t, s, view, false, 5); u[0].Track.Codec != media.H264 {
					t.Errorf("%s comes as %s", view, u[0].Track.Codec)
				}
			}
			for range 2 {
				picture, err := s.(device.Snapper).Snap(t.Context())
				if err != nil || len(picture) < 500 {
					t.Fatalf("%d bytes, %v", len(picture), err)
				}
			}
			if st := state(c); st.Stills != 2 || st.Refused != 0 {
				t.Errorf("%d pictures, %d wrong logins", st.Stills, st.Refused)
			}
		})
	}
	c := camera(t, sim.Options{NoStill: true})
	if _, err := open(t, usual(c)).(device.Snapper).Snap(t.Context()); !errors.Is(err, device.ErrUnsupported) {
		t.Errorf("a camera without still pictures: %v", err)
	}
}

// TestAStillIsRefusedOnce: a camera whose still pictures have users of their own takes each question for a
// wrong password, and would lock the account that its streams are watched with.
func TestAStillIsRefusedOnce(t *testing.T) {
	t.Parallel()
	c := camera(t, sim.Options{Apart: true, Lockout: time.Minute})
	s := open(t, usual(c))
	for n := range 12 {
		want := device.ErrRefused
		if n > 0 {
			want = device.ErrUnsupported
		}
		if _, err := s.(device.Snapper).Snap(t.Context()); !errors.Is(err, want) {
			t.Errorf("still %d: %v", n, err)
		}
	}
	if n := state(c).Refused; n > 2 {
		t.Errorf("%d wrong logins", n)
	}
	watch(t, s, "main", false, 5)
	open(t, usual(c)) // it is not locked
}

// watch takes some units of a view.
func watch(t *testing.T, s device.Session, view string, sound bool, n int) []*media.Unit {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var mu sync.Mutex
	var units []*media.Unit
	err := s.(device.Viewable).Watch(ctx, view, sound, func(u *media.Unit) {
		mu.Lock()
		defer mu.Unlock()
		if units = append(units, u); len(units) == n {
			cancel()
		}
	})
	if err != nil || len(units) < n {
		t.Fatalf("%s: %d units, %v", view, len(units), err)
	}
	return units
}

// Sound is asked for in G.711 only when somebody wants to hear it, and key pictures often enough.
func TestSettings(t *testing.T) {
	t.Parallel()
	c := camera(t, sim.Options{Sound: media.AAC, GOP: 300})
	s := open(t, usual(c))
	watch(t, s, "main", false, 3)
	if st := state(c); st.Sound != media.AAC || st.GovLength != 30 {
		t.Errorf("without sound: %s, key pictures every %d", st.Sound, st.GovLength)
	}
	heard := map[media.Codec]bool{}
	for _, u := range watch(t, s, "main", true, 60) {
		heard[u.Track.Codec] = true
	}
	if st := state(c); st.Sound != media.PCMU || !heard[media.PCMU] || heard[media.AAC] {
		t.Errorf("with sound: %s, heard %v", st.Sound, heard)
	}
}

func TestH265IsNamed(t *testing.T) {
	c := camera(t, sim.Options{H265: true})
	s := open(t, usual(c))
	views := s.(device.Viewable).Views()
	if len(views) != 1 || views[0].Codec != media.H265 {
		t.Fatalf("views %+v", views)
	}
	if err := s.(device.Viewable).Watch(t.Context(), "main", false, func(*media.Unit) {}); !errors.Is(err, device.ErrUnsupported) {
		t.Errorf("watching H.265: %v", err)
	}
}

func TestTalk(t *testing.T) {
	c := camera(t, sim.Options{Speaker: true})
	s := open(t, usual(c))
	talker, ok := s.(device.Talker)
	if !ok {
		t.Fatal("a camera with a loudspeaker has no Talk")
	}
	word := bytes.Repeat([]byte{0x55}, 160)
	pace := time.NewTicker(20 * time.Millisecond) // as a microphone gives it
	defer pace.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	err := talker.Talk(ctx, func(context.Context) ([]byte, error) {
		<-pace.C
		if state(c).Streams.Heard >= 10 {
			return nil, errors.New("all is said")
		}
		return word, nil
	})
	if err != nil || state(c).Streams.Heard < 10 {
		t.Fatalf("%v, after %d packets", err, state(c).Streams.Heard)
	}
	if _, ok := open(t, usual(camera(t, sim.Options{}))).(device.Talker); ok {
		t.Error("a camera without a loudspeaker has Talk")
	}
}
