package page

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"fmt"
	"math/big"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/ingle-home/ingle/hub/api/entrance"
	"github.com/ingle-home/ingle/storage/vault/phrase"
)

const (
	valid  = 800 * 24 * time.Hour // Apple's systems refuse more than 825 days
	renew  = 60 * 24 * time.Hour  // before the end
	nWords = 7                    // of a list with at least 1296 words: 72 bits
)

// certify has a certificate that holds for a while yet. A new one has the old key, so that the words that
// people compare stay.
func (d *Desk) certify(ctx context.Context) error {
	now := time.Now()
	if d.cert == nil && len(d.state.Cert) > 0 {
		c, err := dress(d.state)
		if err != nil {
			d.o.Log.Error("the plain page gets another key", "err", err)
			d.state.Key = nil
		} else {
			d.cert = c
		}
	}
	if d.cert != nil && now.Add(renew).Before(d.cert.Leaf.NotAfter) && !now.Before(d.cert.Leaf.NotBefore) {
		return nil
	}
	next, err := issue(d.state, now)
	if err != nil {
		return err
	}
	c, err := dress(next)
	if err != nil {
		return err
	}
	if err := d.save(ctx, next); err != nil {
		return err
	}
	d.cert = c
	return nil
}

// greet is asked at every handshake: a page that is on for years renews its certificate by itself.
func (d *Desk) greet(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.store == nil {
		return nil, errShut
	}
	if err := d.certify(hello.Context()); err != nil {
		d.o.Log.Warn("the plain page's certificate is not renewed", "err", err)
	}
	return d.cert, nil
}

// dress makes of the sealed key and certificate what TLS takes.
func dress(s State) (*tls.Certificate, error) {
	leaf, err := x509.ParseCertificate(s.Cert)
	if err != nil {
		return nil, fmt.Errorf("page: certificate: %w", err)
	}
	key, err := x509.ParsePKCS8PrivateKey(s.Key)
	if err != nil {
		return nil, fmt.Errorf("page: key: %w", err)
	}
	return &tls.Certificate{Certificate: [][]byte{s.Cert}, PrivateKey: key, Leaf: leaf}, nil
}

// issue signs a certificate, with a new key where there is none.
func issue(s State, now time.Time) (State, error) {
	key, err := keyOf(s)
	if err != nil {
		return s, err
	}
	if s.Key, err = x509.MarshalPKCS8PrivateKey(key); err != nil {
		return s, fmt.Errorf("page: key: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return s, fmt.Errorf("page: certificate: %w", err)
	}
	names, addresses := called()
	s.Cert, err = x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "Ingle"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(valid),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true, DNSNames: names, IPAddresses: addresses,
	}, &x509.Certificate{Subject: pkix.Name{CommonName: "Ingle"}}, &key.PublicKey, key)
	if err != nil {
		return s, fmt.Errorf("page: certificate: %w", err)
	}
	return s, nil
}

func keyOf(s State) (*ecdsa.PrivateKey, error) {
	if found, err := x509.ParsePKCS8PrivateKey(s.Key); err == nil {
		if key, ok := found.(*ecdsa.PrivateKey); ok && key.Curve == elliptic.P256() {
			return key, nil
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("page: key: %w", err)
	}
	return key, nil
}

// called is how the hub is reached when the certificate is made: a browser that was told to trust it
// complains less there.
func called() ([]string, []net.IP) {
	var names []string
	for name := range entrance.HostNames() {
		names = append(names, name)
	}
	slices.Sort(names)
	addresses := []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	list, _ := net.InterfaceAddrs() // a machine that hides them still has itself
	for _, a := range list {
		if n, ok := a.(*net.IPNet); ok && n.IP.IsPrivate() && len(addresses) < 16 {
			addresses = append(addresses, n.IP)
		}
	}
	return names, addresses
}

// Words are the certificate's key (the SHA-256 of its SPKI) as seven words of the English list of
// storage/vault/phrase, 72 bits. They are the same in every language, so that two people can compare them.
func Words(c *x509.Certificate) string {
	sum := sha256.Sum256(c.RawSubjectPublicKeyInfo)
	rest, list := new(big.Int).SetBytes(sum[:]), phrase.List("en")
	size, at := big.NewInt(int64(len(list))), new(big.Int)
	words := make([]string, nWords)
	for i := range words {
		rest.DivMod(rest, size, at)
		words[i] = list[at.Int64()]
	}
	return strings.Join(words, " ")
}

// fingerprint is the certificate's SHA-256 as browsers write it.
func fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	pairs := make([]string, len(sum))
	for i, b := range sum {
		pairs[i] = strings.ToUpper(hex.EncodeToString([]byte{b}))
	}
	return strings.Join(pairs, ":")
}
