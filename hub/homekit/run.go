package homekit

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/bus"
	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/home"
)

// Run carries what the bus reports to what is shown, until ctx ends or the bus closes (nil).
func (h *House) Run(ctx context.Context) error {
	sub := h.options.Bus.Subscribe("homekit", trait.Household)
	defer sub.Close()
	ctx, cancel := context.WithCancel(ctx)
	var bells sync.WaitGroup
	bells.Go(func() { h.silence(ctx) })
	defer bells.Wait()
	defer cancel()
	for {
		c, err := sub.Next(ctx)
		switch {
		case ctx.Err() != nil || errors.Is(err, bus.ErrClosed):
			return nil
		case err != nil:
			return fmt.Errorf("homekit: bus: %w", err)
		}
		h.heard(c)
	}
}

// heard takes one change.
func (h *House) heard(c bus.Change) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if c.Reading.Trait.Kind() == trait.Event {
		h.press(h.shown[c.Accessory], c.Reading.Trait)
		h.press(h.emergencyOf(h.owners[c.Accessory]), c.Reading.Trait)
		return
	}
	h.facts[fact{c.Accessory, c.Reading.Trait}] = c.Reading
	if on, ok := trait.Privacy.In(c.Reading); ok {
		h.hideAll(on)
	}
	t := h.shown[c.Accessory]
	if t == nil || h.hides(t) {
		return
	}
	if t.hear != nil {
		t.hear(c.Reading)
	}
	t.reach(h.reachable(c.Accessory)) // a value makes reachable, and a goodbye may bring one
	if c.Reading.Trait == trait.Reachable.Any() && t.plan.role == watch {
		h.tellWearing(t.plan.person)
	}
}

// emergencyOf is a person's alarm, or nil.
func (h *House) emergencyOf(person string) *thing {
	if person == "" {
		return nil
	}
	return h.shown[home.EmergencyID(person)]
}

// press presses the button of a thing that is for an event once.
func (h *House) press(t *thing, event trait.Any) {
	if t == nil {
		return
	}
	if c := t.pressed[event]; c != nil {
		_ = c.Set(hap.Int(0)) // a single press always fits
	}
}

// hideAll tells all cameras whether Privacy is on.
func (h *House) hideAll(on bool) {
	for _, t := range h.shown {
		if t.hide != nil {
			t.hide(on)
		}
	}
}

// tell gives a thing everything that is known about it.
func (h *House) tell(t *thing) {
	if h.hides(t) {
		t.rest()
		return
	}
	for f, r := range h.facts {
		if f.accessory == t.plan.key && t.hear != nil {
			t.hear(r)
		}
		if on, ok := trait.Privacy.In(r); ok && t.hide != nil {
			t.hide(on)
		}
	}
	t.reach(h.reachable(t.plan.key))
}

// tellWearing tells everything about a person whether any watch of theirs answers.
func (h *House) tellWearing(person string) {
	well := false
	for key, t := range h.shown {
		well = well || t.plan.role == watch && t.plan.person == person && h.reachable(key)
	}
	for _, t := range h.shown {
		if t.worn != nil && t.plan.person == person {
			t.worn(well)
		}
	}
}

func (h *House) reachable(accessory string) bool {
	yes, _ := trait.Reachable.In(h.facts[fact{accessory, trait.Reachable.Any()}])
	return yes
}

// people is everybody whom something is about.
func (h *House) people() map[string]bool {
	all := map[string]bool{}
	for _, t := range h.shown {
		all[t.plan.person] = true
	}
	delete(all, "")
	return all
}

// silence shows bells as off again.
func (h *House) silence(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case on := <-h.rang:
			select {
			case <-ctx.Done():
			case <-time.After(bellTime):
			}
			_ = on.Set(hap.Bool(false)) // a bool always fits
		}
	}
}
