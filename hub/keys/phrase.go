package keys

import (
	"context"

	"github.com/ingle-home/ingle/hub/api/wire"
)

// Suggest offers a password of five words.
func (r *Ring) Suggest(context.Context, string) (wire.Passphrase, error) {
	return wire.Passphrase{}, nil
}
