package main

import (
	"context"
	"errors"
	"maps"
	"os"
	"slices"
	"testing"
	"time"

	onvif "github.com/ingle-home/ingle/accessories/onvif/sim"
	"github.com/ingle-home/ingle/hub/api/client"
	"github.com/ingle-home/ingle/hub/api/frames"
	"github.com/ingle-home/ingle/hub/api/wire"
)

// moves reports whether two different pictures of a camera come, live and so by its streams.
func moves(ctx context.Context, c *client.Client, id string) bool {
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	different, enough := map[string]bool{}, errors.New("enough")
	err := c.Frames(ctx, id, wire.Look{Width: 320, Height: 180, Rate: 15}, func(f frames.Frame) error {
		if different[string(f.JPEG)] = true; len(different) == 2 {
			return enough
		}
		return nil
	})
	return errors.Is(err, enough)
}

// watching looks at a camera, and again whenever that ends, until stop is called or the test ends.
func watching(t *testing.T, c *client.Client, id string) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			_ = c.Frames(ctx, id, wire.Look{Width: 320, Height: 180, Rate: 15}, func(frames.Frame) error { return nil })
			<-tick.C
		}
	}()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return stop
}

// The line to a camera breaks while it gets passwords of its own, at one request after another and while
// somebody looks: the hub finds back to it each time, and ends what it began. Each step by itself is cut in
// accessories/onvif; INGLE_SOAK=1 cuts each here too.
func TestNewPasswordsOnABadLine(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	p, c := running(t, dir)
	box, id := lens(t, c, onvif.Options{User: "admin", Password: "admin"})
	state := func() onvif.State { return box.State().(onvif.State) }
	cuts := []int{1, 4, 7}
	if os.Getenv("INGLE_SOAK") != "" {
		cuts = []int{1, 2, 3, 4, 5, 6, 7, 8}
	}
	soon(t, "the hub has seen the password of the factory", func() bool {
		all := must[[]wire.Trouble](t)(c.Troubles(t.Context()))
		return slices.ContainsFunc(all, func(w wire.Trouble) bool { return w.Code == "camera-unsafe" && w.Subject == id })
	})
	stop := func() {}
	for i, n := range cuts {
		before := state().Streams.Cut
		var first error
		soon(t, "the line is cut", func() bool { // the hub must have reached the camera before
			box.CutStreamAt(n)
			first = c.Secure(t.Context(), id)
			box.CutStreamAt(0)
			return state().Streams.Cut > before
		})
		soon(t, "the passwords are its own", func() bool { return first == nil || c.Secure(t.Context(), id) == nil })
		soon(t, "it moves", func() bool { return moves(t.Context(), c, id) })
		if i == 0 { // nobody sees a camera before it has a password of its own
			stop = watching(t, c, id)
		}
		t.Logf("cut at request %d; it gave: %v", n, first)
	}
	stop()
	levels := slices.Sorted(maps.Values(state().Users)) // two accounts of the hub's, and the factory's with another password
	if !slices.Equal(levels, []string{"Administrator", "Administrator", "Operator"}) {
		t.Errorf("in the end it knows %v", state().Users)
	}
	if _, err := onvifLogin(t, box, "admin", "admin"); err == nil {
		t.Error("the factory's password opens it")
	}
	p.kill()
	_, c = running(t, dir)
	soon(t, "it moves after a power cut", func() bool { return moves(t.Context(), c, id) })
}
