package main

import (
	"bytes"
	"context"
	"image/jpeg"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	driver "github.com/ingle-home/ingle/accessories/onvif"
	onvif "github.com/ingle-home/ingle/accessories/onvif/sim"
	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/api/client"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/home"
	"github.com/ingle-home/ingle/hub/keeper"
)

// lens starts a simulated camera and adds it to a new home.
func lens(t *testing.T, c *client.Client, o onvif.Options) (*onvif.Sim, string) {
	t.Helper()
	o.Dir = os.TempDir()
	box, err := onvif.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = box.Close() })
	must[wire.SetupAnswer](t)(c.Setup(t.Context(), password))
	a := must[wire.Accessory](t)(c.Add(t.Context(), wire.AddRequest{Name: "Porch", Driver: "onvif", Address: box.Address(),
		Fields: map[string]string{"user": o.User}, Secret: map[string]string{"password": o.Password}}))
	return box, a.ID
}

// sees reports whether a picture of the camera can be had, or the code of why not.
func sees(t *testing.T, c *client.Client, id string) string {
	t.Helper()
	s, err := c.Still(t.Context(), id, 320, 180)
	if err != nil {
		return wire.Code(err)
	}
	if size, err := jpeg.DecodeConfig(bytes.NewReader(s.JPEG)); err != nil || size.Width != 320 {
		t.Errorf("a still of %d × %d, %v", size.Width, size.Height, err)
	}
	return "a picture"
}

func active(t *testing.T, c *client.Client, id string) bool {
	t.Helper()
	for _, a := range must[[]wire.Accessory](t)(c.Accessories(t.Context())) {
		if v, ok := a.Value(trait.Active.ID()); ok && a.ID == id {
			on, known := wire.Read(v, trait.Active)
			return on && known && v.Settable
		}
	}
	return false
}

func TestACameraThatIsOffStaysOff(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	p, c := running(t, dir)
	box, id := lens(t, c, onvif.Options{User: "ingle", Password: "porch-light-9"})
	soon(t, "a picture", func() bool { return sees(t, c, id) == "a picture" })
	order := func(c *client.Client, id string, r trait.Command) error {
		return c.Do(t.Context(), id, wire.Do{Trait: r.Trait.ID(), Value: r.JSON()})
	}
	if err := order(c, id, trait.Active.Set(false)); err != nil {
		t.Fatal(explain(err))
	}
	if got := sees(t, c, id); got != "hub.camera-off" || active(t, c, id) {
		t.Errorf("a camera that is off: %s", got)
	}
	yes := true
	if a, err := c.SetCamera(t.Context(), id, wire.CameraRequest{Sound: &yes}); err != nil || !a.Camera.Sound || a.Camera.Motion {
		t.Errorf("its settings are %+v, %v", a.Camera, err)
	}
	p.kill() // a power cut
	_, c = running(t, dir)
	soon(t, "the camera's line", func() bool {
		all := must[[]wire.Accessory](t)(c.Accessories(t.Context()))
		return slices.ContainsFunc(all, func(a wire.Accessory) bool {
			return a.ID == id && a.Condition.State == "open" && a.Camera.Sound
		})
	})
	if got := sees(t, c, id); got != "hub.camera-off" || active(t, c, id) {
		t.Errorf("after a power cut: %s", got)
	}
	if st := box.State().(onvif.State); st.Streams.Players != 0 {
		t.Errorf("%d watch the camera", st.Streams.Players)
	}
	if err := order(c, "hub-privacy", trait.Privacy.Set(true)); err != nil {
		t.Fatal(explain(err))
	}
	if err := order(c, id, trait.Active.Set(true)); wire.Code(err) != wire.CodePrivate {
		t.Errorf("on, while Privacy is: %v", err)
	}
	if err := order(c, "hub-privacy", trait.Privacy.Set(false)); err != nil {
		t.Fatal(explain(err))
	}
	if got := sees(t, c, id); got != "hub.camera-off" {
		t.Errorf("after Privacy: %s", got)
	}
	if err := order(c, id, trait.Active.Set(true)); err != nil {
		t.Fatal(explain(err))
	}
	soon(t, "a picture again", func() bool { return sees(t, c, id) == "a picture" && active(t, c, id) })
}

func TestAFactorysPasswordIsReplaced(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	p, c := running(t, dir)
	box, id := lens(t, c, onvif.Options{User: "admin", Password: "admin"})
	unsafe := func(c *client.Client) bool {
		all := must[[]wire.Trouble](t)(c.Troubles(t.Context()))
		return slices.ContainsFunc(all, func(w wire.Trouble) bool { return w.Code == "camera-unsafe" && w.Subject == id })
	}
	soon(t, "people are told", func() bool { return unsafe(c) })
	if got := sees(t, c, id); got != "hub.camera-unsafe" {
		t.Errorf("a camera with its factory's password: %s", got)
	}
	if st := box.State().(onvif.State); st.Streams.Frames != 0 || st.Stills != 0 {
		t.Errorf("it was watched: %+v", st)
	}
	for _, on := range []bool{true, false} { // a still proves a new password
		if err := c.Do(t.Context(), home.PrivacySwitch, wire.Do{Trait: "privacy", Value: strconv.AppendBool(nil, on)}); err != nil {
			t.Fatal(explain(err))
		}
		if err := c.Secure(t.Context(), id); (wire.Code(err) == "hub.private") != on || !on && err != nil {
			t.Fatalf("secured while Privacy is on is %v: %s", on, explain(err))
		}
	}
	soon(t, "a picture", func() bool { return sees(t, c, id) == "a picture" })
	if unsafe(c) {
		t.Error("people are still told")
	}
	again, err := onvifLogin(t, box, "admin", "admin")
	if err == nil {
		t.Errorf("the factory's password opens %v", again)
	}
	p.kill()
	_, c = running(t, dir)
	soon(t, "a picture after a power cut", func() bool { return sees(t, c, id) == "a picture" })
}

func TestASearchThroughTheSocket(t *testing.T) {
	t.Parallel()
	_, c := running(t, shortDir(t))
	must[wire.SetupAnswer](t)(c.Setup(t.Context(), password))
	_, err := c.Find(t.Context(), time.Second)
	if there := keeper.NewLAN(nil).Connected(); there && err != nil || !there && wire.Code(err) != "find.no-network" {
		t.Errorf("in a network %v: %s", there, explain(err))
	}
}

// onvifLogin opens a camera as a stranger would, without a hub.
func onvifLogin(t *testing.T, box *onvif.Sim, user, word string) (device.Offer, error) {
	t.Helper()
	s, err := driver.New().Open(t.Context(), device.Config{
		Address: box.Address(), Fields: map[string]string{"user": user}, Net: keeper.NewLAN(nil), Now: time.Now,
		Secret: func(key string) device.Secret {
			if key != "password" {
				return device.Secret{}
			}
			return device.NewSecret(word)
		},
	})
	if err != nil {
		return device.Offer{}, err
	}
	over, end := context.WithCancel(t.Context())
	end()
	return s.Offer(), s.Run(over, func(trait.Reading) error { return nil })
}
