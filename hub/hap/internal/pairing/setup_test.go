package pairing_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingle-home/ingle/hub/hap/haptest"
	"github.com/ingle-home/ingle/hub/hap/internal/pairing"
)

// pair does a whole setup on a connection.
func pair(s *pairing.Setup, c *haptest.Setup) (haptest.Credentials, error) {
	ask := func(m []byte, err error) ([]byte, error) {
		if err != nil {
			return nil, err
		}
		return s.Answer(context.Background(), m).Body, nil
	}
	m2, _ := ask(c.M1(), nil)
	m4, err := ask(c.M3(m2))
	if err != nil {
		return haptest.Credentials{}, err
	}
	m6, err := ask(c.M5(m4))
	if err != nil {
		return haptest.Credentials{}, err
	}
	return c.Done(m6)
}

// The right code is never refused, whichever way a controller treats zeros in
// front of numbers. INGLE_SOAK=1 tries 700 of each.
func TestRightCode(t *testing.T) {
	rounds := 50
	if os.Getenv("INGLE_SOAK") != "" {
		rounds = 700
	}
	for _, strip := range []bool{false, true} {
		t.Run(fmt.Sprintf("strip=%v", strip), func(t *testing.T) {
			t.Parallel()
			for i := range rounds {
				st, gate := newStore(), new(pairing.Gate)
				st.record.Tries = 7
				s := pairing.NewSetup(st, gate)
				creds, err := pair(s, haptest.NewSetup(code, haptest.Options{Strip: strip, Method: byte(i % 2)}))
				if err != nil {
					t.Fatalf("setup %d: %v", i, err)
				}
				r := st.Record()
				if len(r.Peers) != 1 || r.Peers[0].ID != creds.ID || !r.Peers[0].Admin || r.Tries != 0 || s.Running() ||
					!bytes.Equal(r.Peers[0].Key, creds.Key.Public().(ed25519.PublicKey)) {
					t.Fatalf("setup %d stored %+v", i, r)
				}
				if creds.DeviceID != deviceID || !bytes.Equal(creds.DeviceKey, st.key.Public().(ed25519.PublicKey)) {
					t.Fatalf("setup %d: the controller knows %s", i, creds.DeviceID)
				}
			}
		})
	}
}

// Every sequence of four messages, each prefix of it judged: only M1, M3, M5 in this order pairs,
// and every other message is refused.
func TestEveryOrder(t *testing.T) {
	sequences := []string{""}
	for range 4 {
		var longer []string
		for _, s := range sequences {
			longer = append(longer, s+"1", s+"3", s+"5")
		}
		sequences = longer
	}
	for _, sequence := range sequences {
		st := newStore()
		s := pairing.NewSetup(st, new(pairing.Gate))
		run := &order{c: haptest.NewSetup(code, haptest.Options{}), zero: make([]byte, 64)}
		good := "" // what counts of the messages so far
		for i, m := range sequence {
			a := s.Answer(context.Background(), run.message(t, m))
			paired := strings.Contains(good, "135")
			wants := m == '1' && !paired || m == '3' && strings.HasSuffix(good, "1") || m == '5' && strings.HasSuffix(good, "13")
			state := int(m-'0') + 1
			switch {
			case wants:
				wantState(t, sequence[:i+1], a, state)
				good += string(m)
				run.answer = a.Body
			case m == '1':
				wantError(t, sequence[:i+1], a, 200, 2, 6)
			default:
				wantError(t, sequence[:i+1], a, 400, state, 1)
				good += "!"
			}
		}
		if paired := len(st.Record().Peers) > 0; paired != strings.Contains(good, "135") {
			t.Errorf("%s: paired %v", sequence, paired)
		}
	}
}

// order makes the best message that an attacker with the code could send next.
type order struct {
	c            *haptest.Setup
	answer, zero []byte
}

func (o *order) message(t *testing.T, m rune) []byte {
	switch {
	case m == '1':
		return o.c.M1()
	case m == '3' && haptest.Code(o.answer, haptest.State) == 2:
		m3, err := o.c.M3(o.answer)
		if err != nil {
			t.Fatal(err)
		}
		return m3
	case m == '3':
		return haptest.Pack(haptest.Field{Type: haptest.State, Value: []byte{3}},
			haptest.Field{Type: haptest.PublicKey, Value: o.zero}, haptest.Field{Type: haptest.Proof, Value: o.zero})
	case o.c.Key() != nil:
		return o.c.M5With(o.c.Key())
	}
	return o.c.M5With(o.zero)
}

func TestKeysNobodyProved(t *testing.T) {
	for _, key := range [][]byte{nil, make([]byte, 32), make([]byte, 64), bytes.Repeat([]byte{0xFF}, 64)} {
		for _, before := range []int{0, 1, 3} {
			st := newStore()
			s, c := pairing.NewSetup(st, new(pairing.Gate)), haptest.NewSetup(code, haptest.Options{})
			status := 400
			if before >= 1 {
				m2 := s.Answer(t.Context(), c.M1())
				if before == 3 {
					m3, err := c.M3(m2.Body)
					if err != nil {
						t.Fatal(err)
					}
					wantState(t, "M3", s.Answer(t.Context(), m3), 4)
					status = 200
				}
			}
			code := map[int]int{400: 1, 200: 2}[status]
			wantError(t, fmt.Sprintf("M5 under a key of %d bytes after M%d", len(key), before), s.Answer(t.Context(), c.M5With(key)), status, 6, code)
			if n := len(st.Record().Peers); n != 0 {
				t.Errorf("%d paired", n)
			}
		}
	}
}

// tryCode runs M1 and M3 and returns the answer that decides.
func tryCode(t *testing.T, st pairing.Store, code string) pairing.Answer {
	t.Helper()
	s, c := pairing.NewSetup(st, new(pairing.Gate)), haptest.NewSetup(code, haptest.Options{})
	a := s.Answer(t.Context(), c.M1())
	m3, err := c.M3(a.Body)
	if err != nil {
		return a
	}
	return s.Answer(t.Context(), m3)
}

func TestWrongCodesAreCountedAndEnd(t *testing.T) {
	st := newStore()
	for i := 1; i <= 3; i++ {
		wantError(t, "wrong code", tryCode(t, st, "482-61-938"), 200, 4, 2)
		if n := st.Record().Tries; n != i {
			t.Fatalf("%d tries after %d wrong codes", n, i)
		}
	}
	if _, err := pair(pairing.NewSetup(st, new(pairing.Gate)), haptest.NewSetup(code, haptest.Options{})); err != nil {
		t.Fatalf("right code: %v", err)
	}
	st.record = pairing.Record{Code: code, Tries: pairing.MaxTries - 1}
	wantError(t, "wrong code 100", tryCode(t, st, "482-61-938"), 200, 4, 2)
	wantError(t, "wrong code 101", tryCode(t, st, "482-61-938"), 200, 2, 5)
	wantError(t, "right code after 100 wrong ones", tryCode(t, st, code), 200, 2, 5)
	if r := st.Record(); r.Tries != pairing.MaxTries || len(r.Peers) != 0 {
		t.Errorf("record %+v", r)
	}
}

// A disk that cannot count tells nobody whether the code was right.
func TestBrokenDisk(t *testing.T) {
	st := newStore()
	st.breakDisk(true)
	wantError(t, "wrong code", tryCode(t, st, "482-61-938"), 200, 4, 1)
	wantError(t, "right code", tryCode(t, st, code), 200, 4, 1)

	st.breakDisk(false)
	s, c := pairing.NewSetup(st, new(pairing.Gate)), haptest.NewSetup(code, haptest.Options{})
	m3, err := c.M3(s.Answer(t.Context(), c.M1()).Body)
	if err != nil {
		t.Fatal(err)
	}
	m5, err := c.M5(s.Answer(t.Context(), m3).Body)
	if err != nil {
		t.Fatal(err)
	}
	st.breakDisk(true)
	a := s.Answer(t.Context(), m5)
	wantError(t, "M5", a, 200, 6, 1)
	if n := len(st.Record().Peers); n != 0 || haptest.Get(a.Body, haptest.Encrypted) != nil {
		t.Errorf("%d paired, answer % x", n, a.Body)
	}
	st.breakDisk(false)
	if _, err := pair(s, haptest.NewSetup(code, haptest.Options{})); err != nil {
		t.Errorf("with a working disk: %v", err)
	}
}

func TestOneSetupAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, gate := newStore(), new(pairing.Gate)
		first, second := pairing.NewSetup(st, gate), pairing.NewSetup(st, gate)
		c1, c2 := haptest.NewSetup(code, haptest.Options{}), haptest.NewSetup(code, haptest.Options{})
		m2 := first.Answer(t.Context(), c1.M1())
		wantState(t, "first M1", m2, 2)
		wantError(t, "second M1", second.Answer(t.Context(), c2.M1()), 200, 2, 7)
		if !first.Running() || second.Running() {
			t.Error("the wrong one is running")
		}

		<-time.After(29 * time.Second)
		wantError(t, "second M1 after 29 s", second.Answer(t.Context(), c2.M1()), 200, 2, 7)
		m3, err := c1.M3(m2.Body)
		if err != nil {
			t.Fatal(err)
		}
		wantState(t, "first M3 after 29 s", first.Answer(t.Context(), m3), 4)
		<-time.After(29 * time.Second)
		wantError(t, "second M1 29 s after the last step", second.Answer(t.Context(), c2.M1()), 200, 2, 7)

		<-time.After(time.Second)
		if _, err := pair(second, c2); err != nil {
			t.Fatalf("second after 30 s: %v", err)
		}
		wantError(t, "first M5, too late", first.Answer(t.Context(), c1.M5With(c1.Key())), 400, 6, 1)
		if r := st.Record(); len(r.Peers) != 1 {
			t.Errorf("%d paired", len(r.Peers))
		}
	})
}

func TestSlowTypistAndClosedConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, gate := newStore(), new(pairing.Gate)
		slow, c := pairing.NewSetup(st, gate), haptest.NewSetup(code, haptest.Options{})
		m2 := slow.Answer(t.Context(), c.M1())
		<-time.After(5 * time.Minute)
		m3, err := c.M3(m2.Body)
		if err != nil {
			t.Fatal(err)
		}
		wantState(t, "M3 after five minutes with nobody else", slow.Answer(t.Context(), m3), 4)
		slow.Close()
		other := pairing.NewSetup(st, gate)
		wantState(t, "M1 after the first has gone", other.Answer(t.Context(), c.M1()), 2)
		slow.Close() // must not free what others hold
		wantError(t, "third M1", pairing.NewSetup(st, gate).Answer(t.Context(), c.M1()), 200, 2, 7)
	})
}

func TestRefusalFreesTheGate(t *testing.T) {
	st, gate := newStore(), new(pairing.Gate)
	for range 2 {
		s, c := pairing.NewSetup(st, gate), haptest.NewSetup("482-61-938", haptest.Options{})
		m3, err := c.M3(s.Answer(t.Context(), c.M1()).Body)
		if err != nil {
			t.Fatal(err)
		}
		wantError(t, "wrong code", s.Answer(t.Context(), m3), 200, 4, 2)
		wantError(t, "M3 again", s.Answer(t.Context(), m3), 400, 4, 1)
	}
	if _, err := pair(pairing.NewSetup(st, gate), haptest.NewSetup(code, haptest.Options{})); err != nil {
		t.Error(err)
	}
	var refused haptest.Refused
	if _, err := pair(pairing.NewSetup(st, gate), haptest.NewSetup(code, haptest.Options{})); !errors.As(err, &refused) || refused != 6 {
		t.Errorf("second controller: %v", err)
	}
}

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
