package homekit

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/hap"
)

// thing is one accessory that is shown.
type thing struct {
	plan      plan
	accessory *hap.Accessory
	snapshot  func(ctx context.Context, width, height int) ([]byte, error)

	hear    func(trait.Reading)   // a state of the accessory; nil for those that have none
	worn    func(bool)            // whether the watch of its person answers
	device  []*hap.Service        // which go unreachable with the device
	pressed []*hap.Characteristic // buttons
}

// thing makes what a plan says, or gives the one that is already shown.
func (h *House) thing(p plan, r *Register) *thing {
	h.mu.Lock()
	known := h.shown[p.key]
	h.mu.Unlock()
	if known != nil && reflect.DeepEqual(known.plan, p) && (p.role != camera || h.installed(p.home)) {
		return known
	}
	t := &thing{plan: p}
	own := h.services(t)
	t.accessory = &hap.Accessory{AID: r.numbers(p.key).AID}
	if p.server == p.key {
		t.accessory.AID = bridgeAID
	}
	information := information(p)
	if len(own) > 1 {
		information = h.named(p, information, p.name)
	}
	t.accessory.Services = append([]*hap.Service{information}, own...)
	if t.accessory.AID == bridgeAID {
		t.accessory.Services = append(t.accessory.Services, service(serviceProtocol, text(typeVersion, "1.1.0")))
	}
	number(t, r)
	return t
}

// services makes the ones that the accessory is for.
func (h *House) services(t *thing) []*hap.Service {
	switch t.plan.role {
	case privacySwitch:
		return h.toggle(t, trait.Privacy)
	case stopSwitch:
		return h.toggle(t, trait.StopAll)
	case camera:
		return h.camera(t)
	case watch:
		return h.watch(t)
	case toy:
		return h.toy(t)
	case presence:
		return occupancy(t)
	case emergency:
		return h.emergency(t)
	}
	return nil
}

// information tells a controller what the accessory is. The serial is our own ID: a device's own
// number can be a key to it.
func information(p plan) *hap.Service {
	identify := &hap.Characteristic{Type: typeIdentify, Format: hap.FormatBool, Perms: hap.PermWrite}
	return service(serviceInformation, identify,
		text(typeManufacturer, plain(p.offer.Maker, "Ingle")),
		text(typeModel, plain(p.offer.Model, p.model())),
		text(typeName, p.name),
		text(typeSerial, plain(p.key, "hub "+p.key)),
		text(typeFirmware, firmware(p.offer.Firmware)))
}

// named adds the name without which controllers call every service of an accessory the same. What
// somebody renames it to is kept.
func (h *House) named(p plan, s *hap.Service, name string) *hap.Service {
	key := s.Type
	c := &hap.Characteristic{Type: typeConfigured, Format: hap.FormatString, Perms: writes}
	if kept := h.register.Accessories[p.key].Names[key]; kept != "" {
		name = kept
	}
	_ = c.Set(hap.String(speakable(name, longest))) // fits: that is what speakable is for
	c.OnWrite = func(ctx context.Context, _ *hap.Peer, v hap.Value) (hap.Value, error) {
		if v.Text() != speakable(v.Text(), longest) {
			return hap.Value{}, hap.StatusInvalidValue
		}
		return v, h.record(ctx, func(r *Register) {
			n := r.numbers(p.key)
			if n.Names == nil {
				n.Names = map[string]string{}
			}
			n.Names[key] = v.Text()
			r.Accessories[p.key] = n
		})
	}
	s.Characteristics = append(s.Characteristics, c)
	return s
}

// number gives services and characteristics their iids. What has the right one is left alone: it
// may be in use.
func number(t *thing, r *Register) {
	seen := map[string]int{}
	give := func(iid *uint64, what string) {
		if id := r.iid(t.plan.key, what); *iid != id {
			*iid = id
		}
	}
	for _, s := range t.accessory.Services {
		key := nth(seen, s.Type)
		give(&s.IID, key)
		within := map[string]int{}
		for _, c := range s.Characteristics {
			give(&c.IID, key+"/"+nth(within, c.Type))
		}
	}
}

// nth tells the second of a type, "110.2", from the first, "110".
func nth(seen map[string]int, typ string) string {
	seen[typ]++
	if n := seen[typ]; n > 1 {
		return fmt.Sprintf("%s.%d", typ, n)
	}
	return typ
}

// reach marks everything of the device, or takes the mark away from what is known: a battery that
// has not been told is not an empty one.
func (t *thing) reach(reachable bool) {
	for _, s := range t.device {
		for _, c := range s.Characteristics {
			v, _ := c.Value()
			switch {
			case c.Type == typeConfigured: // the hub's own
			case reachable && !v.Null():
				c.SetStatus(hap.StatusOK)
			default:
				c.SetStatus(hap.StatusUnreachable)
			}
		}
	}
}

// set shows a value. One that does not fit is a driver's mistake: the last one stays, and the log
// says which accessory it was.
func (h *House) set(key string, c *hap.Characteristic, v hap.Value) {
	if err := c.Set(v); err != nil {
		h.log.Warn("homekit: a reading does not fit", "accessory", key, "type", c.Type, "error", err)
	}
}

// do carries a command and says in HAP's words what came of it.
func (h *House) do(ctx context.Context, accessory string, cmd trait.Command) error {
	err := h.options.Do(ctx, accessory, cmd)
	var status hap.Status
	var late interface{ Timeout() bool }
	switch {
	case err == nil:
		return nil
	case errors.As(err, &status):
		return status
	}
	h.log.Info("homekit: a command was not done", "accessory", accessory, "trait", cmd.Trait.ID(), "error", strings.TrimSpace(err.Error()))
	if errors.As(err, &late) && late.Timeout() {
		return hap.StatusTimeout
	}
	return hap.StatusUnreachable
}
