package probe

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"
)

// once lets one write out, the greeting, and swallows all others: whatever the device answers, TLS can
// say nothing more to it.
type once struct {
	net.Conn
	said bool
}

func (o *once) Write(p []byte) (int, error) {
	if o.said {
		return len(p), nil
	}
	o.said = true
	return o.Conn.Write(p)
}

var errSeen = errors.New("probe: seen enough")

// greet sends one TLS greeting and reads the certificate that comes back. Reset says that the device
// broke off.
func (l line) greet(now time.Time, roots *x509.CertPool) (c Certificate, reset bool) {
	_ = l.tcp.SetDeadline(time.Now().Add(limit))
	config := &tls.Config{
		InsecureSkipVerify: true, // it is looked at, not trusted
		MinVersion:         tls.VersionTLS10, CipherSuites: suites(),
		CurvePreferences: []tls.CurveID{tls.X25519, tls.CurveP256}, // keeps the greeting in one packet
		VerifyConnection: func(s tls.ConnectionState) error {
			c = read(s, now, roots)
			return errSeen
		},
	}
	err := tls.Client(&once{Conn: l.tcp}, config).Handshake()
	return c, errors.Is(err, syscall.ECONNRESET)
}

// suites are all that old devices may speak.
func suites() []uint16 {
	var all []uint16
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		all = append(all, s.ID)
	}
	return all
}

func read(s tls.ConnectionState, now time.Time, roots *x509.CertPool) Certificate {
	c := Certificate{Version: s.Version}
	if len(s.PeerCertificates) == 0 {
		return c
	}
	leaf := s.PeerCertificates[0]
	pin := sha256.Sum256(leaf.RawSubjectPublicKeyInfo)
	c.From, c.Until, c.Pin = leaf.NotBefore.UTC(), leaf.NotAfter.UTC(), hex.EncodeToString(pin[:])
	c.SelfSigned = string(leaf.RawIssuer) == string(leaf.RawSubject)
	c.Key, c.Weak = keyOf(leaf)
	between := x509.NewCertPool()
	for _, one := range s.PeerCertificates[1:] {
		between.AddCert(one)
	}
	_, err := leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: now})
	c.Trusted = err == nil
	return c
}

func keyOf(leaf *x509.Certificate) (key string, weak bool) {
	switch k := leaf.PublicKey.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA %d", k.N.BitLen()), k.N.BitLen() < 2048
	case *ecdsa.PublicKey:
		return "ECDSA " + k.Curve.Params().Name, k.Curve.Params().BitSize < 256
	case ed25519.PublicKey:
		return "Ed25519", false
	}
	return leaf.PublicKeyAlgorithm.String(), true
}
