package main

import (
	"errors"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/bus"
	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/health"
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
