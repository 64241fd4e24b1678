package haptest

import (
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
)

// Verify makes the controller's messages of one pair-verify.
type Verify struct {
	creds   Credentials
	private *ecdh.PrivateKey
	secret  []byte
}

// NewVerify begins a pair-verify.
func NewVerify(c Credentials) *Verify {
	private, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		panic(err) // only without random numbers
	}
	return &Verify{creds: c, private: private}
}

// M1 is the first message.
func (v *Verify) M1() []byte {
	return Pack(Field{State, []byte{1}}, Field{PublicKey, v.private.PublicKey().Bytes()})
}

// M3 takes the answer to M1 and checks that it comes from the paired server.
func (v *Verify) M3(m2 []byte) ([]byte, error) {
	if err := check(m2, 2); err != nil {
		return nil, err
	}
	public := Get(m2, PublicKey)
	theirs, err := ecdh.X25519().NewPublicKey(public)
	if err != nil {
		return nil, fmt.Errorf("haptest: M2: %w", err)
	}
	if v.secret, err = v.private.ECDH(theirs); err != nil {
		return nil, fmt.Errorf("haptest: M2: %w", err)
	}
	aead := seal(expand(v.secret, "Pair-Verify-Encrypt-Salt", "Pair-Verify-Encrypt-Info"))
	plain, err := aead.Open(nil, []byte("\x00\x00\x00\x00PV-Msg02"), Get(m2, Encrypted), nil)
	if err != nil {
		return nil, fmt.Errorf("haptest: M2: %w", err)
	}
	ours := v.private.PublicKey().Bytes()
	info := append(append(append([]byte(nil), public...), v.creds.DeviceID...), ours...)
	if string(Get(plain, Identifier)) != v.creds.DeviceID || !ed25519.Verify(v.creds.DeviceKey, info, Get(plain, Signature)) {
		return nil, errors.New("haptest: M2 comes from another server")
	}
	info = append(append(append([]byte(nil), ours...), v.creds.ID...), public...)
	return v.M3Sealed(Pack(Field{Identifier, []byte(v.creds.ID)}, Field{Signature, ed25519.Sign(v.creds.Key, info)})), nil
}

// M3Sealed is M3 with any content, after M3, for attacks.
func (v *Verify) M3Sealed(plain []byte) []byte {
	aead := seal(expand(v.secret, "Pair-Verify-Encrypt-Salt", "Pair-Verify-Encrypt-Info"))
	return Pack(Field{State, []byte{3}}, Field{Encrypted, aead.Seal(nil, []byte("\x00\x00\x00\x00PV-Msg03"), plain, nil)})
}

// Secret is the shared secret, after M3.
func (v *Verify) Secret() []byte { return v.secret }

// Done takes the answer to M3 and gives the secret of the session.
func (v *Verify) Done(m4 []byte) ([]byte, error) {
	if err := check(m4, 4); err != nil {
		return nil, err
	}
	return v.secret, nil
}
