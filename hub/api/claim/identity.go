package claim

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"time"
)

// ErrIdentity says that the other side showed no certificate with an Ed25519 key.
var ErrIdentity = errors.New("claim: no identity")

// Pin is the SHA-256 of a public key (SPKI): by it apps and hubs know each other.
type Pin [sha256.Size]byte

// String is the pin in hexadecimal. It is no secret.
func (p Pin) String() string { return hex.EncodeToString(p[:]) }

// ParsePin reads what String writes.
func ParsePin(s string) (p Pin, err error) {
	raw, err := hex.DecodeString(s)
	if err != nil || len(raw) != len(p) {
		return p, ErrIdentity
	}
	return Pin(raw), nil
}

// Certificate is a self-signed certificate for a key: always the same one, which says nothing but the
// key, not even when it was made.
func Certificate(key ed25519.PrivateKey) (tls.Certificate, error) {
	template := x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Unix(0, 0), NotAfter: time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("claim: certificate: %w", err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("claim: certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, nil
}

// PinOfKey is the pin of a key's public half.
func PinOfKey(key ed25519.PublicKey) (Pin, error) {
	spki, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return Pin{}, fmt.Errorf("claim: %w", err)
	}
	return sha256.Sum256(spki), nil
}

// PinOf is the pin of the other side of a connection. That it holds the key is proven once the
// handshake is over. ErrIdentity if it showed anything but one certificate with an Ed25519 key.
func PinOf(s tls.ConnectionState) (Pin, error) {
	if len(s.PeerCertificates) != 1 {
		return Pin{}, ErrIdentity
	}
	key, ok := s.PeerCertificates[0].PublicKey.(ed25519.PublicKey)
	if !ok {
		return Pin{}, ErrIdentity
	}
	return PinOfKey(key)
}

// Config is what an app dials a hub with for a claim.
func Config(own tls.Certificate) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: []string{Protocol}, Certificates: []tls.Certificate{own},
		InsecureSkipVerify: true, // there is nothing to verify yet: the code does that
		VerifyConnection: func(s tls.ConnectionState) error {
			_, err := PinOf(s)
			return err
		},
	}
}
