package hap_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/hap/haptest"
)

// soak is large with INGLE_SOAK=1, else small.
func soak(small, large int) int {
	if os.Getenv("INGLE_SOAK") != "" {
		return large
	}
	return small
}

// wrong is a code that is not the server's.
func (h *home) wrong() string {
	if code := "482-61-937"; code != h.Setup().Code {
		return code
	}
	return "482-61-938"
}

// refusal is the error code that pairing with a setup code comes to; 0 means paired.
func (h *home) refusal(t testing.TB, code string) int {
	t.Helper()
	_, err := haptest.Pair(h.ctx, h.addr, code, haptest.Options{})
	var refused haptest.Refused
	if err != nil && !errors.As(err, &refused) {
		t.Fatal(err)
	}
	return int(refused)
}

// TestRightCodeIsNeverRefused, whichever way a controller treats zeros in front
// of numbers and whichever method it names.
func TestRightCodeIsNeverRefused(t *testing.T) {
	for _, strip := range []bool{false, true} {
		t.Run(fmt.Sprintf("strip=%v", strip), func(t *testing.T) {
			t.Parallel()
			h := open(t, hap.Options{}, &disk{}, bridge())
			for i := range soak(35, 700) {
				o := haptest.Options{Strip: strip, Method: byte(i % 2)}
				if _, err := haptest.Pair(h.ctx, h.addr, h.Setup().Code, o); err != nil {
					t.Fatalf("setup %d: %v", i, err)
				}
				if err := h.Unpair(h.ctx); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// TestOrderOfSetup: each of these sequences is refused at its last message, and
// pairs nobody: a key that is not agreed yet is not one of zeros.
func TestOrderOfSetup(t *testing.T) {
	t.Parallel()
	h := open(t, hap.Options{}, &disk{}, bridge())
	for _, sequence := range []string{"3", "5", "15", "1335", "133", "115", "1355"} {
		c, s := h.dial(t), haptest.NewSetup(h.Setup().Code, haptest.Options{})
		answer := []byte(nil)
		for i, m := range sequence {
			var message []byte
			switch {
			case m == '1':
				message = s.M1()
			case m == '3' && haptest.Code(answer, haptest.State) == 2:
				message, _ = s.M3(answer)
			case m == '3':
				message = haptest.Pack(haptest.Field{Type: haptest.State, Value: []byte{3}},
					haptest.Field{Type: haptest.PublicKey, Value: make([]byte, 384)}, haptest.Field{Type: haptest.Proof, Value: make([]byte, 64)})
			case i == 2 && sequence[:3] == "135":
				message, _ = s.M5(answer)
			default:
				message = s.M5With(make([]byte, 64))
			}
			_, answer, _ = c.Do("POST", "/pair-setup", message)
		}
		last := int(sequence[len(sequence)-1]-'0') + 1
		if haptest.Code(answer, haptest.State) != last || haptest.Code(answer, haptest.Error) < 1 {
			t.Errorf("%s: answer % x", sequence, answer)
		}
		if h.Paired() != (sequence == "1355") {
			t.Errorf("%s: paired %v", sequence, h.Paired())
		}
	}
}

// TestHundredWrongCodes end pairing, also after a restart, until the household
// forgives them or takes a new code. INGLE_SOAK=1 tries all of them.
func TestHundredWrongCodes(t *testing.T) {
	t.Parallel()
	state, err := hap.NewState()
	if err != nil {
		t.Fatal(err)
	}
	state.Tries = 100 - soak(4, 100)
	heard := make(chan hap.Notice, 200)
	o := hap.Options{Notice: func(n hap.Notice) { heard <- n }}
	h := open(t, o, &disk{saved: &state}, bridge())
	for i := state.Tries + 1; i <= 100; i++ {
		if got := h.refusal(t, h.wrong()); got != 2 || h.Tries() != i || h.disk.state().Tries != i {
			t.Fatalf("wrong code %d: error %d, %d counted", i, got, h.Tries())
		}
		if n := <-heard; n != hap.NoticeWrongCode {
			t.Fatalf("notice %d", n)
		}
	}
	for _, code := range []string{h.wrong(), h.Setup().Code} {
		if got := h.refusal(t, code); got != 5 {
			t.Errorf("after a hundred: error %d", got)
		}
	}
	h.stop()
	h = open(t, o, h.disk, bridge())
	if got := h.refusal(t, h.Setup().Code); got != 5 {
		t.Errorf("after a restart: error %d", got)
	}
	if len(heard) > 0 {
		t.Error("a notice without a guess")
	}
	old, sh := h.Setup(), h.Announcement().TXT["sh"]
	h.drain()
	if err := h.NewCode(h.ctx); err != nil {
		t.Fatal(err)
	}
	<-h.Changed()
	if h.Setup() == old || h.Announcement().TXT["sh"] == sh || h.disk.state().SetupCode != h.Setup().Code {
		t.Error("the old code is still the code")
	}
	if got := h.refusal(t, old.Code); got != 2 {
		t.Errorf("old code: error %d", got)
	}
	if got := h.refusal(t, h.Setup().Code); got != 0 {
		t.Errorf("new code: error %d", got)
	}
}

// TestTriesForgiven by the household, without a new code.
func TestTriesForgiven(t *testing.T) {
	t.Parallel()
	state, err := hap.NewState()
	if err != nil {
		t.Fatal(err)
	}
	state.Tries = 100
	h := open(t, hap.Options{}, &disk{saved: &state}, bridge())
	if got := h.refusal(t, h.Setup().Code); got != 5 {
		t.Fatalf("error %d", got)
	}
	if err := h.ResetTries(h.ctx); err != nil {
		t.Fatal(err)
	}
	if got := h.refusal(t, h.Setup().Code); got != 0 || h.disk.state().Tries != 0 {
		t.Errorf("error %d", got)
	}
}

// TestNobodyBlocksPairing: abandoned setups, one that is begun over and over, and
// pair-verifies that lead nowhere leave the household's phone all it needs.
func TestNobodyBlocksPairing(t *testing.T) {
	t.Parallel()
	h := open(t, hap.Options{}, &disk{}, bridge())
	m1 := string(haptest.NewSetup("", haptest.Options{}).M1())
	do(t, h.dial(t), 200, "POST", "/pair-setup", m1) // abandoned
	verify := h.dial(t)
	do(t, verify, 200, "POST", "/pair-verify", string(haptest.NewVerify(haptest.NewCredentials("")).M1()))
	stop, stranger := make(chan struct{}), make(chan error, 1)
	go func() {
		c, err := haptest.Dial(h.ctx, h.addr)
		if err != nil {
			stranger <- err
			return
		}
		defer c.Close()
		for {
			select {
			case <-stop:
				stranger <- nil
				return
			default:
				if _, answer, err := c.Do("POST", "/pair-setup", []byte(m1)); err != nil || haptest.Code(answer, haptest.State) != 2 {
					stranger <- fmt.Errorf("% x: %w", answer, err)
					return
				}
			}
		}
	}()
	start := time.Now()
	for range 5 {
		if got := h.refusal(t, h.Setup().Code); got != 0 {
			t.Errorf("error %d", got)
		}
		if err := h.Unpair(h.ctx); err != nil {
			t.Error(err)
		}
	}
	t.Logf("5 setups beside a stranger: %v", time.Since(start))
	close(stop)
	if err := <-stranger; err != nil {
		t.Error(err)
	}
}

// TestStrayVerify: M1 begins anew at any time, and a verify that fails leaves a
// setup on the same connection alone.
func TestStrayVerify(t *testing.T) {
	t.Parallel()
	h := open(t, hap.Options{}, &disk{}, bridge())
	c, s := h.dial(t), haptest.NewSetup(h.Setup().Code, haptest.Options{})
	m2 := do(t, c, 200, "POST", "/pair-setup", string(s.M1()))
	for range 3 {
		do(t, c, 200, "POST", "/pair-verify", string(haptest.NewVerify(haptest.NewCredentials("")).M1()))
	}
	m3, err := s.M3(m2)
	if err != nil {
		t.Fatal(err)
	}
	m5, err := s.M5(do(t, c, 200, "POST", "/pair-setup", string(m3)))
	if err != nil {
		t.Fatal(err)
	}
	creds, err := s.Done(do(t, c, 200, "POST", "/pair-setup", string(m5)))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Verify(creds); err != nil { // on the connection of the setup
		t.Fatal(err)
	}
	for _, path := range []string{"/pair-setup", "/pair-verify"} { // no pairing inside a session
		do(t, c, 400, "POST", path, string(s.M1()))
	}
	if got := do(t, c, 200, "GET", "/accessories", ""); !bytes.Contains(got, []byte(`"aid":1`)) {
		t.Errorf("%s", got)
	}
}
