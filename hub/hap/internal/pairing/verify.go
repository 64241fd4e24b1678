package pairing

import (
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/rand"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/ingle-home/ingle/hub/hap/tlv8"
)

// Verified is a controller that has proven to be a paired one.
type Verified struct {
	Peer   Peer
	Secret []byte // X25519: the keys of the session come from it
}

// Verify is the pair-verify of one connection. M1 begins anew at any time. One
// goroutine uses it.
type Verify struct {
	store   Store
	gate    *Gate
	started *handshake // from M2 on, used up by M3
}

type handshake struct {
	secret, key, theirs, ours []byte
}

// NewVerify begins a connection's pair-verify; the gate is the server's.
func NewVerify(store Store, gate *Gate) *Verify { return &Verify{store: store, gate: gate} }

// Answer takes the body of POST /pair-verify. With a Verified the connection
// sends the answer in the clear and is encrypted from the next byte on. The
// pairing may be removed at any time, also between this and the first request:
// sessions check it once more when they are entered where removal finds them.
func (v *Verify) Answer(body []byte) (Answer, *Verified) {
	started := v.started
	v.started = nil
	state := uint8(1)
	if started != nil {
		state = 3
	}
	message, err := tlv8.Parse(body)
	if err != nil {
		return refuse(state+1, errMalformed), nil
	}
	got, err := message.Uint8(typeState)
	switch {
	case err == nil && got == 1:
		items, err := v.start(message)
		if err != nil {
			return refuse(2, err), nil
		}
		return accept(2, items), nil
	case err == nil && got == 3 && started != nil:
		verified, err := v.finish(started, message)
		if err != nil {
			return refuse(4, err), nil
		}
		return accept(4, nil), verified
	case err == nil && got == 3:
		state = 3
	}
	return refuse(state+1, errMalformed), nil
}

// start answers M1: our ephemeral key, signed with the long-term one.
func (v *Verify) start(message tlv8.Items) ([]byte, error) {
	theirs, err := sized(message, typePublicKey, 32)
	if err != nil {
		return nil, err
	}
	public, err := ecdh.X25519().NewPublicKey(theirs)
	if err != nil {
		return nil, errMalformed
	}
	v.gate.hellos.Lock()
	defer v.gate.hellos.Unlock()
	private, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	secret, err := private.ECDH(public) // refuses an all-zero result
	if err != nil {
		return nil, refuseAuthentication
	}
	key, err := derive(secret, "Pair-Verify-Encrypt-Salt", "Pair-Verify-Encrypt-Info")
	if err != nil {
		return nil, err
	}
	aead, err := chacha20poly1305.New(key)
	if err != nil {
		return nil, err
	}
	h := &handshake{secret: secret, key: key, theirs: joined(theirs), ours: private.PublicKey().Bytes()}
	id, long := v.store.Identity()
	plain := tlv8.AppendString(nil, typeIdentifier, id)
	plain = tlv8.Append(plain, typeSignature, ed25519.Sign(long, joined(h.ours, []byte(id), h.theirs)))
	v.started = h
	return tlv8.Append(tlv8.Append(nil, typePublicKey, h.ours), typeEncrypted,
		aead.Seal(nil, nonce("PV-Msg02"), plain, nil)), nil
}

// finish checks M3. Whoever is not known and whoever cannot sign hear the same.
func (v *Verify) finish(h *handshake, message tlv8.Items) (*Verified, error) {
	aead, err := chacha20poly1305.New(h.key)
	if err != nil {
		return nil, err
	}
	items, err := openItems(aead, "PV-Msg03", message)
	if err != nil {
		return nil, err
	}
	id, err := identifier(items)
	if err != nil {
		return nil, err
	}
	signature, err := sized(items, typeSignature, ed25519.SignatureSize)
	if err != nil {
		return nil, err
	}
	for _, peer := range v.store.Record().Peers {
		if peer.ID != id || len(peer.Key) != ed25519.PublicKeySize {
			continue
		}
		if ed25519.Verify(peer.Key, joined(h.theirs, []byte(id), h.ours), signature) {
			return &Verified{Peer: peer, Secret: h.secret}, nil
		}
	}
	return nil, refuseAuthentication
}
