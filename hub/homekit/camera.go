package homekit

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/home"
)

// installed is a camera and what it was made for.
type installed struct {
	Camera
	at     home.Accessory
	speaks bool
}

// camera is a camera's own services, the household's say over it and, where it tells, what moves before
// it and who rings.
func (h *House) camera(t *thing) []*hap.Service {
	c, err := h.install(t.plan)
	h.sees(t.plan.key, err)
	m := h.mode(t.plan)
	if c.Snapshot != nil {
		t.snapshot = func(ctx context.Context, p hap.Picture) ([]byte, error) {
			if m.refuses(p.Reason) {
				return nil, hap.StatusNotAllowed
			}
			jpeg, err := c.Snapshot(ctx, p.Width, p.Height)
			if err == nil && h.options.Snapped != nil {
				h.options.Snapped(t.plan.key, p.Controller)
			}
			return jpeg, err
		}
	}
	t.hear, t.hide = m.hear, m.hide
	t.device = append([]*hap.Service(nil), c.Services...)
	all := append(append([]*hap.Service(nil), c.Services...), m.service())
	if t.plan.offers(trait.Motion.Any()) {
		all = append(all, h.motion(t, m))
	}
	if t.plan.offers(trait.Doorbell.Any()) {
		all = append(all, h.doorbell(t))
	}
	return all
}

// motion is what moves before a camera. A camera that is off sees nothing, and says so.
func (h *House) motion(t *thing, m *mode) *hap.Service {
	moving, state := flag(typeMotion, shows), newHealth()
	var well bool
	t.hear = func(r trait.Reading) {
		m.hear(r)
		if on, ok := trait.Motion.In(r); ok {
			_ = moving.Set(hap.Bool(on)) // a bool always fits
		}
		if there, ok := trait.Reachable.In(r); ok {
			well = there
			state.show(well)
		}
		_ = state.active.Set(hap.Bool(well && m.sees())) // a bool always fits
	}
	motion := service(serviceMotion, moving, state.active, state.fault)
	t.device = append(t.device, motion)
	return h.named(t.plan, motion, joined(t.plan.name, " "+t.plan.words.Motion))
}

// doorbell is a camera's button.
func (h *House) doorbell(t *thing) *hap.Service {
	pressed := button()
	t.pressed = map[trait.Any]*hap.Characteristic{trait.Doorbell.Any(): pressed}
	bell := service(serviceDoorbell, pressed)
	bell.Primary = t.plan.server == t.plan.key
	return h.named(t.plan, bell, joined(t.plan.name, " "+t.plan.words.Doorbell))
}

// mode is the household's say over a camera: whether it sees at all, and which still pictures Apple Home
// may have.
type mode struct{ active, events, usual, disabled *hap.Characteristic }

func (h *House) mode(p plan) *mode {
	m := &mode{
		active: level(typeCameraActive, writes, 1), disabled: flag(typeDisabled, shows),
		events: level(typeEventStills, writes, 1), usual: level(typeUsualStills, writes, 1),
	}
	kept := h.register.Accessories[p.entry()]
	_ = m.active.Set(digit(true)) // 0 and 1 always fit
	_ = m.events.Set(digit(!kept.NoEventStills))
	_ = m.usual.Set(digit(!kept.NoUsualStills))
	m.active.OnWrite = byAdmin(func(ctx context.Context, on bool) error { return h.do(ctx, p, trait.Active.Set(on)) })
	keep := func(set func(n *Numbers, on bool)) func(context.Context, bool) error {
		return func(ctx context.Context, on bool) error {
			return h.record(ctx, func(r *Register) {
				n := r.numbers(p.entry())
				set(&n, on)
				r.Accessories[p.entry()] = n
			})
		}
	}
	m.events.OnWrite = byAdmin(keep(func(n *Numbers, on bool) { n.NoEventStills = !on }))
	m.usual.OnWrite = byAdmin(keep(func(n *Numbers, on bool) { n.NoUsualStills = !on }))
	return m
}

// byAdmin lets only those who may change pairings change a camera's mode.
func byAdmin(change func(ctx context.Context, on bool) error) func(context.Context, *hap.Peer, hap.Value) (hap.Value, error) {
	return func(ctx context.Context, by *hap.Peer, v hap.Value) (hap.Value, error) {
		if !by.Admin() {
			return v, hap.StatusNoPrivileges
		}
		return v, change(ctx, v.Int() != 0)
	}
}

func (m *mode) service() *hap.Service {
	return service(serviceMode, m.active, m.events, m.usual, m.disabled)
}

func (m *mode) hear(r trait.Reading) {
	if on, ok := trait.Active.In(r); ok {
		_ = m.active.Set(digit(on)) // 0 and 1 always fit
	}
}

func (m *mode) hide(on bool) { _ = m.disabled.Set(hap.Bool(on)) } // a bool always fits

func (m *mode) sees() bool {
	v, _ := m.active.Value()
	return v.Int() != 0
}

// refuses reports whether the household wants no still pictures for a reason. Who names none gets none that
// it could not have by naming one.
func (m *mode) refuses(why hap.Reason) bool {
	off := func(c *hap.Characteristic) bool {
		v, _ := c.Value()
		return v.Int() == 0
	}
	switch why {
	case hap.Periodic:
		return off(m.usual)
	case hap.Happened:
		return off(m.events)
	}
	return off(m.usual) && off(m.events)
}

// Renew makes a camera forget its HomeKit side, which the next Show then makes anew: for when the
// source of its pictures was replaced. Its streams end.
func (h *House) Renew(accessory string) {
	h.showing.Lock()
	defer h.showing.Unlock()
	h.remove(accessory)
}

// install makes a camera, or gives the one that there is. It runs under h.showing, as do the others
// below.
func (h *House) install(p plan) (Camera, error) {
	a := p.home
	if h.installed(p) {
		return h.cameras[a.ID].Camera, nil
	}
	h.remove(a.ID)
	if h.options.Camera == nil {
		return Camera{}, errors.New("there are no cameras here")
	}
	var c Camera
	err := caught(func() (err error) { c, err = h.options.Camera(a, p.offer.Speaks); return err })
	if err == nil {
		err = whole(c.Services)
	}
	if err != nil {
		return Camera{}, err
	}
	h.cameras[a.ID] = installed{c, a, p.offer.Speaks}
	return c, nil
}

// caught makes an error of a panic: one camera must not cost the house the others.
func caught(call func() error) (err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("panic: %v", fault)
		}
	}()
	return call()
}

// CodeDark is the health code of a camera that HomeKit shows without pictures.
const CodeDark = "homekit-dark"

// sees keeps whether a camera has pictures, for people and the log to be told once.
func (h *House) sees(accessory string, err error) {
	switch {
	case err == nil && h.dark[accessory]:
		delete(h.dark, accessory)
		h.options.Faults.Clear(CodeDark, accessory)
	case err != nil && !h.dark[accessory]:
		h.dark[accessory] = true
		h.log.Error("homekit: a camera has no pictures", "accessory", accessory, "error", err)
		h.options.Faults.Raise(CodeDark, accessory, nil)
	}
}

// whole refuses a list with holes, which the server would fall into.
func whole(services []*hap.Service) error {
	for _, s := range services {
		if s == nil || slices.Contains(s.Characteristics, nil) || slices.Contains(s.Linked, nil) {
			return errors.New("a service or a characteristic is missing")
		}
	}
	return nil
}

// installed reports whether there is a camera that looks at the same thing: a new name does not end
// its streams.
func (h *House) installed(p plan) bool {
	a := p.home
	c, ok := h.cameras[a.ID]
	return ok && c.speaks == p.offer.Speaks && c.at.Driver == a.Driver && c.at.Address == a.Address && reflect.DeepEqual(c.at.Fields, a.Fields)
}

func (h *House) remove(accessory string) {
	c := h.cameras[accessory]
	delete(h.cameras, accessory)
	if c.Close == nil {
		return
	}
	if err := caught(func() error { c.Close(); return nil }); err != nil {
		h.log.Error("homekit: a camera did not close", "accessory", accessory, "error", err)
	}
}

// removeCameras ends those that the home no longer has.
func (h *House) removeCameras(contents home.Contents) {
	for id := range h.cameras {
		if _, err := contents.Accessory(id); err != nil {
			h.remove(id)
		}
	}
	for id := range h.dark {
		if _, err := contents.Accessory(id); err != nil {
			h.sees(id, nil)
		}
	}
}
