package main

import (
	"slices"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/announce"
	"github.com/ingle-home/ingle/hub/bus"
	"github.com/ingle-home/ingle/hub/health"
	"github.com/ingle-home/ingle/hub/home"
	"github.com/ingle-home/ingle/hub/homekit"
	"github.com/ingle-home/ingle/i18n"
)

// How the hub is seen on the network is a trouble while it lasts, each kind with a text and a next step.
func TestHowTheHubIsHeardIsForPeopleToSee(t *testing.T) {
	h := &house{health: health.New(time.Now, nil)}
	text := i18n.For("de")
	for _, code := range []string{announce.TroubleSilent, announce.TroubleUnheard, announce.TroubleContested, announce.TroubleConflict} {
		h.heard([]announce.Condition{{Instance: "Ingle 1A2B"}, {Instance: "Porch 3C4D", Trouble: code}})
		all := h.health.All()
		if len(all) != 1 || all[0].Code != code {
			t.Fatalf("with %s the troubles are %+v", code, all)
		}
		for _, key := range []string{all[0].Key(), all[0].NextStep()} {
			if !text.Has(key) {
				t.Errorf("%s has no text", key)
			}
		}
	}
	if h.heard([]announce.Condition{{Instance: "Ingle 1A2B"}}); len(h.health.All()) != 0 {
		t.Errorf("heard again, the troubles are %+v", h.health.All())
	}
}

// A camera that HomeKit shows without pictures and a watch that reports nonsense are troubles of the hub,
// each until it is mended or gone.
func TestWhatHomeKitCannotShowIsForPeopleToSee(t *testing.T) {
	h := opened(t)
	add := func(name, kind string) string {
		t.Helper()
		return must[home.Accessory](t)(h.home.AddAccessory(t.Context(), home.Accessory{Name: name, Driver: "gone", Kind: kind}, nil)).ID
	}
	has := func(code, subject string) func() bool {
		return func() bool {
			return slices.ContainsFunc(h.health.All(), func(f health.Trouble) bool { return f.Code == code && f.Subject == subject })
		}
	}
	porch, watch := add("Porch", "camera"), add("Watch", "watch")
	h.show()
	soon(t, "a camera without pictures is told", has(homekit.CodeDark, porch))
	h.bus.Publish(bus.Change{Accessory: watch, Reading: trait.Battery.Of(150, time.Now())})
	soon(t, "a battery of 150 % is told", has(homekit.CodeMisfit, watch))
	h.bus.Publish(bus.Change{Accessory: watch, Reading: trait.Battery.Of(80, time.Now())})
	soon(t, "it makes sense again", func() bool { return !has(homekit.CodeMisfit, watch)() })
	if err := h.home.RemoveAccessory(t.Context(), porch); err != nil {
		t.Fatal(err)
	}
	if h.show(); has(homekit.CodeDark, porch)() {
		t.Errorf("with the camera gone there are %+v", h.health.All())
	}
	if err := h.close(); err != nil {
		t.Error(err)
	}
}
