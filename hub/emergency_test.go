package main

import (
	"errors"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/bus"
	"github.com/ingle-home/ingle/hub/home"
)

// Only "off" answers a call for help; "on" used to end it as well.
func TestAnEmergencyEndsOnlyWhenItIsAnswered(t *testing.T) {
	h := opened(t)
	p := must[home.Person](t)(h.home.AddPerson(t.Context(), "Mia", home.Member))
	a := must[home.Accessory](t)(h.home.AddAccessory(t.Context(), home.Accessory{Name: "Watch", Person: p.ID, Kind: string(device.Watch)}, nil))
	id := home.EmergencyID(p.ID)
	calls := func() bool {
		r, ok := h.bus.Last(id, trait.Emergency.Any())
		on, _ := trait.Emergency.In(r)
		return ok && on
	}
	soon(t, "the latch hears the alarm", func() bool {
		h.bus.Publish(bus.Change{Accessory: a.ID, Reading: trait.SOS.Of(true, time.Now())})
		return calls()
	})
	if err := h.do(t.Context(), id, trait.Emergency.Set(true)); !errors.Is(err, device.ErrUnsupported) || !calls() {
		t.Errorf("on: %v; still calling: %v", err, calls())
	}
	soon(t, "off is the answer to every alarm that was given", func() bool {
		if err := h.do(t.Context(), id, trait.Emergency.Set(false)); err != nil {
			t.Error(err)
		}
		return !calls()
	})
	if err := h.close(); err != nil {
		t.Error(err)
	}
}
