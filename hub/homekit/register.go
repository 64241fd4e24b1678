package homekit

import (
	"context"
	"fmt"
	"maps"
	"reflect"

	"github.com/ingle-home/ingle/hub/home"
)

// IDs keeps the numbers of a house. Save returns only after they would survive a power cut.
type IDs interface {
	Load(ctx context.Context) (Register, error) // the zero Register at the first start
	Save(ctx context.Context, r Register) error
}

// Register holds the numbers that controllers know things by. They are given once and never again
// to anything else: a household's rooms, scenes and automations hang on them. Entries outlive their
// accessory, so that one that returns is the same one.
type Register struct {
	LastAID     uint64             `json:"last_aid"`
	Accessories map[string]Numbers `json:"accessories"` // by accessory ID, derived ones included
}

// Numbers belong to one accessory.
type Numbers struct {
	AID     uint64            `json:"aid"` // on the main bridge; on a server of its own it is 1
	LastIID uint64            `json:"last_iid"`
	IIDs    map[string]uint64 `json:"iids"`             // by "service" and "service/characteristic type"
	Names   map[string]string `json:"names,omitempty"`  // by service: what a controller renamed it to
	Bridge  int               `json:"bridge,omitempty"` // where it has its place, from 1; 0: it never had one
	Alias   int               `json:"alias,omitempty"`  // of a private one: the number in its neutral name
	Offer   Offer             `json:"offer"`

	// Of a camera: the still pictures that the household does not want in Apple Home.
	NoEventStills bool `json:"no_event_stills,omitempty"`
	NoUsualStills bool `json:"no_usual_stills,omitempty"`
}

const (
	bridgeAID  = 1
	maxBridged = 149 // accessories on one bridge, besides itself
)

// clone copies so deep that the copy can be changed.
func (r Register) clone() Register {
	all := make(map[string]Numbers, len(r.Accessories))
	for key, n := range r.Accessories {
		n.IIDs, n.Names = maps.Clone(n.IIDs), maps.Clone(n.Names)
		all[key] = n
	}
	r.Accessories = all
	return r
}

// numbers finds the numbers of an accessory and gives it an aid if it has none.
func (r *Register) numbers(key string) Numbers {
	n, known := r.Accessories[key]
	if known {
		return n
	}
	if r.LastAID < bridgeAID {
		r.LastAID = bridgeAID
	}
	n = Numbers{AID: bridgeAID, IIDs: map[string]uint64{}, Names: map[string]string{}}
	if key != MainServer {
		r.LastAID++
		n.AID = r.LastAID
	}
	r.Accessories[key] = n
	return n
}

// bridge finds the bridge on which an accessory has its place, or gives it a place on the first one
// that has room. A place is kept for ever, also for what is away: it must find it when it returns.
func (r *Register) bridge(key string) int {
	n := r.numbers(key)
	if n.Bridge > 0 {
		return n.Bridge
	}
	crowd := map[int]int{}
	for _, other := range r.Accessories {
		crowd[other.Bridge]++
	}
	n.Bridge = 1
	for crowd[n.Bridge] >= maxBridged {
		n.Bridge++
	}
	r.Accessories[key] = n
	return n.Bridge
}

// bridges is how many there have ever been.
func (r *Register) bridges() int {
	most := 1
	for _, n := range r.Accessories {
		most = max(most, n.Bridge)
	}
	return most
}

// alias finds the number in a private accessory's name, or gives it the next one.
func (r *Register) alias(key string) int {
	n := r.numbers(key)
	if n.Alias > 0 {
		return n.Alias
	}
	for _, other := range r.Accessories {
		n.Alias = max(n.Alias, other.Alias)
	}
	n.Alias++
	r.Accessories[key] = n
	return n.Alias
}

// iid finds the number of a service or characteristic, or gives it the next one.
func (r *Register) iid(key, what string) uint64 {
	n := r.numbers(key)
	if n.IIDs == nil {
		n.IIDs = map[string]uint64{}
	}
	if n.IIDs[what] == 0 {
		n.LastIID++
		n.IIDs[what] = n.LastIID
		r.Accessories[key] = n
	}
	return n.IIDs[what]
}

// remember keeps what units said about themselves.
func (r *Register) remember(contents home.Contents, offers map[string]Offer) {
	for _, a := range contents.Accessories {
		offer, told := offers[a.ID]
		switch {
		case a.Private:
			r.rememberPrivate(a.ID, offer, told)
		case told:
			n := r.numbers(a.ID)
			n.Offer = offer
			r.Accessories[a.ID] = n
		}
	}
}

// record changes the register and saves it; an error leaves it as it was.
func (h *House) record(ctx context.Context, change func(*Register)) error {
	h.saving.Lock()
	defer h.saving.Unlock()
	next := h.register.clone()
	change(&next)
	if reflect.DeepEqual(next, h.register) {
		return nil
	}
	if err := h.options.IDs.Save(ctx, next.clone()); err != nil {
		return fmt.Errorf("homekit: save numbers: %w", err)
	}
	h.register = next
	return nil
}

// Forget takes numbers out of the register for good: those for whose keys gone is true. They are never given
// to anything else. What a controller renamed things to for which nameless is true is forgotten too. What is
// still shown gets new numbers with the next Show.
func (h *House) Forget(ctx context.Context, gone, nameless func(key string) bool) error {
	return h.record(ctx, func(r *Register) {
		for key, n := range r.Accessories {
			switch {
			case key == MainServer:
			case gone(key):
				delete(r.Accessories, key)
			case nameless(key) && len(n.Names) > 0:
				n.Names = map[string]string{}
				r.Accessories[key] = n
			}
		}
	})
}

// Registered counts the keys that have numbers and for which is is true.
func (h *House) Registered(is func(key string) bool) (n int) {
	h.saving.Lock()
	defer h.saving.Unlock()
	for key := range h.register.Accessories {
		if is(key) {
			n++
		}
	}
	return n
}
