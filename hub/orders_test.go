package main

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/bus"
	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/health"
	"github.com/ingle-home/ingle/hub/home"
	"github.com/ingle-home/ingle/hub/safety"
)

// TestHomeKitHearsWhatIsHeld: "Stop everything" is a state of the home, not a thing that is away.
func TestHomeKitHearsWhatIsHeld(t *testing.T) {
	b := bus.New()
	t.Cleanup(b.Close)
	h := &house{}
	h.guard = safety.New(safety.Options{Actuator: h, Bus: b, Faults: health.New(time.Now, nil), Held: true})
	err := h.obey(t.Context(), "a-rocket", trait.Speed.Set(40))
	if !errors.Is(err, hap.StatusNotAllowed) || !errors.Is(err, safety.ErrHeld) {
		t.Errorf("a speed that is held gives %v", err)
	}
	if err := h.obey(t.Context(), "a-nobody", trait.Find.Set(true)); err == nil || errors.Is(err, hap.StatusNotAllowed) {
		t.Errorf("an unknown thing gives %v", err)
	}
	_ = h.guard.Close(t.Context()) // there is no rocket to stop
}

// A switch is kept even when whoever set it has hung up: a restart must not find what it was before.
func TestASwitchIsKeptWhenItsSenderHangsUp(t *testing.T) {
	h := opened(t)
	gone, hangUp := context.WithCancel(t.Context())
	hangUp()
	_ = h.do(gone, home.StopSwitch, trait.StopAll.Set(true)) // nobody is left to hear how it went
	_ = h.do(gone, home.PrivacySwitch, trait.Privacy.Set(true))
	if s, err := h.switches.Load(t.Context()); err != nil || !s.StopAll || !s.Privacy {
		t.Errorf("a restart would find %+v, %v", s, err)
	}
	if err := h.close(); err != nil {
		t.Error(err)
	}
}

// Two people throw the Privacy switch at the same time: what the cameras do, what is shown and what a
// restart would find must be one and the same, whoever came last.
func TestTwoOrdersToThePrivacySwitch(t *testing.T) {
	h := opened(t)
	h.drivers["late"] = &late{asked: make(chan struct{})}
	a := must[home.Accessory](t)(h.home.AddAccessory(t.Context(), home.Accessory{Name: "Porch", Driver: "late", Kind: string(device.Camera)}, nil))
	if err := h.keep(h.living, a); err != nil {
		t.Fatal(err)
	}
	for range 40 {
		var both sync.WaitGroup
		for _, on := range []bool{true, false} {
			both.Go(func() {
				if err := h.do(t.Context(), home.PrivacySwitch, trait.Privacy.Set(on)); err != nil {
					t.Error(err)
				}
			})
		}
		both.Wait()
		kept, err := h.switches.Load(t.Context())
		last, _ := h.bus.Last(home.PrivacySwitch, trait.Privacy.Any())
		shown, _ := trait.Privacy.In(last)
		if dark := !h.find(a.ID).camera.Sees(); err != nil || kept.Privacy != dark || h.isPrivate() != dark || shown != dark {
			t.Fatalf("dark %v, in force %v, shown %v, kept %v, %v", dark, h.isPrivate(), shown, kept.Privacy, err)
		}
	}
	if err := h.close(); err != nil {
		t.Error(err)
	}
}
