package cameras_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/media"
	"github.com/ingle-home/ingle/accessories/onvif/sim"
	rtspsim "github.com/ingle-home/ingle/accessories/rtsp/sim"
	"github.com/ingle-home/ingle/hub/cameras"
)

// TestPrivacyEndsWhatIsSaid: the loudspeaker's line to the camera is a line to the camera.
func TestPrivacyEndsWhatIsSaid(t *testing.T) {
	t.Parallel()
	box, p := plain(t, rtspsim.Options{GOP: 1, Back: media.PCMU}, cameras.Settings{})
	until(t, "the loudspeaker", p.camera.Speaks)
	for name, dark := range map[string]func(){
		"privacy": func() { p.camera.SetPrivate(true) },
		"off":     func() { p.camera.Set(cameras.Settings{Off: true}) },
	} {
		before := streams(box).Heard
		ended := make(chan error, 1)
		until(t, "it may speak", func() bool { return p.camera.Barred() == nil })
		go func() { ended <- p.camera.Talk(t.Context(), hum) }()
		until(t, name+": something is heard", func() bool { return streams(box).Heard > before+5 })
		dark()
		select {
		case err := <-ended:
			if !errors.Is(err, cameras.ErrPrivate) && !errors.Is(err, cameras.ErrOff) {
				t.Errorf("%s: what is said ended with %v", name, err)
			}
		case <-time.After(200 * time.Millisecond): // for the goroutine to say so
			t.Errorf("%s: when the switch answers somebody still speaks", name)
			if streams(box).Connections == 0 {
				t.Log("but not to the camera")
			}
			<-ended
		}
		if err := p.camera.Talk(t.Context(), hum); err == nil {
			t.Errorf("%s: a camera that is off may be spoken through", name)
		}
		p.camera.Set(cameras.Settings{})
		p.camera.SetPrivate(false)
	}
}

// hum is 20 ms of a sound that never ends.
func hum(ctx context.Context) ([]byte, error) {
	step := time.NewTimer(20 * time.Millisecond)
	defer step.Stop()
	select {
	case <-step.C:
		return make([]byte, 160), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// TestPrivacyEndsAStillThatIsBeingMade: a camera that takes its time must not hand its picture over after
// the switch was thrown.
func TestPrivacyEndsAStillThatIsBeingMade(t *testing.T) {
	t.Parallel()
	box, p := smart(t, sim.Options{Slow: 90 * time.Second}, cameras.Settings{})
	until(t, "the session", func() bool { return len(p.camera.Views()) > 0 })
	asked := make(chan error, 1)
	go func() {
		_, err := p.camera.Still(t.Context(), 320, 180)
		asked <- err
	}()
	until(t, "the camera makes a picture", func() bool { return state(box).Posing == 1 })
	begin := time.Now()
	p.camera.SetPrivate(true)
	if err := <-asked; !errors.Is(err, cameras.ErrPrivate) {
		t.Errorf("the still: %v", err)
	}
	until(t, "the camera is left alone", func() bool { return state(box).Posing == 0 })
	t.Logf("it was over %v after the switch", time.Since(begin))
	if st := state(box); st.Stills != 0 || st.Streams.Frames != 0 {
		t.Errorf("pictures left the camera: %d stills, %d of the stream", st.Stills, st.Streams.Frames)
	}
}

// TestWhatIsHeard: a camera is asked for its sound only while the household lets it hear, and a viewer gets
// none of before once it may not.
func TestWhatIsHeard(t *testing.T) {
	t.Parallel()
	box, p := plain(t, rtspsim.Options{GOP: 1, Sound: media.PCMU}, cameras.Settings{})
	view := p.camera.Main().View(t.Context())
	defer view.Close()
	next := func() *media.Unit {
		u, err := view.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	for range 30 {
		if next().Sound != nil {
			t.Fatal("sound comes from a camera that may not hear")
		}
	}
	if n := streams(box).Sounds; n != 0 {
		t.Fatalf("it was asked for its sound %d times", n)
	}
	p.camera.Set(cameras.Settings{Sound: true})
	for next().Sound == nil {
	}
	asked, opened, had := streams(box).Sounds, streams(box).Opened, p.camera.Main().Stats().Units
	until(t, "some sound waits", func() bool { return p.camera.Main().Stats().Units > had+60 })
	p.camera.Set(cameras.Settings{})
	for range 60 {
		if next().Sound != nil {
			t.Fatal("sound comes after it was switched off")
		}
	}
	if st := streams(box); st.Sounds != asked || st.Opened == opened {
		t.Errorf("it was asked for its sound %d times more, on %d connections", st.Sounds-asked, st.Opened-opened)
	}
}
