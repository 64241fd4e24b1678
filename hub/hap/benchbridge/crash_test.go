package main

import (
	"errors"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/hap/haptest"
)

// kill ends the program as a pulled plug would.
func (b *bridge) kill(t *testing.T) {
	t.Helper()
	if err := b.process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-b.rest
	<-b.ended
}

// refusal is the error code that pairing comes to; 0 means paired.
func (b *bridge) refusal(t *testing.T) (haptest.Credentials, int) {
	t.Helper()
	creds, err := haptest.Pair(t.Context(), b.addr, b.Code, haptest.Options{})
	var refused haptest.Refused
	if err != nil && !errors.As(err, &refused) {
		t.Fatal(err)
	}
	return creds, int(refused)
}

// change adds or removes a controller, and reports whether that was answered well.
func change(c *haptest.Client, method byte, id string, more ...haptest.Field) bool {
	fields := []haptest.Field{{Type: haptest.State, Value: []byte{1}}, {Type: haptest.Method, Value: []byte{method}}, {Type: haptest.Identifier, Value: []byte(id)}}
	status, answer, err := c.Do("POST", "/pairings", haptest.Pack(append(fields, more...)...))
	return err == nil && status == 200 && haptest.Code(answer, haptest.Error) < 0
}

// rounds is how many moments are tried; INGLE_SOAK=1 tries more.
func rounds() int {
	if os.Getenv("INGLE_SOAK") != "" {
		return 150
	}
	return 10
}

// TestKilledWhilePairing kills the program at moments all over a pair-setup. Both
// sides agree afterwards: a controller that was told is paired and the only one,
// one that was not can pair.
func TestKilledWhilePairing(t *testing.T) {
	dir := t.TempDir()
	b := start(t, "-accessories", "1", "-port", "0", "-store", dir)
	began := time.Now()
	creds := b.pair(t)
	whole := time.Since(began)
	told := 0
	for i := range rounds() {
		if c := b.session(t, creds); !change(c, 4, creds.ID) {
			t.Fatal("the last admin is not removed")
		}
		answered := make(chan error, 1)
		go func() {
			var err error
			creds, err = haptest.Pair(t.Context(), b.addr, b.Code, haptest.Options{})
			answered <- err
		}()
		<-time.After(whole * time.Duration(i+1) / time.Duration(rounds()))
		b.kill(t)
		err := <-answered
		b = start(t, "-accessories", "1", "-port", "0", "-store", dir)
		if err != nil {
			var code int
			if creds, code = b.refusal(t); code != 0 {
				t.Fatalf("round %d: a controller that was not told cannot pair: error %d", i, code)
			}
		} else {
			told++
		}
		b.session(t, creds).Close()
		if _, code := b.refusal(t); code != 6 {
			t.Fatalf("round %d: another can pair: error %d", i, code)
		}
	}
	t.Logf("a setup takes %v; told in %d of %d rounds", whole, told, rounds())
}

// TestKilledWhileAddingAndRemoving kills it at moments all over a change of
// pairings. What was answered is so afterwards, what was not can be asked again.
func TestKilledWhileAddingAndRemoving(t *testing.T) {
	dir := t.TempDir()
	b := start(t, "-accessories", "1", "-port", "0", "-store", dir)
	admin := b.pair(t)
	guest := haptest.NewCredentials("")
	guest.DeviceID, guest.DeviceKey = admin.DeviceID, admin.DeviceKey
	ask := func(c *haptest.Client, method byte) bool {
		if method == 4 {
			return change(c, 4, guest.ID)
		}
		return change(c, 3, guest.ID, haptest.Field{Type: haptest.PublicKey, Value: guest.Key[32:]}, haptest.Field{Type: haptest.Permissions, Value: []byte{0}})
	}
	for i := range 2 * rounds() {
		method := byte(3 + i%2)
		c, answered := b.session(t, admin), make(chan bool, 1)
		go func() { answered <- ask(c, method) }()
		<-time.After(time.Duration(i/2) * time.Millisecond)
		b.kill(t)
		told := <-answered
		b = start(t, "-accessories", "1", "-port", "0", "-store", dir)
		known := b.knows(t, guest)
		if told && known != (method == 3) {
			t.Fatalf("round %d: answered, and the guest is known: %v", i, known)
		}
		if !ask(b.session(t, admin), method) || b.knows(t, guest) != (method == 3) {
			t.Fatalf("round %d: cannot be asked again", i)
		}
	}
}

func (b *bridge) knows(t *testing.T, who haptest.Credentials) bool {
	t.Helper()
	c, err := haptest.Open(t.Context(), b.addr, who)
	if err != nil {
		return false
	}
	return c.Close() == nil
}
