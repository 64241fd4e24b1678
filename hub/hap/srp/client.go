package srp

import (
	"crypto/rand"
	"math/big"
)

// Client is the side that knows the password, for one exchange. It is used once:
// Public, then Key.
type Client struct {
	n, a   *big.Int
	public []byte
}

// NewClient begins an exchange with a fresh secret.
func NewClient() *Client {
	secret := make([]byte, 32)
	rand.Read(secret)
	return ClientWithSecret(secret)
}

// ClientWithSecret begins an exchange with a given secret a, for check vectors.
func ClientWithSecret(secret []byte) *Client {
	n, _ := new(big.Int).SetString(prime, 16)
	a := number(secret)
	return &Client{n: n, a: a, public: pad(new(big.Int).Exp(generator(), a, n))}
}

// Public is A, 384 bytes.
func (c *Client) Public() []byte { return c.public }

// Key gives the shared key, 64 bytes, from the server's salt and B. Only a server
// that has the verifier of this password has the same.
func (c *Client) Key(user, password string, salt, public []byte) ([]byte, error) {
	b := number(public)
	if len(public) != size || new(big.Int).Mod(b, c.n).Sign() == 0 {
		return nil, ErrProof
	}
	u := number(hash(c.public, public))
	if u.Sign() == 0 {
		return nil, ErrProof
	}
	x := number(hash(salt, hash([]byte(user+":"+password))))
	k := number(hash(c.n.Bytes(), pad(generator())))
	// S = (B - k*g^x) ^ (a + u*x)
	s := new(big.Int).Exp(generator(), x, c.n)
	s.Sub(b, s.Mul(s, k)).Mod(s, c.n)
	s.Exp(s, u.Mul(u, x).Add(u, c.a), c.n)
	return hash(pad(s)), nil
}
