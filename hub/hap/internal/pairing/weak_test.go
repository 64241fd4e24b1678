package pairing_test

import (
	"crypto/ed25519"
	"encoding/hex"
	"testing"

	"github.com/ingle-home/ingle/hub/hap/haptest"
	"github.com/ingle-home/ingle/hub/hap/internal/pairing"
)

// weakKeys are the points of low order (RFC 8032, 5.1), in every spelling that
// decoders take; the last bit is free.
var weakKeys = []string{
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0100000000000000000000000000000000000000000000000000000000000000",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
}

// A long-term key under which anybody can sign is the key of nobody: neither
// pair-setup nor an admin brings one in.
func TestKeysThatAnybodyCanSignWith(t *testing.T) {
	anyone := make([]byte, ed25519.SignatureSize) // of nothing, by nobody
	anyone[0] = 1
	for _, text := range weakKeys {
		for _, sign := range []byte{0, 0x80} {
			key, err := hex.DecodeString(text)
			if err != nil {
				t.Fatal(err)
			}
			key[31] |= sign
			admin, _ := peer("admin", true)
			st := newStore(admin)
			denied(t, "add "+text, st, admin, addBody(pairing.Peer{ID: "weak", Key: key, Admin: true}), 400, 1)

			st = newStore()
			s, h := pairing.NewSetup(st, new(pairing.Gate)), haptest.NewSetup(code, haptest.Options{})
			m3, err := h.M3(s.Answer(t.Context(), h.M1()).Body)
			if err != nil {
				t.Fatal(err)
			}
			wantState(t, "M3", s.Answer(t.Context(), m3), 4)
			plain := haptest.Pack(field(haptest.Identifier, 'x'), field(haptest.PublicKey, key...), field(haptest.Signature, anyone...))
			wantError(t, "M5 with "+text, s.Answer(t.Context(), h.M5Sealed(h.Key(), plain)), 400, 6, 1)
		}
	}
}
