package pairing_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/ingle-home/ingle/hub/hap/haptest"
	"github.com/ingle-home/ingle/hub/hap/internal/pairing"
)

// begin gives M3 of a verify that has had M2.
func begin(t *testing.T, v *pairing.Verify, c haptest.Credentials) (*haptest.Verify, []byte) {
	t.Helper()
	h := haptest.NewVerify(c)
	a, verified := v.Answer(h.M1())
	wantState(t, "M1", a, 2)
	if verified != nil {
		t.Fatal("verified by M1")
	}
	m3, err := h.M3(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	return h, m3
}

// refused wants an answer with an error and nobody verified.
func refused(t *testing.T, what string, v *pairing.Verify, m []byte, status, state, code int) {
	t.Helper()
	a, verified := v.Answer(m)
	wantError(t, what, a, status, state, code)
	if verified != nil {
		t.Errorf("%s: verified", what)
	}
}

func TestVerify(t *testing.T) {
	admin, c := peer("admin", true)
	user, other := peer("user", false)
	v := pairing.NewVerify(newStore(admin, user), new(pairing.Gate))
	for range 3 { // one connection may verify again and again
		for _, who := range []haptest.Credentials{c, other} {
			h, m3 := begin(t, v, who)
			a, verified := v.Answer(m3)
			wantState(t, "M3", a, 4)
			secret, err := h.Done(a.Body)
			if err != nil || verified == nil || verified.Peer.ID != who.ID || verified.Peer.Admin != (who.ID == "admin") || !bytes.Equal(verified.Secret, secret) {
				t.Fatalf("verified %+v, %v", verified, err)
			}
		}
	}
}

func TestVerifyOrder(t *testing.T) {
	admin, c := peer("admin", true)
	v := pairing.NewVerify(newStore(admin), new(pairing.Gate))
	_, m3 := begin(t, v, c)
	refused(t, "M3 first", pairing.NewVerify(newStore(admin), new(pairing.Gate)), m3, 400, 4, 1)
	_, second := begin(t, v, c) // M1 begins anew
	refused(t, "M3 of the exchange before", v, m3, 200, 4, 2)
	refused(t, "M3 after a refused one", v, second, 400, 4, 1)
	_, m3 = begin(t, v, c)
	if _, verified := v.Answer(m3); verified == nil {
		t.Fatal("right M3 refused")
	}
	refused(t, "M3 again", v, m3, 400, 4, 1)
	begin(t, v, c)
	refused(t, "M2", v, haptest.Pack(field(haptest.State, 2)), 400, 4, 1)
}

func TestVerifyStrangers(t *testing.T) {
	admin, c := peer("admin", true)
	st := newStore(admin)
	v := pairing.NewVerify(st, new(pairing.Gate))
	_, stranger := peer("stranger", true)
	_, m3 := begin(t, v, stranger)
	refused(t, "unknown identifier", v, m3, 200, 4, 2)
	_, impostor := peer("admin", true)
	_, m3 = begin(t, v, impostor)
	refused(t, "another key", v, m3, 200, 4, 2)
	_, m3 = begin(t, v, c)
	st.record.Peers = nil
	refused(t, "removed since M1", v, m3, 200, 4, 2)
}

func TestHostileVerify(t *testing.T) {
	admin, c := peer("admin", true)
	v := pairing.NewVerify(newStore(admin), new(pairing.Gate))
	key := func(b []byte) []byte {
		return haptest.Pack(field(haptest.State, 1), field(haptest.PublicKey, b...))
	}
	refused(t, "zero key", v, key(make([]byte, 32)), 200, 2, 2)
	refused(t, "key of order one", v, key(append([]byte{1}, make([]byte, 31)...)), 200, 2, 2)
	for _, n := range []int{0, 5, 31, 33, 300} {
		refused(t, fmt.Sprintf("key of %d bytes", n), v, key(bytes.Repeat([]byte{9}, n)), 400, 2, 1)
	}
	for name, m := range map[string][]byte{"nothing": nil, "garbled": {6}, "no state": key(nil)[3:], "no key": haptest.Pack(field(haptest.State, 1))} {
		refused(t, name, v, m, 400, 2, 1)
	}
	for _, n := range []int{0, 3, 15, 16, 100} {
		begin(t, v, c)
		m3 := haptest.Pack(field(haptest.State, 3), field(haptest.Encrypted, make([]byte, n)...))
		refused(t, fmt.Sprintf("%d encrypted bytes", n), v, m3, 200, 4, 2)
	}
	begin(t, v, c)
	refused(t, "nothing encrypted", v, haptest.Pack(field(haptest.State, 3)), 400, 4, 1)
	id, signature := field(haptest.Identifier, []byte("admin")...), field(haptest.Signature, make([]byte, 64)...)
	for name, m := range map[string]struct {
		plain        []byte
		status, code int
	}{
		"empty": {nil, 400, 1}, "bad inside": {[]byte{1}, 400, 1}, "no identifier": {haptest.Pack(signature), 400, 1},
		"no signature": {haptest.Pack(id), 400, 1}, "short signature": {haptest.Pack(id, field(haptest.Signature, 1)), 400, 1},
		"wrong signature": {haptest.Pack(id, signature), 200, 2},
	} {
		h, _ := begin(t, v, c)
		refused(t, name, v, h.M3Sealed(m.plain), m.status, 4, m.code)
	}
}

func FuzzVerify(f *testing.F) {
	admin, c := peer("admin", true)
	f.Add(haptest.NewVerify(c).M1(), haptest.Pack(field(haptest.State, 3), field(haptest.Encrypted, make([]byte, 80)...)))
	f.Add([]byte{6, 1, 3}, []byte{6, 1, 1, 3, 1, 0})
	f.Fuzz(func(t *testing.T, a, b []byte) {
		v := pairing.NewVerify(newStore(admin), new(pairing.Gate))
		for _, m := range [][]byte{a, b} {
			if answer, verified := v.Answer(m); verified != nil || haptest.Code(answer.Body, haptest.State) < 2 {
				t.Errorf("answer % x, verified %v", answer.Body, verified)
			}
		}
		h, _ := begin(t, v, c) // b as what a stranger seals under the key of the exchange
		if answer, verified := v.Answer(h.M3Sealed(b)); verified != nil || haptest.Code(answer.Body, haptest.Error) < 1 {
			t.Errorf("sealed: answer % x, verified %v", answer.Body, verified)
		}
	})
}
