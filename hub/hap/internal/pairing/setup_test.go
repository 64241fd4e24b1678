package pairing_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"fmt"
	"os"
	"strings"
	"testing"

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
	rounds := 10
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

// Two setups run side by side and one pairs. One that is repeated for ever keeps nobody out.
func TestSetupsDoNotBlockEachOther(t *testing.T) {
	st, gate := newStore(), new(pairing.Gate)
	stranger, home := pairing.NewSetup(st, gate), pairing.NewSetup(st, gate)
	s, c := haptest.NewSetup(code, haptest.Options{}), haptest.NewSetup(code, haptest.Options{})
	m2 := home.Answer(t.Context(), c.M1())
	var theirs pairing.Answer
	for range 10 {
		theirs = stranger.Answer(t.Context(), s.M1())
		wantState(t, "stranger's M1", theirs, 2)
	}
	m3, err := c.M3(m2.Body)
	if err != nil {
		t.Fatal(err)
	}
	m4 := home.Answer(t.Context(), m3)
	wantState(t, "M3", m4, 4)
	m3, err = s.M3(theirs.Body) // the stranger knows the code too, but is slower
	if err != nil {
		t.Fatal(err)
	}
	theirs = stranger.Answer(t.Context(), m3)
	m5, err := c.M5(m4.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := home.Answer(t.Context(), m5)
	if _, err := c.Done(a.Body); err != nil || a.Event != pairing.Added {
		t.Fatalf("event %d, %v", a.Event, err)
	}
	if m5, err = s.M5(theirs.Body); err != nil {
		t.Fatal(err)
	}
	wantError(t, "second M5", stranger.Answer(t.Context(), m5), 200, 6, 6)
	wantError(t, "M1 when paired", stranger.Answer(t.Context(), s.M1()), 200, 2, 6)
	if r := st.Record(); len(r.Peers) != 1 || stranger.Running() || home.Running() {
		t.Errorf("%d paired", len(r.Peers))
	}
}

// A code that is replaced during a setup is worth nothing any more.
func TestCodeReplacedDuringSetup(t *testing.T) {
	for _, when := range []string{"before M3", "before M5"} {
		st := newStore()
		s, c := pairing.NewSetup(st, new(pairing.Gate)), haptest.NewSetup(code, haptest.Options{})
		m, err := c.M3(s.Answer(t.Context(), c.M1()).Body)
		if err != nil {
			t.Fatal(err)
		}
		state := 4
		if when == "before M5" {
			if m, err = c.M5(s.Answer(t.Context(), m).Body); err != nil {
				t.Fatal(err)
			}
			state = 6
		}
		st.record.Code = "482-61-938"
		wantError(t, when, s.Answer(t.Context(), m), 200, state, 2)
		if r := st.Record(); len(r.Peers) != 0 {
			t.Errorf("%s: paired", when)
		}
	}
}

// When M6 cannot be sent, or the power goes before it is, the controller does not know that it is
// paired: then it, or another, may pair again, until one shows that it does know.
func TestUnansweredPairingCanBeReplaced(t *testing.T) {
	st, gate := newStore(), new(pairing.Gate)
	first := pairing.NewSetup(st, gate)
	if _, err := pair(first, haptest.NewSetup(code, haptest.Options{})); err != nil {
		t.Fatal(err)
	}
	other, c := pairing.NewSetup(st, gate), haptest.NewSetup(code, haptest.Options{})
	wantError(t, "M1 while M6 is on its way", other.Answer(t.Context(), c.M1()), 200, 2, 6)
	if err := first.Told(t.Context(), false); err != nil || !gate.Open(st.Record()) {
		t.Fatalf("M6 has not left: %v", err)
	}
	gate = new(pairing.Gate) // a restart knows no more than the disk
	second := pairing.NewSetup(st, gate)
	creds, err := pair(second, haptest.NewSetup(code, haptest.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	r := st.Record()
	if len(r.Peers) != 1 || r.Peers[0].ID != creds.ID {
		t.Fatalf("%+v", r.Peers)
	}
	if err := pairing.Confirm(t.Context(), st, as(st, "somebody else")); err != nil || !st.Record().Unanswered {
		t.Errorf("confirmed by somebody else: %v", err)
	}
	if err := pairing.Confirm(t.Context(), st, r.Peers[0]); err != nil || new(pairing.Gate).Open(st.Record()) {
		t.Errorf("confirmed, and open: %v", err)
	}
	if err := second.Told(t.Context(), true); err != nil || gate.Open(st.Record()) {
		t.Errorf("M6 has left: %v", err)
	}
}

// What people are told of.
func TestWrongCodeIsAnEvent(t *testing.T) {
	st := newStore()
	if a := tryCode(t, st, "482-61-938"); a.Event != pairing.WrongCode {
		t.Errorf("event %d", a.Event)
	}
	if a := tryCode(t, st, code); a.Event != 0 {
		t.Errorf("right code: event %d", a.Event)
	}
}
