package pairing

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"slices"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/ingle-home/ingle/hub/hap/srp"
	"github.com/ingle-home/ingle/hub/hap/tlv8"
)

// Setup is the pair-setup of one connection. It only moves forward, M1, M3, M5;
// anything else throws it back to the start. One goroutine uses it.
type Setup struct {
	store    Store
	gate     *Gate
	exchange *srp.Server // from M2 on, used up by M3
	key      []byte      // SRP session key, from a right M3 on, used up by M5
}

// NewSetup begins a connection's pair-setup; the gate is the server's.
func NewSetup(store Store, gate *Gate) *Setup { return &Setup{store: store, gate: gate} }

// Running reports whether the controller has begun and not finished: a person
// may be typing the code, so the connection deserves patience.
func (s *Setup) Running() bool { return s.exchange != nil || s.key != nil }

// Close lets others begin. The connection calls it when it ends.
func (s *Setup) Close() { s.reset() }

func (s *Setup) reset() {
	s.exchange, s.key = nil, nil
	s.gate.leave(s)
}

// Answer takes the body of POST /pair-setup. What it changes is durable before
// it returns.
func (s *Setup) Answer(ctx context.Context, body []byte) Answer {
	state, message, err := s.read(body)
	var items []byte
	if err == nil {
		items, err = s.step(ctx, state, message)
	}
	if err != nil {
		s.reset()
		return refuse(state+1, err)
	}
	return accept(state+1, items)
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
	case record.Shut, len(record.Peers) > 0:
		return nil, refuseUnavailable
	case record.Tries >= MaxTries:
		return nil, refuseMaxTries
	case !s.gate.enter(s):
		return nil, refuseBusy
	}
	salt := make([]byte, 16)
	rand.Read(salt)
	s.exchange, s.key = srp.New("Pair-Setup", record.Code, salt), nil
	return tlv8.Append(tlv8.Append(nil, typePublicKey, s.exchange.Public()), typeSalt, salt), nil
}

// prove checks M3. The try is counted on disk before it is judged: neither a
// pulled plug nor a full disk buys further tries. A finished setup forgives all.
func (s *Setup) prove(ctx context.Context, message tlv8.Items) ([]byte, error) {
	if !s.gate.stay(s) {
		return nil, errMalformed
	}
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
		}
		r.Tries++
		return nil
	})
	if err != nil {
		return nil, stored(err)
	}
	key, answer, err := exchange.Verify(public, proof)
	if err != nil {
		return nil, refuseAuthentication
	}
	s.key = key
	return tlv8.Append(nil, typeProof, answer), nil
}

// exchangeKeys answers M5: the controller's long-term key is stored as that of
// an admin, and only then is ours given.
func (s *Setup) exchangeKeys(ctx context.Context, message tlv8.Items) ([]byte, error) {
	if !s.gate.stay(s) {
		return nil, errMalformed
	}
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
	s.gate.leave(s)
	return tlv8.Append(nil, typeEncrypted, aead.Seal(nil, nonce("PS-Msg06"), ours, nil)), nil
}

// introduced checks that the controller owns the key that it brings.
func introduced(shared []byte, items tlv8.Items) (Peer, error) {
	id, err := identifier(items)
	if err != nil {
		return Peer{}, err
	}
	key, err := sized(items, typePublicKey, ed25519.PublicKeySize)
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
	return Peer{ID: id, Key: bytes.Clone(key), Admin: true}, nil
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

func (s *Setup) commit(ctx context.Context, peer Peer) error {
	return stored(s.store.Update(ctx, func(r *Record) error {
		if r.Shut || len(r.Peers) > 0 {
			return refuseUnavailable
		}
		r.Peers, r.Tries = append(slices.Clip(r.Peers), peer), 0
		return nil
	}))
}
