package srp_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"testing"

	"github.com/ingle-home/ingle/hub/hap/haptest"
	"github.com/ingle-home/ingle/hub/hap/srp"
)

const (
	user = "Pair-Setup"
	code = "482-61-937"
)

// Ends of secrets that make the rare cases below, found by counting up.
const zeroInA, zeroInS = 12, 32

// The secrets of the check vector on which two implementations agree.
var secretA, secretB = bytes.Repeat([]byte{0x11}, 32), bytes.Repeat([]byte{0x22}, 32)

func counted16() []byte {
	salt := make([]byte, 16)
	for i := range salt {
		salt[i] = byte(i)
	}
	return salt
}

func TestCheckVector(t *testing.T) {
	server := srp.WithSecret(user, code, counted16(), secretB)
	client := haptest.NewProver(user, code, secretA, false)
	m1 := client.Prove(counted16(), server.Public())
	key, m2, err := server.Verify(client.Public(), m1)
	if err != nil {
		t.Fatal(err)
	}
	if !client.Accept(m2) || !bytes.Equal(key, client.Key()) {
		t.Error("client and server do not agree")
	}
	for _, v := range []struct {
		name string
		got  []byte
		want string
	}{
		{"A", client.Public(), "c95341372ca4d0b4eb2b45fb"},
		{"B", server.Public(), "7d0b146778d7b7546afc354c"},
		{"K", key, "883bdf500ccb0473c372b1cf"},
		{"M1", m1, "e63868475abacae441c74150"},
		{"M2", m2, "900417f27d39a549aa0d9608"},
	} {
		if got := hex.EncodeToString(v.got[:8]) + hex.EncodeToString(v.got[len(v.got)-4:]); got != v.want {
			t.Errorf("%s: %s, want %s", v.name, got, v.want)
		}
	}
}

// Of 256 exchanges one has a zero in front of A, and one in front of S; clients
// that leave it out hash something else and must be understood all the same.
func TestLeadingZeros(t *testing.T) {
	for _, v := range []struct {
		name   string
		secret uint64
		zero   func(padded, stripped *haptest.Prover) bool
	}{
		{"ordinary", 1 << 60, func(p, s *haptest.Prover) bool { return bytes.Equal(p.Key(), s.Key()) }},
		{"A", zeroInA, func(p, s *haptest.Prover) bool { return len(s.Public()) < 384 && p.Public()[0] == 0 }},
		{"S", zeroInS, func(p, s *haptest.Prover) bool { return !bytes.Equal(p.Key(), s.Key()) }},
	} {
		secret := binary.BigEndian.AppendUint64(bytes.Repeat([]byte{0x11}, 24), v.secret)
		padded, stripped := haptest.NewProver(user, code, secret, false), haptest.NewProver(user, code, secret, true)
		for _, client := range []*haptest.Prover{padded, stripped} {
			server := srp.WithSecret(user, code, counted16(), secretB)
			m1 := client.Prove(counted16(), server.Public())
			key, m2, err := server.Verify(client.Public(), m1)
			if err != nil || !client.Accept(m2) || !bytes.Equal(key, client.Key()) {
				t.Errorf("%s: right code refused: %v", v.name, err)
			}
		}
		if !v.zero(padded, stripped) {
			t.Errorf("%s: the secret does not make the case", v.name)
		}
	}
}

func TestWrongCodeAndWrongProof(t *testing.T) {
	server := srp.New(user, code, counted16())
	client := haptest.NewProver(user, "482-61-938", secretA, false)
	m1 := client.Prove(counted16(), server.Public())
	if _, _, err := server.Verify(client.Public(), m1); err != srp.ErrProof {
		t.Errorf("wrong code: %v", err)
	}
	client = haptest.NewProver(user, code, secretA, false)
	m1 = client.Prove(counted16(), server.Public())
	for _, bad := range [][]byte{nil, m1[:63], append(bytes.Clone(m1), 0), append([]byte{m1[0] ^ 1}, m1[1:]...)} {
		if _, _, err := server.Verify(client.Public(), bad); err != srp.ErrProof {
			t.Errorf("proof of %d bytes: %v", len(bad), err)
		}
	}
}

// Two sides that make no proofs of SRP's have the same key, if they have the same password, and the
// key that an independent client has.
func TestBothSidesHaveOneKey(t *testing.T) {
	server := srp.WithSecret(user, code, counted16(), secretB)
	client := srp.ClientWithSecret(secretA)
	other := haptest.NewProver(user, code, secretA, false)
	other.Prove(counted16(), server.Public())
	ours, err := client.Key(user, code, counted16(), server.Public())
	theirs, err2 := server.Key(client.Public())
	if err != nil || err2 != nil || !bytes.Equal(ours, theirs) || !bytes.Equal(ours, other.Key()) {
		t.Errorf("the keys differ: %v, %v", err, err2)
	}
	if wrong, err := client.Key(user, "482-61-938", counted16(), server.Public()); err != nil || bytes.Equal(wrong, theirs) {
		t.Errorf("a wrong password has the key, or %v", err)
	}
	prime := haptest.Group().Bytes()
	for _, b := range [][]byte{nil, make([]byte, 384), prime, make([]byte, 385)} {
		if _, err := client.Key(user, code, counted16(), b); err != srp.ErrProof {
			t.Errorf("a server's key of %d bytes: %v", len(b), err)
		}
		if _, err := server.Key(b); err != srp.ErrProof {
			t.Errorf("a client's key of %d bytes: %v", len(b), err)
		}
	}
}

func TestPublicNeverStartsWithZero(t *testing.T) {
	for range 3 {
		if b := srp.New(user, code, counted16()).Public(); len(b) != 384 || b[0] == 0 {
			t.Errorf("B of %d bytes starts with %d", len(b), b[0])
		}
	}
}

// Keys that are 0 modulo the prime would make S zero, which anyone can prove.
func TestKeysThatNeedNoCode(t *testing.T) {
	s := srp.New(user, code, make([]byte, 16))
	prime := haptest.Group().Bytes()
	for _, a := range [][]byte{nil, {0}, make([]byte, 384), make([]byte, 385), prime, append([]byte{0}, prime...), append([]byte{1}, make([]byte, 384)...)} {
		client := haptest.NewProver(user, "", make([]byte, 32), false)
		if _, _, err := s.Verify(a, client.ProveZero(make([]byte, 16), a, s.Public())); err != srp.ErrProof {
			t.Errorf("key of %d bytes: %v", len(a), err)
		}
	}
}

func FuzzVerify(f *testing.F) {
	server := srp.WithSecret(user, code, counted16(), secretB)
	client := haptest.NewProver(user, code, secretA, false)
	f.Add(client.Public(), client.Prove(counted16(), server.Public()))
	f.Add([]byte{}, []byte{})
	f.Add(make([]byte, 384), make([]byte, 64))
	f.Fuzz(func(t *testing.T, public, proof []byte) {
		key, m2, err := server.Verify(public, proof)
		if err == nil && (!bytes.Equal(proof, client.Prove(counted16(), server.Public())) || len(key) != 64 || len(m2) != 64) {
			t.Error("a made-up proof was accepted")
		}
	})
}
