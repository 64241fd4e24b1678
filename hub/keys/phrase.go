package keys

import (
	"context"
	"errors"

	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/storage/vault"
	"github.com/ingle-home/ingle/storage/vault/phrase"
)

// Suggest offers a password of five words. One by chance that is a pattern, such
// as one word five times, is drawn again.
func (r *Ring) Suggest(_ context.Context, language string) (wire.Passphrase, error) {
	for {
		offer, bits := phrase.Offer(language)
		if vault.Judge(offer, nil) == nil {
			return wire.Passphrase{Passphrase: offer, Bits: bits}, nil
		}
	}
}

// Judge says what a password would be worth here.
func (r *Ring) Judge(_ context.Context, password string) (wire.Verdict, error) {
	var names []string
	r.mu.Lock()
	h := r.home
	r.mu.Unlock()
	if h != nil {
		names = h.Names()
	}
	v := wire.Verdict{Percent: vault.Weigh(password, names)}
	var p *wire.Problem
	if errors.As(Problem(vault.Judge(password, names)), &p) {
		v.Code, v.Args = p.Code, p.Args
	}
	return v, nil
}
