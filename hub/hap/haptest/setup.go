package haptest

import (
	"crypto/cipher"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha512"
	"errors"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"
)

// Options of a pair-setup; the zero value is the usual one.
type Options struct {
	Strip  bool   // leave out zeros in front of SRP numbers
	Method byte   // 0 or 1
	ID     string // of the controller; random if empty
}

// Credentials are what a controller keeps of a pairing.
type Credentials struct {
	ID        string
	Key       ed25519.PrivateKey
	DeviceID  string
	DeviceKey ed25519.PublicKey
}

// NewCredentials are those of a controller that an admin is to add.
func NewCredentials(id string) Credentials {
	if id == "" {
		id = fmt.Sprintf("%X", random(16))
	}
	return Credentials{ID: id, Key: ed25519.NewKeyFromSeed(random(ed25519.SeedSize))}
}

// Setup makes the controller's messages of one pair-setup.
type Setup struct {
	options Options
	prover  *Prover
	creds   Credentials
	aead    cipher.AEAD
}

// NewSetup begins a pair-setup with a code of the form XXX-XX-XXX.
func NewSetup(code string, o Options) *Setup {
	return &Setup{options: o, prover: NewProver("Pair-Setup", code, random(32), o.Strip), creds: NewCredentials(o.ID)}
}

// M1 is the first message.
func (s *Setup) M1() []byte {
	return Pack(Field{State, []byte{1}}, Field{Method, []byte{s.options.Method}})
}

// M3 takes the answer to M1.
func (s *Setup) M3(m2 []byte) ([]byte, error) {
	if err := check(m2, 2); err != nil {
		return nil, err
	}
	proof := s.prover.Prove(Get(m2, Salt), Get(m2, PublicKey))
	return Pack(Field{State, []byte{3}}, Field{PublicKey, s.prover.Public()}, Field{Proof, proof}), nil
}

// M5 takes the answer to M3.
func (s *Setup) M5(m4 []byte) ([]byte, error) {
	if err := check(m4, 4); err != nil {
		return nil, err
	}
	if !s.prover.Accept(Get(m4, Proof)) {
		return nil, errors.New("haptest: the server does not know the code")
	}
	return s.M5With(s.prover.Key()), nil
}

// M5With is M5 under any key, for attacks.
func (s *Setup) M5With(key []byte) []byte {
	public := s.creds.Key.Public().(ed25519.PublicKey)
	info := expand(key, "Pair-Setup-Controller-Sign-Salt", "Pair-Setup-Controller-Sign-Info")
	info = append(append(info, s.creds.ID...), public...)
	return s.M5Sealed(key, Pack(Field{Identifier, []byte(s.creds.ID)}, Field{PublicKey, public}, Field{Signature, ed25519.Sign(s.creds.Key, info)}))
}

// M5Sealed is M5 with any content, for attacks by someone who knows the code.
func (s *Setup) M5Sealed(key, plain []byte) []byte {
	s.aead = seal(expand(key, "Pair-Setup-Encrypt-Salt", "Pair-Setup-Encrypt-Info"))
	return Pack(Field{State, []byte{5}}, Field{Encrypted, s.aead.Seal(nil, []byte("\x00\x00\x00\x00PS-Msg05"), plain, nil)})
}

// Key is the shared key of the exchange, after M3.
func (s *Setup) Key() []byte { return s.prover.Key() }

// Done takes the answer to M5.
func (s *Setup) Done(m6 []byte) (Credentials, error) {
	if err := check(m6, 6); err != nil {
		return Credentials{}, err
	}
	plain, err := s.aead.Open(nil, []byte("\x00\x00\x00\x00PS-Msg06"), Get(m6, Encrypted), nil)
	if err != nil {
		return Credentials{}, fmt.Errorf("haptest: M6: %w", err)
	}
	id, public := Get(plain, Identifier), Get(plain, PublicKey)
	info := expand(s.prover.Key(), "Pair-Setup-Accessory-Sign-Salt", "Pair-Setup-Accessory-Sign-Info")
	info = append(append(info, id...), public...)
	if len(public) != ed25519.PublicKeySize || !ed25519.Verify(public, info, Get(plain, Signature)) {
		return Credentials{}, errors.New("haptest: M6 has a wrong signature")
	}
	s.creds.DeviceID, s.creds.DeviceKey = string(id), public
	return s.creds, nil
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

func expand(secret []byte, salt, info string) []byte {
	key, err := hkdf.Key(sha512.New, secret, []byte(salt), info, 32)
	if err != nil {
		panic(err) // only for lengths beyond HKDF's limit
	}
	return key
}

func seal(key []byte) cipher.AEAD {
	aead, err := chacha20poly1305.New(key)
	if err != nil {
		panic(err) // only for keys that are not 32 bytes
	}
	return aead
}
