package keys

import (
	"context"

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
