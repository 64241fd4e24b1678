package homekit

import (
	"context"
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/hap"
)

const (
	maxBells   = 16          // that may wait to be shown as off
	bellTime   = time.Second // for which one is shown as on
	lowBattery = 15          // percent
)

// toggle is a switch of the hub itself.
func (h *House) toggle(t *thing, of trait.Trait[bool]) []*hap.Service {
	on := flag(typeOn, writes)
	on.OnWrite = func(ctx context.Context, _ *hap.Peer, v hap.Value) (hap.Value, error) {
		return v, h.do(ctx, t.plan, of.Set(v.Bool()))
	}
	t.hear = func(r trait.Reading) {
		if yes, ok := of.In(r); ok {
			_ = on.Set(hap.Bool(yes)) // a bool always fits
		}
	}
	return []*hap.Service{service(serviceSwitch, on)}
}

// watch is a bell to find it by, and its battery.
func (h *House) watch(t *thing) []*hap.Service {
	find := service(serviceSwitch, h.bell(t.plan))
	find.Primary = true
	battery, hear := h.battery(t.plan)
	t.hear = hear
	t.device = []*hap.Service{
		h.named(t.plan, find, t.plan.words.find(t.plan.name)),
		h.named(t.plan, battery, joined(t.plan.name, " "+t.plan.words.Battery)),
	}
	return t.device
}

// bell is a switch that turns itself off: it is a wish, not a state.
func (h *House) bell(p plan) *hap.Characteristic {
	on := flag(typeOn, writes)
	on.OnWrite = func(ctx context.Context, _ *hap.Peer, v hap.Value) (hap.Value, error) {
		if !v.Bool() {
			return v, nil // it is off by itself
		}
		if err := h.do(ctx, p, trait.Find.Set(true)); err != nil {
			return v, err
		}
		select {
		case h.rang <- on:
		default: // so many rings at once are not worth an animation
			_ = on.Set(hap.Bool(false)) // a bool always fits
		}
		return v, nil
	}
	return on
}

func (h *House) battery(p plan) (*hap.Service, func(trait.Reading)) {
	charge, low := percent(typeBattery, shows), level(typeLowBattery, shows, 1)
	hear := func(r trait.Reading) {
		if v, ok := trait.Battery.In(r); ok {
			if h.set(p.key, charge, hap.Int(int64(v))) == nil {
				_ = low.Set(digit(v <= lowBattery)) // 0 and 1 always fit
			}
		}
	}
	return service(serviceBattery, charge, low), hear
}
