// Package srp is SRP-6a with the 3072-bit group of RFC 5054 and SHA-512: the
// accessory's side as HAP uses it, and both sides for a protocol that makes its
// own proofs from the shared key.
package srp

import (
	"crypto/rand"
	"crypto/sha512"
	"crypto/subtle"
	"errors"
	"math/big"
)

// ErrProof says that the password was wrong or the public key not allowed.
var ErrProof = errors.New("srp: wrong proof")

const size = 384

const prime = "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3BE39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA051015728E5A8AAAC42DAD33170D04507A33A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864D87602733EC86A64521F2B18177B200CBBE117577A615D6C770988C0BAD946E208E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF"

// Verifier is what a server makes of a password once, for any number of exchanges.
type Verifier struct {
	user string
	salt []byte
	v, n *big.Int
	base *big.Int // k·v, the part of B that is always the same
}

// NewVerifier takes the name and the password of a user, and a random salt.
func NewVerifier(user, password string, salt []byte) *Verifier {
	n, _ := new(big.Int).SetString(prime, 16)
	x := number(hash(salt, hash([]byte(user+":"+password))))
	v := new(big.Int).Exp(generator(), x, n)
	k := number(hash(n.Bytes(), pad(generator())))
	return &Verifier{user: user, salt: salt, n: n, v: v, base: k.Mul(k, v)}
}

// Salt is what the client needs besides B.
func (v *Verifier) Salt() []byte { return v.salt }

// Begin begins an exchange with a fresh secret.
func (v *Verifier) Begin() *Server {
	for {
		secret := make([]byte, 32)
		rand.Read(secret)
		// Zero-stripping peers hash B differently when it starts with zero, so
		// such a B is never offered.
		if s := v.with(secret); s.public[0] != 0 {
			return s
		}
	}
}

func (v *Verifier) with(secret []byte) *Server {
	s := &Server{Verifier: v, b: number(secret)}
	b := new(big.Int).Exp(generator(), s.b, v.n)
	s.public = pad(b.Add(b, v.base).Mod(b, v.n))
	return s
}

// Server is one exchange. It is used once: Public, then Verify.
type Server struct {
	*Verifier
	b      *big.Int
	public []byte
}

// New begins an exchange with a fresh secret.
func New(user, password string, salt []byte) *Server {
	return NewVerifier(user, password, salt).Begin()
}

// WithSecret begins an exchange with a given secret b, for check vectors.
func WithSecret(user, password string, salt, secret []byte) *Server {
	return NewVerifier(user, password, salt).with(secret)
}

// Public is B, 384 bytes.
func (s *Server) Public() []byte { return s.public }

// Verify checks the client's public key and proof M1, and gives the shared key
// and our proof M2. Clients that strip leading zeros of S are understood too.
func (s *Server) Verify(public, proof []byte) (key, answer []byte, err error) {
	secret, err := s.secret(public)
	if err != nil {
		return nil, nil, err
	}
	hn, hg := hash(s.n.Bytes()), hash([]byte{5})
	subtle.XORBytes(hn, hn, hg)
	for _, form := range [][]byte{pad(secret), secret.Bytes()} {
		k := hash(form)
		want := hash(hn, hash([]byte(s.user)), s.salt, public, s.public, k)
		if subtle.ConstantTimeCompare(want, proof) == 1 {
			return k, hash(public, want, k), nil
		}
	}
	return nil, nil, ErrProof
}

// Key gives the shared key without a proof that the client has the same: whoever
// asks must prove that in another way before anything made with it leaves.
func (s *Server) Key(public []byte) ([]byte, error) {
	secret, err := s.secret(public)
	if err != nil {
		return nil, err
	}
	return hash(pad(secret)), nil
}

// secret is S, or ErrProof for a public key with which anybody could make it.
func (s *Server) secret(public []byte) (*big.Int, error) {
	a := number(public)
	if len(public) > size || new(big.Int).Mod(a, s.n).Sign() == 0 {
		return nil, ErrProof
	}
	u := number(hash(pad(new(big.Int).Mod(a, s.n)), s.public))
	if u.Sign() == 0 {
		return nil, ErrProof
	}
	secret := new(big.Int).Exp(s.v, u, s.n)
	return secret.Mul(secret, a).Exp(secret.Mod(secret, s.n), s.b, s.n), nil
}

func generator() *big.Int { return big.NewInt(5) }

func number(b []byte) *big.Int { return new(big.Int).SetBytes(b) }

func pad(n *big.Int) []byte { return n.FillBytes(make([]byte, size)) }

func hash(parts ...[]byte) []byte {
	h := sha512.New()
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}
