package homekit

import (
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
	at home.Accessory
}

// camera is a camera's own services and, where it tells, what moves before it.
func (h *House) camera(t *thing) []*hap.Service {
	c, err := h.install(t.plan.home)
	h.sees(t.plan.key, err)
	t.snapshot = c.Snapshot
	all := append([]*hap.Service(nil), c.Services...)
	t.device = append([]*hap.Service(nil), c.Services...)
	if !t.plan.offers(trait.Motion.Any()) {
		return all
	}
	moving, state := flag(typeMotion, shows), newHealth()
	t.hear = func(r trait.Reading) {
		if on, ok := trait.Motion.In(r); ok {
			_ = moving.Set(hap.Bool(on)) // a bool always fits
		}
		if well, ok := trait.Reachable.In(r); ok {
			state.show(well)
		}
	}
	motion := service(serviceMotion, moving, state.active, state.fault)
	t.device = append(t.device, motion)
	return append(all, h.named(t.plan, motion, joined(t.plan.name, " Motion")))
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
func (h *House) install(a home.Accessory) (Camera, error) {
	if h.installed(a) {
		return h.cameras[a.ID].Camera, nil
	}
	h.remove(a.ID)
	if h.options.Camera == nil {
		return Camera{}, errors.New("there are no cameras here")
	}
	var c Camera
	err := caught(func() (err error) { c, err = h.options.Camera(a); return err })
	if err == nil {
		err = whole(c.Services)
	}
	if err != nil {
		return Camera{}, err
	}
	h.cameras[a.ID] = installed{c, a}
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
func (h *House) installed(a home.Accessory) bool {
	c, ok := h.cameras[a.ID]
	return ok && c.at.Driver == a.Driver && c.at.Address == a.Address && reflect.DeepEqual(c.at.Fields, a.Fields)
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
