package pairing_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"fmt"
	"testing"

	"github.com/ingle-home/ingle/hub/hap/haptest"
	"github.com/ingle-home/ingle/hub/hap/internal/pairing"
)

func field(typ byte, value ...byte) haptest.Field { return haptest.Field{Type: typ, Value: value} }

func TestHostileSetupMessages(t *testing.T) {
	state, zero := func(n byte) haptest.Field { return field(haptest.State, n) }, make([]byte, 384)
	for name, m := range map[string][]byte{
		"nothing": nil, "half an item": {6}, "too long an item": {6, 9, 1}, "no state": haptest.Pack(field(haptest.Method, 0)),
		"state 0": haptest.Pack(state(0), field(haptest.Method, 0)), "state 2": haptest.Pack(state(2)), "state 255": haptest.Pack(state(255)),
		"two states": haptest.Pack(state(1), field(haptest.Method, 0), state(1)), "no method": haptest.Pack(state(1)),
		"method 2": haptest.Pack(state(1), field(haptest.Method, 2)), "two methods": haptest.Pack(state(1), field(haptest.Method, 0), state(0), field(haptest.Method, 0)),
	} {
		s := pairing.NewSetup(newStore(), new(pairing.Gate))
		if a := s.Answer(t.Context(), m); a.Status != 400 || haptest.Code(a.Body, haptest.Error) != 1 {
			t.Errorf("%s: HTTP %d, % x", name, a.Status, a.Body)
		}
	}
	for name, c := range map[string]struct {
		fields []haptest.Field
		status int
		code   int
	}{
		"no key": {[]haptest.Field{field(haptest.Proof, zero[:64]...)}, 400, 1}, "no proof": {[]haptest.Field{field(haptest.PublicKey, 5)}, 400, 1},
		"short proof": {[]haptest.Field{field(haptest.PublicKey, 5), field(haptest.Proof, 1)}, 400, 1},
		"zero key":    {[]haptest.Field{field(haptest.PublicKey, zero...), field(haptest.Proof, zero[:64]...)}, 200, 2},
		"empty key":   {[]haptest.Field{field(haptest.PublicKey), field(haptest.Proof, zero[:64]...)}, 200, 2},
		"short key":   {[]haptest.Field{field(haptest.PublicKey, 1, 2, 3, 4, 5), field(haptest.Proof, zero[:64]...)}, 200, 2},
		"long key":    {[]haptest.Field{field(haptest.PublicKey, bytes.Repeat([]byte{1}, 5000)...), field(haptest.Proof, zero[:64]...)}, 200, 2},
	} {
		s := pairing.NewSetup(newStore(), new(pairing.Gate))
		s.Answer(t.Context(), haptest.NewSetup(code, haptest.Options{}).M1())
		wantError(t, name, s.Answer(t.Context(), haptest.Pack(append(c.fields, state(3))...)), c.status, 4, c.code)
	}
}

// What someone who knows the code may get wrong in M5 pairs nobody either.
func TestHostileM5(t *testing.T) {
	public := haptest.NewCredentials("x").Key.Public().(ed25519.PublicKey)
	id, key, signature := field(haptest.Identifier, 'x'), field(haptest.PublicKey, public...), field(haptest.Signature, make([]byte, 64)...)
	for name, c := range map[string]struct {
		plain  []byte
		status int
		code   int
	}{
		"nothing": {nil, 400, 1}, "garbled": {[]byte{1, 9}, 400, 1}, "no identifier": {haptest.Pack(key, signature), 400, 1},
		"empty identifier":  {haptest.Pack(field(haptest.Identifier), key, signature), 400, 1},
		"long identifier":   {haptest.Pack(field(haptest.Identifier, bytes.Repeat([]byte("x"), 65)...), key, signature), 400, 1},
		"binary identifier": {haptest.Pack(field(haptest.Identifier, 0xFF), key, signature), 400, 1},
		"five byte key":     {haptest.Pack(id, field(haptest.PublicKey, 1, 2, 3, 4, 5), signature), 400, 1},
		"short signature":   {haptest.Pack(id, key, field(haptest.Signature, 1)), 400, 1},
		"wrong signature":   {haptest.Pack(id, key, signature), 200, 2},
	} {
		st := newStore()
		s, h := pairing.NewSetup(st, new(pairing.Gate)), haptest.NewSetup(code, haptest.Options{})
		m3, err := h.M3(s.Answer(t.Context(), h.M1()).Body)
		if err != nil {
			t.Fatal(err)
		}
		wantState(t, "M3", s.Answer(t.Context(), m3), 4)
		wantError(t, name, s.Answer(t.Context(), h.M5Sealed(h.Key(), c.plain)), c.status, 6, c.code)
		if len(st.Record().Peers) != 0 || s.Running() {
			t.Errorf("%s: paired, or still running", name)
		}
	}
	for _, n := range []int{0, 3, 15, 16, 200} {
		st := newStore()
		s, h := pairing.NewSetup(st, new(pairing.Gate)), haptest.NewSetup(code, haptest.Options{})
		m3, err := h.M3(s.Answer(t.Context(), h.M1()).Body)
		if err != nil {
			t.Fatal(err)
		}
		s.Answer(t.Context(), m3)
		m5 := haptest.Pack(field(haptest.State, 5), field(haptest.Encrypted, make([]byte, n)...))
		wantError(t, fmt.Sprintf("%d encrypted bytes", n), s.Answer(t.Context(), m5), 200, 6, 2)
	}
}

func FuzzSetup(f *testing.F) {
	c := haptest.NewSetup(code, haptest.Options{})
	f.Add(c.M1(), haptest.Pack(field(haptest.State, 3), field(haptest.PublicKey, 5), field(haptest.Proof, make([]byte, 64)...)), c.M5With(make([]byte, 64)))
	f.Add([]byte{}, []byte{6, 1}, []byte{6, 1, 5, 5, 3, 1, 2, 3})
	f.Fuzz(func(t *testing.T, a, b, c []byte) {
		st := newStore()
		s := pairing.NewSetup(st, new(pairing.Gate))
		for _, m := range [][]byte{a, b, c} {
			answer := s.Answer(context.Background(), m)
			if haptest.Code(answer.Body, haptest.State) < 2 {
				t.Errorf("answer % x", answer.Body)
			}
		}
		if len(st.Record().Peers) != 0 {
			t.Error("paired without the code")
		}
	})
}
