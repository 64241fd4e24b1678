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
	IIDs    map[string]uint64 `json:"iids"`            // by "service" and "service/characteristic type"
	Names   map[string]string `json:"names,omitempty"` // by service: what a controller renamed it to
	Offer   Offer             `json:"offer"`
}

const bridgeAID = 1

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
		if offer, told := offers[a.ID]; told {
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
