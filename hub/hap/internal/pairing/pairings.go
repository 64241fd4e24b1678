package pairing

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/ingle-home/ingle/hub/hap/tlv8"
)

// Change takes the body of POST /pairings from the controller called asker and
// adds, removes or lists pairings, for admins only. What it changed is durable.
// With the event Removed the sessions of whoever is paired no more are closed
// after the answer has been written, that of the asker last.
func Change(ctx context.Context, store Store, asker Peer, body []byte) Answer {
	items, event, err := change(ctx, store, asker, body)
	if err != nil {
		return refuse(2, err)
	}
	a := accept(2, items)
	a.Event = event
	return a
}

func change(ctx context.Context, store Store, asker Peer, body []byte) (items []byte, event Event, err error) {
	message, err := tlv8.Parse(body)
	if err != nil {
		return nil, 0, errMalformed
	}
	state, err := message.Uint8(typeState)
	if err != nil || state != 1 {
		return nil, 0, errMalformed
	}
	method, err := message.Uint8(typeMethod)
	if err != nil {
		return nil, 0, errMalformed
	}
	switch method {
	case 3:
		event, err = add(ctx, store, asker, message)
	case 4:
		event, err = remove(ctx, store, asker, message)
	case 5:
		items, err = list(store, asker)
	default:
		err = errMalformed
	}
	return items, event, err
}

func (r *Record) find(id string) int {
	return slices.IndexFunc(r.Peers, func(p Peer) bool { return p.ID == id })
}

// admin reports whether the very controller that verified is an admin: the same
// name under another key is somebody else.
func (r *Record) admin(asker Peer) bool {
	i := r.find(asker.ID)
	return i >= 0 && r.Peers[i].Admin && bytes.Equal(r.Peers[i].Key, asker.Key)
}

// update is store.Update by an admin: the right is looked up in the very record
// that is changed.
func update(ctx context.Context, store Store, asker Peer, change func(*Record) error) error {
	return stored(store.Update(ctx, func(r *Record) error {
		if !r.admin(asker) {
			return refuseAuthentication
		}
		return change(r)
	}))
}

func add(ctx context.Context, store Store, asker Peer, message tlv8.Items) (event Event, err error) {
	id, idErr := identifier(message)
	key, keyErr := longTermKey(message)
	permissions, permErr := message.Uint8(typePermissions)
	err = update(ctx, store, asker, func(r *Record) error {
		if errors.Join(idErr, keyErr, permErr) != nil {
			return errMalformed
		}
		if r.find(id) < 0 {
			event = Added
		}
		return r.add(Peer{ID: id, Key: key, Admin: permissions&1 != 0})
	})
	return event, err
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
func remove(ctx context.Context, store Store, asker Peer, message tlv8.Items) (event Event, err error) {
	id, idErr := identifier(message)
	err = update(ctx, store, asker, func(r *Record) error {
		if idErr != nil {
			return errMalformed
		}
		i := r.find(id)
		if i < 0 {
			return nil
		}
		event = Removed
		stay := slices.Delete(slices.Clone(r.Peers), i, i+1)
		if !slices.ContainsFunc(stay, func(p Peer) bool { return p.Admin }) {
			stay = nil
		}
		r.Peers = stay
		return nil
	})
	return event, err
}

func list(store Store, asker Peer) ([]byte, error) {
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
