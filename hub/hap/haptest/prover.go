package haptest

import (
	"bytes"
	"crypto/sha512"
	"math/big"
)

// Group is the 3072-bit prime of RFC 5054, here made from its definition
// 2^3072 - 2^3008 - 1 + 2^64 * (floor(2^2942 pi) + 1690314) (RFC 3526).
func Group() *big.Int {
	power := func(n uint) *big.Int { return new(big.Int).Lsh(big.NewInt(1), n) }
	p := new(big.Int).Sub(power(3072), power(3008))
	p.Sub(p, big.NewInt(1))
	middle := new(big.Int).Add(piBits(2942), big.NewInt(1690314))
	return p.Add(p, middle.Lsh(middle, 64))
}

// piBits is floor(2^n pi), by Machin's formula with guard bits.
func piBits(n uint) *big.Int {
	const guard = 64
	one := new(big.Int).Lsh(big.NewInt(1), n+guard)
	arctan := func(inverse int64) *big.Int {
		sum, square := new(big.Int), big.NewInt(inverse*inverse)
		term := new(big.Int).Quo(one, big.NewInt(inverse))
		for k := int64(1); term.Sign() != 0; k += 2 {
			part := new(big.Int).Quo(term, big.NewInt(k))
			if k%4 == 1 {
				sum.Add(sum, part)
			} else {
				sum.Sub(sum, part)
			}
			term.Quo(term, square)
		}
		return sum
	}
	pi := new(big.Int).Mul(big.NewInt(16), arctan(5))
	pi.Sub(pi, new(big.Int).Mul(big.NewInt(4), arctan(239)))
	return pi.Rsh(pi, guard)
}

// Prover is the client of one SRP-6a exchange with SHA-512 (RFC 5054).
type Prover struct {
	n, g, a, public *big.Int
	user, password  string
	strip           bool
	k, m1, m2       []byte
}

// NewProver begins an exchange with the secret a. Strip makes it leave out the
// zeros in front of A, B and S where they are hashed, as some controllers do.
func NewProver(user, password string, secret []byte, strip bool) *Prover {
	p := &Prover{n: Group(), g: big.NewInt(5), a: new(big.Int).SetBytes(secret), user: user, password: password, strip: strip}
	p.public = new(big.Int).Exp(p.g, p.a, p.n)
	return p
}

// Public is A as it goes over the wire.
func (p *Prover) Public() []byte { return p.form(p.public) }

// Prove takes the server's salt and B and gives M1.
func (p *Prover) Prove(salt, public []byte) []byte {
	b := new(big.Int).SetBytes(public)
	u := new(big.Int).SetBytes(sum(padded(p.public), padded(b)))
	x := new(big.Int).SetBytes(sum(salt, sum([]byte(p.user+":"+p.password))))
	k := new(big.Int).SetBytes(sum(p.n.Bytes(), padded(p.g)))
	// S = (B - k*g^x) ^ (a + u*x)
	base := new(big.Int).Exp(p.g, x, p.n)
	base.Sub(b, base.Mul(base, k)).Mod(base, p.n)
	exponent := new(big.Int).Add(p.a, new(big.Int).Mul(u, x))
	p.k = sum(p.form(new(big.Int).Exp(base, exponent, p.n)))
	p.m1 = p.proof(salt, p.Public(), p.form(b))
	p.m2 = sum(p.Public(), p.m1, p.k)
	return p.m1
}

func (p *Prover) proof(salt, ours, theirs []byte) []byte {
	mixed := sum(p.n.Bytes())
	for i, v := range sum(p.g.Bytes()) {
		mixed[i] ^= v
	}
	return sum(mixed, sum([]byte(p.user)), salt, ours, theirs, p.k)
}

// ProveZero is M1 for a public key that makes S zero: no password is needed
// for it, so servers must refuse such keys.
func (p *Prover) ProveZero(salt, zero, public []byte) []byte {
	p.k = sum(padded(new(big.Int)))
	return p.proof(salt, zero, public)
}

// Key is the shared key, 64 bytes.
func (p *Prover) Key() []byte { return p.k }

// Accept reports whether M2 shows that the server knows the password too.
func (p *Prover) Accept(proof []byte) bool { return p.m2 != nil && bytes.Equal(p.m2, proof) }

func (p *Prover) form(n *big.Int) []byte {
	if p.strip {
		return n.Bytes()
	}
	return padded(n)
}

func padded(n *big.Int) []byte { return n.FillBytes(make([]byte, 384)) }

func sum(parts ...[]byte) []byte {
	s := sha512.Sum512(bytes.Join(parts, nil))
	return s[:]
}
