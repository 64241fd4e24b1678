package claim_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"io"
	"math/big"
	"os"
	"testing"

	"github.com/ingle-home/ingle/hub/api/claim"
	"github.com/ingle-home/ingle/hub/hap/haptest"
)

// side is a claim made from the package's text and RFCs 5054, 5869 and 8410 alone, with nothing of
// this project but the prime, which haptest makes from the digits of pi.
type side struct{ n, g *big.Int }

func (side) sha(parts ...[]byte) []byte {
	h := sha512.Sum512(bytes.Join(parts, nil))
	return h[:]
}

func (side) num(b []byte) *big.Int { return new(big.Int).SetBytes(b) }

func (side) pad(v *big.Int) []byte { return v.FillBytes(make([]byte, 384)) }

func (s side) x(salt []byte, code string) *big.Int {
	return s.num(s.sha(salt, s.sha([]byte("ingle-claim:"+code))))
}

func (s side) k() *big.Int { return s.num(s.sha(s.n.Bytes(), s.pad(s.g))) }

// hub is B = k*v + g^b and K of the side that keeps v = g^x.
func (s side) hub(secret, salt, a []byte, code string) (public, key []byte) {
	v := new(big.Int).Exp(s.g, s.x(salt, code), s.n)
	b := new(big.Int).Mul(s.k(), v)
	public = s.pad(b.Add(b, new(big.Int).Exp(s.g, s.num(secret), s.n)).Mod(b, s.n))
	u := s.num(s.sha(a, public))
	base := new(big.Int).Mul(s.num(a), new(big.Int).Exp(v, u, s.n))
	return public, s.sha(s.pad(base.Exp(base, s.num(secret), s.n)))
}

// pin is the SHA-256 of the SubjectPublicKeyInfo of an Ed25519 key (RFC 8410, 12 bytes and the key).
func (side) pin(seed []byte) []byte {
	prefix := []byte{0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00}
	h := sha256.Sum256(append(prefix, ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)...))
	return h[:]
}

// proof is HMAC-SHA-256 under one block of HKDF-SHA-512.
func (side) proof(key, transcript []byte, info string) []byte {
	extract := hmac.New(sha512.New, transcript)
	extract.Write(key)
	expand := hmac.New(sha512.New, extract.Sum(nil))
	expand.Write(append([]byte(info), 1))
	m := hmac.New(sha256.New, expand.Sum(nil)[:32])
	m.Write(transcript)
	return m.Sum(nil)
}

func message(kind byte, parts ...[]byte) []byte {
	body := bytes.Join(parts, nil)
	return append([]byte{kind, byte(len(body) >> 8), byte(len(body))}, body...)
}

// app is K of the side that knows the code.
func (s side) app(secret, salt, b []byte, code string) (public, key []byte) {
	public = s.pad(new(big.Int).Exp(s.g, s.num(secret), s.n))
	x, u := s.x(salt, code), s.num(s.sha(public, b))
	base := new(big.Int).Mul(s.k(), new(big.Int).Exp(s.g, x, s.n))
	base.Sub(s.num(b), base).Mod(base, s.n)
	return public, s.sha(s.pad(base.Exp(base, u.Mul(u, x).Add(u, s.num(secret)), s.n)))
}

// An app that was written from the text alone claims a hub over a real connection.
func TestAnIndependentAppClaims(t *testing.T) {
	h := newHub(t, claim.Tries{})
	code := h.issue(t)
	seed := bytes.Repeat([]byte{0x0b}, 32)
	template := &x509.Certificate{SerialNumber: big.NewInt(77)}
	private := ed25519.NewKeyFromSeed(seed)
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	conn := dial(t, h.address, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"ingle-claim/1"}, Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: private}}})
	state := conn.ConnectionState()
	x, err := state.ExportKeyingMaterial("EXPORTER-Channel-Binding", nil, 32)
	if err != nil {
		t.Fatal(err)
	}
	hubPin := sha256.Sum256(state.PeerCertificates[0].RawSubjectPublicKeyInfo)
	c1 := message(1, []byte{1, 3}, []byte("own"), []byte{0})
	_, _ = conn.Write(c1) // what comes back tells
	h2 := make([]byte, 3+16+384)
	if _, err := io.ReadFull(conn, h2); err != nil || h2[0] != 2 {
		t.Fatalf("H2 is %x, %v", h2[:3], err)
	}
	salt, b := h2[3:19], h2[19:]
	s := side{haptest.Group(), big.NewInt(5)}
	a, key := s.app(bytes.Repeat([]byte{0x55}, 32), salt, b, string(code))
	said := sha256.Sum256(c1)
	sum := sha256.Sum256(bytes.Join([][]byte{[]byte("ingle claim 1"), x, hubPin[:], s.pin(seed), salt, a, b, said[:]}, nil))
	_, _ = conn.Write(message(3, a, s.proof(key, sum[:], "app confirms")))
	h4 := make([]byte, 3+32+5)
	if _, err := io.ReadFull(conn, h4); err != nil || !bytes.Equal(h4, message(4, s.proof(key, sum[:], "hub confirms"), []byte("owner"))) {
		t.Errorf("H4 is %x, %v", h4, err)
	}
	if apps := h.apps(); len(apps) != 1 || apps[0].Name != "own" || !bytes.Equal(apps[0].Pin[:], s.pin(seed)) {
		t.Errorf("admitted %+v", apps)
	}
}

func TestAnIndependentSideSaysTheSame(t *testing.T) {
	raw, err := os.ReadFile("testdata/vector.json")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatal(err)
	}
	in := func(name string) []byte {
		b, err := hex.DecodeString(want[name])
		if err != nil || len(b) == 0 {
			t.Fatalf("%s: %v", name, err)
		}
		return b
	}
	s := side{haptest.Group(), big.NewInt(5)}
	a := s.pad(new(big.Int).Exp(s.g, s.num(in("a")), s.n))
	b, key := s.hub(in("b"), in("salt"), a, want["code"])
	c1 := message(1, []byte{1, 6}, []byte("Küche"), []byte{5}, []byte("linux"))
	said := sha256.Sum256(c1)
	sum := sha256.Sum256(bytes.Join([][]byte{[]byte("ingle claim 1"), in("exported"), s.pin(in("hub_seed")), s.pin(in("app_seed")), in("salt"), a, b, said[:]}, nil))
	proofA, proofH := s.proof(key, sum[:], "app confirms"), s.proof(key, sum[:], "hub confirms")
	if want["code"] != "102E3F4G5H" {
		t.Errorf("%q was read as %q", want["code_typed"], want["code"])
	}
	for name, got := range map[string][]byte{"hub_pin": s.pin(in("hub_seed")), "app_pin": s.pin(in("app_seed")), "A": a, "B": b, "K": key,
		"T": sum[:], "proofA": proofA, "proofH": proofH, "C1": c1, "H2": message(2, in("salt"), b), "C3": message(3, a, proofA), "H4": message(4, proofH, []byte("owner"))} {
		if !bytes.Equal(got, in(name)) {
			t.Errorf("%s is %x, the vector has %s", name, got, want[name])
		}
	}
}
