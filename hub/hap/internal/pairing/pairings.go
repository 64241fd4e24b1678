package pairing

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"slices"

	"github.com/ingle-home/ingle/hub/hap/tlv8"
)

// Change takes the body of POST /pairings from the controller called asker and
// adds, removes or lists pairings, for admins only. What it changed is durable.
// Gone are the controllers that are paired no more: after the answer has been
// written their sessions are closed, that of the asker last.
func Change(ctx context.Context, store Store, asker string, body []byte) (a Answer, gone []string) {
	items, gone, err := change(ctx, store, asker, body)
	if err != nil {
		return refuse(2, err), nil
	}
	return accept(2, items), gone
}

func change(ctx context.Context, store Store, asker string, body []byte) (items []byte, gone []string, err error) {
	message, err := tlv8.Parse(body)
	if err != nil {
		return nil, nil, errMalformed
	}
	state, err := message.Uint8(typeState)
	if err != nil || state != 1 {
		return nil, nil, errMalformed
	}
	method, err := message.Uint8(typeMethod)
	if err != nil {
		return nil, nil, errMalformed
	}
	switch method {
	case 3:
		return nil, nil, add(ctx, store, asker, message)
	case 4:
		gone, err := remove(ctx, store, asker, message)
		return nil, gone, err
	case 5:
		items, err := list(store, asker)
		return items, nil, err
	}
	return nil, nil, errMalformed
}

func (r *Record) find(id string) int {
	return slices.IndexFunc(r.Peers, func(p Peer) bool { return p.ID == id })
}

func (r *Record) admin(id string) bool {
	i := r.find(id)
	return i >= 0 && r.Peers[i].Admin
}

// update is store.Update by an admin: the right is looked up in the very record
// that is changed.
func update(ctx context.Context, store Store, asker string, change func(*Record) error) error {
	return stored(store.Update(ctx, func(r *Record) error {
		if !r.admin(asker) {
			return refuseAuthentication
		}
		return change(r)
	}))
}

func add(ctx context.Context, store Store, asker string, message tlv8.Items) error {
	id, idErr := identifier(message)
	key, keyErr := sized(message, typePublicKey, ed25519.PublicKeySize)
	permissions, permErr := message.Uint8(typePermissions)
	return update(ctx, store, asker, func(r *Record) error {
		if errors.Join(idErr, keyErr, permErr) != nil {
			return errMalformed
		}
		return r.add(Peer{ID: id, Key: bytes.Clone(key), Admin: permissions&1 != 0})
	})
}

func (r *Record) add(p Peer) error {
	i := r.find(p.ID)
	switch {
	case i < 0 && len(r.Peers) >= MaxPeers:
		return refuseMaxPeers
	case i < 0:
		r.Peers = append(slices.Clip(r.Peers), p)
		return nil
	case !bytes.Equal(r.Peers[i].Key, p.Key):
		return refuseUnknown
	}
	peers := slices.Clone(r.Peers)
	peers[i].Admin = p.Admin
	// Without an admin nobody could add or remove anyone, for ever.
	if !slices.ContainsFunc(peers, func(p Peer) bool { return p.Admin }) {
		return refuseUnknown
	}
	r.Peers = peers
	return nil
}

// remove takes one pairing away; an unknown one is gone already. The last admin
// takes all others along.
func remove(ctx context.Context, store Store, asker string, message tlv8.Items) ([]string, error) {
	id, idErr := identifier(message)
	var gone []string
	err := update(ctx, store, asker, func(r *Record) error {
		if idErr != nil {
			return errMalformed
		}
		var stay []Peer
		for _, p := range r.Peers {
			if p.ID == id {
				gone = append(gone, p.ID)
			} else {
				stay = append(stay, p)
			}
		}
		if !slices.ContainsFunc(stay, func(p Peer) bool { return p.Admin }) {
			for _, p := range stay {
				gone = append(gone, p.ID)
			}
			stay = nil
		}
		r.Peers = stay
		return nil
	})
	return gone, err
}

func list(store Store, asker string) ([]byte, error) {
	record := store.Record()
	if !record.admin(asker) {
		return nil, refuseAuthentication
	}
	var items []byte
	for i, p := range record.Peers {
		if i > 0 {
			items = tlv8.AppendSeparator(items, typeSeparator)
		}
		items = tlv8.AppendString(items, typeIdentifier, p.ID)
		items = tlv8.Append(items, typePublicKey, p.Key)
		var permissions uint8
		if p.Admin {
			permissions = 1
		}
		items = tlv8.AppendUint8(items, typePermissions, permissions)
	}
	return items, nil
}
