package pairing

import (
	"crypto/rand"
	"sync"

	"github.com/ingle-home/ingle/hub/hap/srp"
)

// Gate is what the setups of one server share. Any number may be under way, each
// on its own connection, and the first to finish wins: were there one place, a
// stranger who begins again and again could keep it taken. The zero value is
// ready.
type Gate struct {
	hellos sync.Mutex // one M2 of pair-verify at a time: sessions that are open keep a core

	sums     sync.Mutex // one beginning at a time: strangers take one core at most
	code     string     // that verifier is for
	verifier *srp.Verifier

	mu      sync.Mutex
	telling *Setup // has stored a pairing and not yet told the controller
}

// begin starts an exchange about a code. It costs a quarter of what the first one
// does, since whoever pairs waits for all that strangers begin meanwhile.
func (g *Gate) begin(code string) *srp.Server {
	g.sums.Lock()
	defer g.sums.Unlock()
	if g.verifier == nil || g.code != code {
		g.code, g.verifier = code, srp.NewVerifier("Pair-Setup", code, newSalt())
	}
	return g.verifier.Begin()
}

// newSalt does not begin with zero: a controller that takes it for a number
// would hash something else.
func newSalt() []byte {
	salt := make([]byte, 16)
	for salt[0] == 0 {
		rand.Read(salt)
	}
	return salt
}

// Open reports whether a setup may begin: nobody is paired, or the only one that
// is may never have heard of it, because the answer to M5 did not leave.
func (g *Gate) Open(r Record) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.open(r)
}

func (g *Gate) open(r Record) bool {
	return len(r.Peers) == 0 || r.Unanswered && g.telling == nil
}

// tell shuts the gate while s stores a pairing and answers, if it is open.
func (g *Gate) tell(s *Setup, r Record) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.open(r) {
		return false
	}
	g.telling = s
	return true
}

// told ends what tell began.
func (g *Gate) told(s *Setup) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.telling == s {
		g.telling = nil
	}
}
