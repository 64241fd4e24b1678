package homekit

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/hap"
)

// thing is one accessory that is shown.
type thing struct {
	plan      plan
	accessory *hap.Accessory
	snapshot  func(ctx context.Context, p hap.Picture) ([]byte, error)

	hear    func(trait.Reading)               // a state of the accessory; nil for those that have none
	worn    func(bool)                        // whether the watch of its person answers
	hide    func(bool)                        // whether Privacy is on; nil for those that see nothing
	device  []*hap.Service                    // which go unreachable with the device
	pressed map[trait.Any]*hap.Characteristic // buttons, by the event that presses them
}

// thing makes what a plan says, or gives the one that is already shown.
func (h *House) thing(p plan, r *Register) *thing {
	h.mu.Lock()
	known := h.shown[p.key]
	h.mu.Unlock()
	if known != nil && reflect.DeepEqual(known.plan, p) && (p.role != camera || h.installed(p)) {
		return known
	}
	t := &thing{plan: p}
	own := h.services(t)
	t.accessory = &hap.Accessory{AID: r.numbers(p.entry()).AID}
	if p.server == p.key {
		t.accessory.AID = bridgeAID
	}
	information := h.information(p)
	if len(own) > 1 {
		information = h.named(p, information, p.name)
	}
	t.accessory.Services = append([]*hap.Service{information}, own...)
	if t.accessory.AID == bridgeAID {
		t.accessory.Services = append(t.accessory.Services, service(serviceProtocol, text(typeVersion, "1.1.0")))
	}
	if p.private {
		h.discreet(t)
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
func (h *House) information(p plan) *hap.Service {
	identify := &hap.Characteristic{Type: typeIdentify, Format: hap.FormatBool, Perms: hap.PermWrite, OnWrite: h.identify(p)}
	return service(serviceInformation, identify,
		text(typeManufacturer, plain(p.offer.Maker, "Ingle")),
		text(typeModel, plain(p.offer.Model, p.model())),
		text(typeName, p.name),
		text(typeSerial, p.serial()),
		text(typeFirmware, firmware(p.offer.Firmware)))
}

// identify shows which one it is: a watch rings, for a controller that is paired. Anything else leaves
// a line in the log; no motor moves for it.
func (h *House) identify(p plan) func(context.Context, *hap.Peer, hap.Value) (hap.Value, error) {
	return func(ctx context.Context, by *hap.Peer, v hap.Value) (hap.Value, error) {
		if !v.Bool() || by.Controller == "" {
			return v, nil
		}
		if !p.private && h.askedAnew(p.key) { // when it is used is nobody's business
			h.log.Info("homekit: somebody asks which one this is", "accessory", p.key)
		}
		if p.role == watch && p.offers(trait.Find.Any()) {
			return v, h.do(ctx, p, trait.Find.Set(true))
		}
		return v, nil
	}
}

// askedAnew says whether nobody has asked an accessory which one it is for a while: a phone that asks
// without end must not fill the log.
func (h *House) askedAnew(accessory string) bool {
	const often = time.Minute
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	if now.Sub(h.asked[accessory]) < often {
		return false
	}
	h.asked[accessory] = now
	return true
}

// named adds the name without which controllers call every service of an accessory the same. What
// somebody renames it to is kept, by what tells the service from the accessory's others.
func (h *House) named(p plan, s *hap.Service, name string) *hap.Service {
	key := s.Type
	if index := s.Characteristic(typeLabelIndex); index != nil {
		if v, _ := index.Value(); v.Int() > 1 {
			key = fmt.Sprintf("%s.%d", s.Type, v.Int())
		}
	}
	c := &hap.Characteristic{Type: typeConfigured, Format: hap.FormatString, Perms: writes}
	if kept := h.register.Accessories[p.entry()].Names[key]; kept != "" {
		name = kept
	}
	_ = c.Set(hap.String(speakable(name, longest))) // fits: that is what speakable is for
	c.OnWrite = func(ctx context.Context, _ *hap.Peer, v hap.Value) (hap.Value, error) {
		if v.Text() != speakable(v.Text(), longest) {
			return hap.Value{}, hap.StatusInvalidValue
		}
		return v, h.record(ctx, func(r *Register) {
			n := r.numbers(p.entry())
			if n.Names == nil {
				n.Names = map[string]string{}
			}
			n.Names[key] = v.Text()
			r.Accessories[p.entry()] = n
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
		if id := r.iid(t.plan.entry(), what); *iid != id {
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
//
// What is asked for at each read, or never, has no value to know.
func (t *thing) reach(reachable bool) {
	for _, s := range t.device {
		for _, c := range s.Characteristics {
			v, _ := c.Value()
			known := !v.Null() || c.OnRead != nil || c.Perms&hap.PermRead == 0
			switch {
			case c.Type == typeConfigured: // the hub's own
			case reachable && known:
				c.SetStatus(hap.StatusOK)
			default:
				c.SetStatus(hap.StatusUnreachable)
			}
		}
	}
}

// CodeMisfit is the health code of an accessory that reports values that do not fit.
const CodeMisfit = "homekit-misfit"

// set shows a value. One that does not fit is a driver's mistake: the last one stays.
func (h *House) set(key string, c *hap.Characteristic, v hap.Value) error {
	err := c.Set(v)
	h.fits(key, c.Type, err)
	return err
}

// fits keeps whether the newest reading of a type did: people and the log are told of the first that
// did not, and people again when all do. It runs under h.mu.
func (h *House) fits(key, typ string, err error) {
	bad := h.misfits[key]
	switch {
	case err == nil && bad[typ]:
		delete(bad, typ)
		if len(bad) == 0 {
			h.mended(key)
		}
	case err != nil && !bad[typ]:
		h.log.Warn("homekit: a reading does not fit", "accessory", key, "type", typ, "error", err)
		if bad == nil {
			h.misfits[key] = map[string]bool{}
			h.options.Faults.Raise(CodeMisfit, key, nil)
		}
		h.misfits[key][typ] = true
	}
}

// mended forgets that readings of an accessory did not fit.
func (h *House) mended(key string) {
	delete(h.misfits, key)
	h.options.Faults.Clear(CodeMisfit, key)
}

// do carries a command and says in HAP's words what came of it.
func (h *House) do(ctx context.Context, p plan, cmd trait.Command) error {
	err := h.options.Do(ctx, p.key, cmd)
	if p.private && !h.isArmed() {
		return h.takeBack(ctx, p)
	}
	var status hap.Status
	var late interface{ Timeout() bool }
	switch {
	case err == nil:
		return nil
	case errors.As(err, &status):
		return status
	}
	if !p.private { // when it is used is nobody's business
		h.log.Info("homekit: a command was not done", "accessory", p.key, "trait", cmd.Trait.ID(), "error", strings.TrimSpace(err.Error()))
	}
	if errors.As(err, &late) && late.Timeout() {
		return hap.StatusTimeout
	}
	return hap.StatusUnreachable
}
