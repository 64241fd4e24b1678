package main

import (
	"context"
	"errors"
	"testing"
	"time"

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
