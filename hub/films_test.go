package main

import (
	"bytes"
	"context"
	"errors"
	"image/jpeg"
	"testing"
	"time"

	onvif "github.com/ingle-home/ingle/accessories/onvif/sim"
	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/api/client"
	"github.com/ingle-home/ingle/hub/api/frames"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/home"
)

// look counts the pictures of one that moves until there are n different ones. A stream may end sooner: on a
// busy machine a camera's line breaks, and whoever looks, as the app does, looks again.
func look(t *testing.T, n int, watch func(put func(frames.Frame) error) error) (times []time.Duration) {
	t.Helper()
	enough := errors.New("enough")
	soon(t, "pictures that move", func() bool {
		different := map[string]bool{}
		times = nil
		err := watch(func(f frames.Frame) error {
			if c, err := jpeg.DecodeConfig(bytes.NewReader(f.JPEG)); err != nil || c.Width > 320 || c.Height > 180 {
				t.Errorf("a picture of %d × %d, %v", c.Width, c.Height, err)
			}
			different[string(f.JPEG)] = true
			times = append(times, f.Into)
			if len(different) == n {
				return enough
			}
			return nil
		})
		if !errors.Is(err, enough) {
			t.Errorf("it ended after %d different pictures: %v", len(different), err)
		}
		return errors.Is(err, enough)
	})
	return times
}

// A camera moves in the app, a recording of it plays there, the app hears of the recording, and Privacy
// ends what moves at once.
func TestPicturesThatMove(t *testing.T) {
	t.Parallel()
	_, c := running(t, shortDir(t))
	_, id := lens(t, c, onvif.Options{User: "ingle", Password: "porch-light-9"})
	soon(t, "a picture", func() bool { return sees(t, c, id) == "a picture" })
	as := wire.Look{Width: 320, Height: 180, Rate: 15}
	look(t, 10, func(put func(frames.Frame) error) error { return c.Frames(t.Context(), id, as, put) })

	told := heard(t, c)
	must[wire.ClipRule](t)(c.SetClipRule(t.Context(), id, wire.ClipRule{On: true}))
	soon(t, "a recorder", func() bool { return c.Record(t.Context(), id) == nil })
	<-told
	var clip wire.Clip
	soon(t, "six seconds of a recording", func() bool {
		list := must[[]wire.Clip](t)(c.Clips(t.Context(), id))
		if len(list) > 0 {
			clip = list[0]
		}
		return clip.Millis > 6000 || clip.State == "whole"
	})
	times := look(t, 5, func(put func(frames.Frame) error) error {
		return c.ClipFrames(t.Context(), clip.ID, 2*time.Second, as, put)
	})
	if times[0] < 1900*time.Millisecond || times[0] > 2200*time.Millisecond {
		t.Errorf("it was to play from the second second: %v", times)
	}
	if err := c.ClipFrames(t.Context(), "nothing", 0, as, nil); wire.Code(err) != "clips.unknown" {
		t.Error(err)
	}

	for _, k := range must[[]wire.Holding](t)(c.Holdings(t.Context())) {
		if k.What == "recordings" && k.Count != len(must[[]wire.Clip](t)(c.Clips(t.Context(), ""))) {
			t.Errorf("%d recordings are counted", k.Count)
		}
	}

	private := make(chan error, 1)
	n := 0
	err := c.Frames(t.Context(), id, as, func(frames.Frame) error {
		if n++; n == 1 {
			go func() {
				private <- c.Do(t.Context(), home.PrivacySwitch, wire.Do{Trait: trait.Privacy.ID(), Value: trait.Privacy.Set(true).JSON()})
			}()
		}
		return nil
	})
	if err != nil || <-private != nil {
		t.Error(err)
	}
	if err := c.Frames(t.Context(), id, as, nil); wire.Code(err) != wire.CodePrivate {
		t.Errorf("while Privacy is on: %v", err)
	}
}

// heard closes when an app hears of a recording.
func heard(t *testing.T, c *client.Client) <-chan struct{} {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	first, told, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		enough := errors.New("enough")
		_ = c.Events(ctx, func(e wire.Event) error {
			switch {
			case e.Snapshot != nil:
				close(first)
			case e.Change.Filmed != nil:
				close(told)
				return enough
			}
			return nil
		})
	}()
	t.Cleanup(func() { stop(); <-done })
	<-first
	return told
}
