package pairing

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/ingle-home/ingle/hub/hap/srp"
	"github.com/ingle-home/ingle/hub/hap/tlv8"
)

// Setup is the pair-setup of one connection. It only moves forward, M1, M3, M5;
// anything else throws it back to the start. One goroutine uses it.
type Setup struct {
	store    Store
	gate     *Gate
	code     string      // that the exchange is about
	exchange *srp.Server // from M2 on, used up by M3
	key      []byte      // SRP session key, from a right M3 on, used up by M5
	event    Event       // of the last message
}

// NewSetup begins a connection's pair-setup; the gate is the server's.
func NewSetup(store Store, gate *Gate) *Setup { return &Setup{store: store, gate: gate} }

// Running reports whether the controller has begun and not finished: a person
// may be typing the code, so the connection deserves patience.
func (s *Setup) Running() bool { return s.exchange != nil || s.key != nil }

// Answer takes the body of POST /pair-setup. What it changes is durable before
// it returns. After an answer with the event Added the connection calls Told.
func (s *Setup) Answer(ctx context.Context, body []byte) Answer {
	s.event = 0
	state, message, err := s.read(body)
	var items []byte
	if err == nil {
		items, err = s.step(ctx, state, message)
	}
	a := accept(state+1, items)
	if err != nil {
		s.exchange, s.key = nil, nil
		a = refuse(state+1, err)
	}
	a.Event = s.event
	return a
}

// Told says whether M6 has left. If not, the controller may try again, and so
// may any other that knows the code.
func (s *Setup) Told(ctx context.Context, left bool) error {
	defer s.gate.told(s)
	if !left {
		return nil
	}
	return settle(ctx, s.store, func(*Record) bool { return true })
}

// errSettled ends an Update that has nothing to save.
var errSettled = errors.New("pairing: nothing to save")

// settle notes that the only peer knows of its pairing, if it is the one meant.
func settle(ctx context.Context, store Store, meant func(*Record) bool) error {
	err := store.Update(ctx, func(r *Record) error {
		if !r.Unanswered || !meant(r) {
			return errSettled
		}
		r.Unanswered = false
		return nil
	})
	if errors.Is(err, errSettled) {
		return nil
	}
	return err
}

// Confirm notes that a controller knows of its pairing, because it has verified.
func Confirm(ctx context.Context, store Store, peer Peer) error {
	if !store.Record().Unanswered {
		return nil
	}
	return settle(ctx, store, func(r *Record) bool {
		i := r.find(peer.ID)
		return i >= 0 && bytes.Equal(r.Peers[i].Key, peer.Key)
	})
}

// read finds out which message this is and whether it may come now.
func (s *Setup) read(body []byte) (state uint8, message tlv8.Items, err error) {
	state = s.expected()
	message, err = tlv8.Parse(body)
	if err != nil {
		return state, nil, errMalformed
	}
	got, err := message.Uint8(typeState)
	if err != nil || got != 1 && got != 3 && got != 5 {
		return state, nil, errMalformed
	}
	if got != 1 && got != state {
		return got, nil, errMalformed
	}
	return got, message, nil
}

// expected is the state that the next message must have, unless it is M1.
func (s *Setup) expected() uint8 {
	switch {
	case s.key != nil:
		return 5
	case s.exchange != nil:
		return 3
	}
	return 1
}

func (s *Setup) step(ctx context.Context, state uint8, message tlv8.Items) ([]byte, error) {
	switch state {
	case 1:
		return s.start(message)
	case 3:
		return s.prove(ctx, message)
	}
	return s.exchangeKeys(ctx, message)
}

// start answers M1 with B and the salt. Method 1 asks for an Apple chip too;
// controllers that send it take an answer without one. Flags are not for us.
func (s *Setup) start(message tlv8.Items) ([]byte, error) {
	if method, err := message.Uint8(typeMethod); err != nil || method > 1 {
		return nil, errMalformed
	}
	record := s.store.Record()
	switch {
	case record.Shut, !s.gate.Open(record):
		return nil, refuseUnavailable
	case record.Tries >= MaxTries:
		return nil, refuseMaxTries
	}
	s.exchange, s.key, s.code = s.gate.begin(record.Code), nil, record.Code
	return tlv8.Append(tlv8.Append(nil, typePublicKey, s.exchange.Public()), typeSalt, s.exchange.Salt()), nil
}

// prove checks M3. The try is counted on disk before it is judged: neither a
// pulled plug nor a full disk buys further tries. A finished setup forgives all.
func (s *Setup) prove(ctx context.Context, message tlv8.Items) ([]byte, error) {
	exchange := s.exchange
	s.exchange = nil
	public, err := message.Bytes(typePublicKey)
	if err != nil {
		return nil, errMalformed
	}
	proof, err := sized(message, typeProof, 64)
	if err != nil {
		return nil, errMalformed
	}
	err = s.store.Update(ctx, func(r *Record) error {
		switch {
		case r.Shut:
			return refuseUnavailable
		case r.Tries >= MaxTries:
			return refuseMaxTries
		case r.Code != s.code: // replaced since M1
			return refuseAuthentication
		}
		r.Tries++
		return nil
	})
	if err != nil {
		return nil, stored(err)
	}
	// Not behind those who begin: there are a hundred of these at most.
	key, answer, err := exchange.Verify(public, proof)
	if err != nil {
		s.event = WrongCode
		return nil, refuseAuthentication
	}
	s.key = key
	return tlv8.Append(nil, typeProof, answer), nil
}

// exchangeKeys answers M5: the controller's long-term key is stored as that of
// an admin, and only then is ours given.
func (s *Setup) exchangeKeys(ctx context.Context, message tlv8.Items) ([]byte, error) {
	shared := s.key
	s.key = nil
	encryption, err := derive(shared, "Pair-Setup-Encrypt-Salt", "Pair-Setup-Encrypt-Info")
	if err != nil {
		return nil, err
	}
	aead, err := chacha20poly1305.New(encryption)
	if err != nil {
		return nil, err
	}
	items, err := openItems(aead, "PS-Msg05", message)
	if err != nil {
		return nil, err
	}
	peer, err := introduced(shared, items)
	if err != nil {
		return nil, err
	}
	ours, err := s.introduction(shared)
	if err != nil {
		return nil, err
	}
	if err := s.commit(ctx, peer); err != nil {
		return nil, err
	}
	s.event = Added
	return tlv8.Append(nil, typeEncrypted, aead.Seal(nil, nonce("PS-Msg06"), ours, nil)), nil
}

// introduced checks that the controller owns the key that it brings.
func introduced(shared []byte, items tlv8.Items) (Peer, error) {
	id, err := identifier(items)
	if err != nil {
		return Peer{}, err
	}
	key, err := longTermKey(items)
	if err != nil {
		return Peer{}, err
	}
	signature, err := sized(items, typeSignature, ed25519.SignatureSize)
	if err != nil {
		return Peer{}, err
	}
	prefix, err := derive(shared, "Pair-Setup-Controller-Sign-Salt", "Pair-Setup-Controller-Sign-Info")
	if err != nil {
		return Peer{}, err
	}
	if !ed25519.Verify(key, joined(prefix, []byte(id), key), signature) {
		return Peer{}, refuseAuthentication
	}
	return Peer{ID: id, Key: key, Admin: true}, nil
}

// introduction is the plain text of M6.
func (s *Setup) introduction(shared []byte) ([]byte, error) {
	prefix, err := derive(shared, "Pair-Setup-Accessory-Sign-Salt", "Pair-Setup-Accessory-Sign-Info")
	if err != nil {
		return nil, err
	}
	id, key := s.store.Identity()
	public := key.Public().(ed25519.PublicKey)
	items := tlv8.AppendString(nil, typeIdentifier, id)
	items = tlv8.Append(items, typePublicKey, public)
	return tlv8.Append(items, typeSignature, ed25519.Sign(key, joined(prefix, []byte(id), public))), nil
}

// commit stores the first controller. Another setup may have been faster, and
// the code may have been replaced since M3.
func (s *Setup) commit(ctx context.Context, peer Peer) error {
	err := s.store.Update(ctx, func(r *Record) error {
		switch {
		case r.Code != s.code:
			return refuseAuthentication
		case r.Shut, !s.gate.tell(s, *r):
			return refuseUnavailable
		}
		r.Peers, r.Tries, r.Unanswered = []Peer{peer}, 0, true
		return nil
	})
	if err != nil {
		s.gate.told(s)
	}
	return stored(err)
}
