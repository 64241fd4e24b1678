package cameras_test

import (
	"bytes"
	"errors"
	"image/jpeg"
	"net/url"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/onvif/sim"
	rtspsim "github.com/ingle-home/ingle/accessories/rtsp/sim"
	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/cameras"
	"github.com/ingle-home/ingle/hub/stream"
)

func TestOffMeansThatNothingIsConnected(t *testing.T) {
	t.Parallel()
	box, p := plain(t, rtspsim.Options{GOP: 1}, cameras.Settings{})
	large := p.watch(1920, 1080)
	until(t, "pictures", func() bool { return large() > 3 })
	small := p.watch(320, 180)
	until(t, "small pictures", func() bool { return small() > 3 })
	if _, err := p.camera.Still(t.Context(), 320, 180); err != nil {
		t.Fatal(err)
	}
	for _, way := range []struct {
		name    string
		off, on func()
		why     error
	}{
		{"off", func() { p.camera.Set(cameras.Settings{Off: true}) }, func() { p.camera.Set(cameras.Settings{}) }, cameras.ErrOff},
		{"privacy", func() { p.camera.SetPrivate(true) }, func() { p.camera.SetPrivate(false) }, cameras.ErrPrivate},
	} {
		way.off()
		took := until(t, "no connection", func() bool { return streams(box).Players == 0 })
		t.Logf("%s: the streams were gone %v after it", way.name, took)
		if _, err := p.camera.Still(t.Context(), 320, 180); !errors.Is(err, way.why) {
			t.Errorf("%s: a still: %v", way.name, err)
		}
		if _, err := p.camera.Snapshot(t.Context(), 320, 180); !errors.Is(err, stream.ErrPaused) {
			t.Errorf("%s: a snapshot: %v", way.name, err)
		}
		if active, _ := p.last(trait.Active); active {
			t.Errorf("%s: it says that it sees", way.name)
		}
		if p.camera.Believes(trait.Motion.Of(true, time.Now())) || !p.camera.Believes(trait.Doorbell.Of(true, time.Now())) {
			t.Errorf("%s: motion must not count, and a doorbell must", way.name)
		}
		if p.camera.Main().Track() != nil {
			t.Errorf("%s: a picture is still kept", way.name)
		}
		before := large()
		way.on()
		until(t, "pictures again", func() bool { return large() > before })
		if active, _ := p.last(trait.Active); !active {
			t.Errorf("%s: it does not say that it sees again", way.name)
		}
	}
}

func TestACameraThatIsOffAtTheStartIsNotCalled(t *testing.T) {
	t.Parallel()
	box, p := plain(t, rtspsim.Options{GOP: 1}, cameras.Settings{Off: true})
	n := p.watch(640, 360)
	until(t, "the session", func() bool { return len(p.camera.Views()) == 2 })
	if _, err := p.camera.Still(t.Context(), 64, 48); !errors.Is(err, cameras.ErrOff) {
		t.Errorf("a still: %v", err)
	}
	if st := streams(box); st.Players != 0 || n() != 0 {
		t.Errorf("it is watched: %+v", st)
	}
}

func TestACameraMakesItsOwnStills(t *testing.T) {
	t.Parallel()
	box, p := smart(t, sim.Options{}, cameras.Settings{})
	until(t, "the session", func() bool { return len(p.camera.Views()) > 0 })
	begin := time.Now()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			s, err := p.camera.Still(t.Context(), 320, 240)
			if err != nil {
				t.Error(err)
				return
			}
			if c, err := jpeg.DecodeConfig(bytes.NewReader(s.JPEG)); err != nil || c.Width != 320 || c.Height != 240 || !s.Fresh() {
				t.Errorf("a still of %d × %d from %v, %v", c.Width, c.Height, s.At, err)
			}
		})
	}
	all.Wait()
	t.Logf("eight stills at once took %v", time.Since(begin))
	if st := state(box); time.Since(begin) < 4*time.Second && st.Stills != 1 || st.Streams.Players != 0 {
		t.Errorf("the camera made %d stills, and %d watch it", st.Stills, st.Streams.Players)
	}
}

func TestAStillOfACameraThatMakesNone(t *testing.T) {
	t.Parallel()
	box, p := smart(t, sim.Options{NoStill: true, GOP: 300, FPS: 15}, cameras.Settings{})
	until(t, "the session", func() bool { return len(p.camera.Views()) > 0 })
	begin := time.Now()
	s, err := p.camera.Still(t.Context(), 320, 180)
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(begin)
	t.Logf("a still of a camera with 20 s from key picture to key picture took %v", took)
	if c, err := jpeg.DecodeConfig(bytes.NewReader(s.JPEG)); err != nil || c.Width != 320 || c.Height != 180 {
		t.Errorf("a still of %d × %d, %v", c.Width, c.Height, err)
	}
	if st := state(box); st.Keys == 0 && took > 10*time.Second {
		t.Errorf("the camera was not asked for a key picture, and it took %v", took)
	}
}

func TestTheLastStillTellsItsAge(t *testing.T) {
	t.Parallel()
	box, p := smart(t, sim.Options{}, cameras.Settings{})
	until(t, "the session", func() bool { return len(p.camera.Views()) > 0 })
	last, err := p.camera.Still(t.Context(), 640, 360)
	if err != nil {
		t.Fatal(err)
	}
	if err := box.Do(t.Context(), "stop", nil); err != nil {
		t.Fatal(err)
	}
	until(t, "it is missed", func() bool { return p.keeper.Session() == nil })
	old, err := p.camera.Still(t.Context(), 320, 180) // of this size there is none
	if err != nil || !old.At.Equal(last.At) {
		t.Fatalf("the last still is of %v, not %v: %v", old.At, last.At, err)
	}
	if (cameras.Still{At: time.Now().Add(-time.Minute)}).Fresh() {
		t.Error("a minute is fresh")
	}
	p.camera.SetPrivate(true)
	p.camera.SetPrivate(false)
	if _, err := p.camera.Still(t.Context(), 320, 180); !errors.Is(err, cameras.ErrAway) {
		t.Errorf("after privacy: %v", err)
	}
}

func TestAFactorysPasswordIsNotWatched(t *testing.T) {
	t.Parallel()
	box, p := smart(t, sim.Options{User: "admin", Password: "admin"}, cameras.Settings{})
	n := p.watch(640, 360)
	until(t, "people are told", func() bool { return p.wrong(cameras.CodeUnsafe) })
	if _, err := p.camera.Still(t.Context(), 320, 180); !errors.Is(err, cameras.ErrUnsafe) {
		t.Errorf("a still: %v", err)
	}
	if _, err := p.camera.Snapshot(t.Context(), 320, 180); !errors.Is(err, stream.ErrPaused) {
		t.Errorf("a snapshot: %v", err)
	}
	if st := state(box); n() != 0 || st.Streams.Frames != 0 || st.Stills != 0 {
		t.Errorf("it is watched: %+v", st)
	}
}

func TestAWrongPasswordIsTriedOnce(t *testing.T) {
	t.Parallel()
	box, p := plain(t, rtspsim.Options{GOP: 1}, cameras.Settings{})
	large := p.watch(1920, 1080)
	until(t, "pictures", func() bool { return large() > 0 })
	small := p.watch(320, 180)
	until(t, "small pictures", func() bool { return small() > 0 })
	if err := box.Do(t.Context(), "password", url.Values{"to": {"something-else"}}); err != nil {
		t.Fatal(err)
	}
	before := streams(box).Refused
	if err := box.Do(t.Context(), "drop", nil); err != nil {
		t.Fatal(err)
	}
	until(t, "people are told", func() bool { return p.wrong(cameras.CodeRefused) })
	until(t, "nobody waits", func() bool { return p.camera.Main().Barred() != nil && p.camera.Nearest(320, 180).Barred() != nil })
	<-time.After(2 * time.Second) // would be time for more
	if tries := streams(box).Refused - before; tries > 2 {
		t.Errorf("%d wrong logins", tries)
	}
	if err := box.Do(t.Context(), "password", url.Values{"to": {"porch-light"}}); err != nil {
		t.Fatal(err)
	}
	seen := large()
	p.camera.Set(cameras.Settings{Off: true})
	p.camera.Set(cameras.Settings{}) // off and on again
	until(t, "pictures again", func() bool { return large() > seen && !p.wrong(cameras.CodeRefused) })
}

// It runs before the others, which run at the same time.
func TestNothingIsLeftRunning(t *testing.T) {
	before := runtime.NumGoroutine()
	box, p := plain(t, rtspsim.Options{GOP: 1}, cameras.Settings{Motion: true})
	n := p.watch(1920, 1080)
	until(t, "pictures", func() bool { return n() > 0 })
	if _, err := p.camera.Still(t.Context(), 64, 48); err != nil {
		t.Error(err)
	}
	p.stop()
	if err := box.Close(); err != nil {
		t.Error(err)
	}
	until(t, "all have gone", func() bool { return runtime.NumGoroutine() <= before+1 }) // the one that watches ends with the test
}

func TestACameraComesBackSoon(t *testing.T) {
	t.Parallel()
	box, p := plain(t, rtspsim.Options{GOP: 1}, cameras.Settings{})
	n := p.watch(1920, 1080)
	until(t, "pictures", func() bool { return n() > 0 })
	if err := box.Do(t.Context(), "stop", nil); err != nil {
		t.Fatal(err)
	}
	<-time.After(3 * time.Second)
	before := n()
	if err := box.Do(t.Context(), "start", nil); err != nil {
		t.Fatal(err)
	}
	took := until(t, "pictures again", func() bool { return n() > before })
	t.Logf("back after %v", took)
	if took > 8*time.Second { // 5 s on a machine that is not busy
		t.Errorf("it took %v", took)
	}
}

func TestMotionIsLookedForWhereItIsWanted(t *testing.T) {
	t.Parallel()
	box, p := plain(t, rtspsim.Options{GOP: 1}, cameras.Settings{})
	until(t, "the session", func() bool { return len(p.camera.Views()) == 2 })
	if p.camera.Offers(trait.Motion.Any()) || streams(box).Players != 0 {
		t.Error("motion is looked for, and nobody asked for that")
	}
	p.camera.Set(cameras.Settings{Motion: true})
	took := until(t, "something moves", func() bool { on, _ := p.last(trait.Motion); return on })
	t.Logf("motion was seen after %v", took)
	if st := streams(box); st.Players != 1 || !p.camera.Offers(trait.Motion.Any()) {
		t.Errorf("%d watch the camera", st.Players)
	}
	p.camera.SetPrivate(true)
	until(t, "it sees nothing", func() bool { on, _ := p.last(trait.Motion); return !on && streams(box).Players == 0 })
	p.camera.SetPrivate(false)
	until(t, "something moves again", func() bool { on, _ := p.last(trait.Motion); return on })
	p.camera.Set(cameras.Settings{})
	until(t, "nobody looks", func() bool { on, _ := p.last(trait.Motion); return !on })
}

func TestMotionWithoutFFmpegIsATrouble(t *testing.T) {
	t.Parallel()
	_, p := plain(t, rtspsim.Options{GOP: 1}, cameras.Settings{Motion: true}, func(o *cameras.Options) { o.FFmpeg = "ingle-no-such-program" })
	until(t, "people are told", func() bool { return p.wrong(cameras.CodeBlind) })
	p.camera.Set(cameras.Settings{})
	until(t, "nobody looks any more", func() bool { return !p.wrong(cameras.CodeBlind) })
}

func TestACameraOfH265AloneSaysSo(t *testing.T) {
	t.Parallel()
	_, p := smart(t, sim.Options{H265: true, NoStill: true}, cameras.Settings{})
	var err error
	until(t, "a reason", func() bool {
		_, err = p.camera.Still(t.Context(), 320, 180)
		return device.Reason(err) == "h265"
	})
	if !p.wrong("accessory-h265") || p.wrong(cameras.CodeRefused) {
		t.Errorf("people are told %v", p.faults)
	}
}
