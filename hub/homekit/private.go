package homekit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/home"
)

// In a shared home everybody sees every accessory of a bridge, and an automation or "turn on all fans"
// reaches what nobody meant. So what is private has a server of its own and, while that is locked,
// reads as a fan at rest and obeys nobody. Its name, maker and model say nothing, here and in the
// register.
const (
	neutralName  = "Bridge"
	neutralMaker = "Generic"
	neutralFan   = "Fan"
)

// discreet plans the private server and what it holds; nothing before something is private. Its names
// give way to all others.
func discreet(contents home.Contents, r *Register, taken names) []plan {
	var all []plan
	for _, a := range contents.Accessories {
		if !a.Private || !home.MayBePrivate(a.Kind) {
			continue
		}
		p := plan{role: toy, key: a.ID, server: PrivateServer, private: true}
		p.name = taken.unique(fmt.Sprintf("%s %d", neutralFan, r.alias(p.entry())))
		p.offer = r.Accessories[p.entry()].Offer
		p.offer.Maker, p.offer.Model = neutralMaker, neutralFan
		all = append(all, p)
	}
	if all == nil && r.Accessories[PrivateServer].AID == 0 {
		return nil
	}
	own := plan{role: bridge, key: PrivateServer, server: PrivateServer, name: neutralName, private: true,
		offer: Offer{Maker: neutralMaker, Model: neutralName}}
	return append([]plan{own}, all...)
}

// rememberPrivate keeps of a private unit how it is driven, and of its public time the numbers only.
func (r *Register) rememberPrivate(accessory string, offer Offer, told bool) {
	if public, known := r.Accessories[accessory]; known {
		public.Names, public.Offer = nil, Offer{}
		r.Accessories[accessory] = public
	}
	if told {
		key := plan{key: accessory, private: true, role: toy}.entry()
		n := r.numbers(key)
		n.Offer = Offer{Steps: offer.Steps}
		r.Accessories[key] = n
	}
}

// serial is our own ID; of what is private, one that does not tell which it is.
func (p plan) serial() string {
	if !p.private {
		return plain(p.key, "hub "+p.key)
	}
	sum := sha256.Sum256([]byte(p.entry()))
	return strings.ToUpper(hex.EncodeToString(sum[:6]))
}

// Arm has what is private show what it is and obey, until Disarm. A House starts disarmed.
func (h *House) Arm() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.armed = true
	for _, t := range h.shown {
		if t.plan.private {
			h.tell(t)
		}
	}
}

// Disarm has it read as at rest, obey nobody, and be at rest: it returns when every motor that
// answers has been stopped, or with what kept it.
func (h *House) Disarm(ctx context.Context) error {
	h.mu.Lock()
	h.armed = false
	var turning []string
	for key, t := range h.shown {
		if !t.plan.private {
			continue
		}
		t.rest()
		if t.plan.role == toy && h.reachable(key) {
			turning = append(turning, key)
		}
	}
	h.mu.Unlock()
	errs := make([]error, len(turning))
	var stops sync.WaitGroup
	for i, key := range turning {
		stops.Go(func() { errs[i] = h.options.Do(ctx, key, trait.Speed.Set(0)) })
	}
	stops.Wait()
	return errors.Join(errs...)
}

// takeBack stops what obeyed although the lock came meanwhile: Disarm stopped it before it began.
func (h *House) takeBack(ctx context.Context, p plan) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), speedTime)
	defer cancel()
	_ = h.options.Do(ctx, p.key, trait.Speed.Set(0)) // who stands before the motor tells people when it does not stop
	return hap.StatusNoPrivileges
}

// discreet has every write to a thing refused while it is locked, whatever it is about.
func (h *House) discreet(t *thing) {
	for _, s := range t.accessory.Services {
		for _, c := range s.Characteristics {
			obey := c.OnWrite
			if obey == nil {
				continue
			}
			c.OnWrite = func(ctx context.Context, by *hap.Peer, v hap.Value) (hap.Value, error) {
				if !h.isArmed() {
					return hap.Value{}, hap.StatusNoPrivileges
				}
				v, err := obey(ctx, by, v)
				if !h.isArmed() {
					return hap.Value{}, hap.StatusNoPrivileges
				}
				return v, err
			}
		}
	}
}

func (h *House) isArmed() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.armed
}

// hides says whether a thing must look at rest. It runs under h.mu.
func (h *House) hides(t *thing) bool { return t.plan.private && !h.armed }

// rest shows a thing as at rest and there, whatever is known of it: that it is away tells something
// too.
func (t *thing) rest() {
	if t.hear != nil {
		t.hear(trait.Speed.Of(0, time.Now()))
	}
}
