package hap_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/hap/haptest"
	"github.com/ingle-home/ingle/hub/hap/tlv8"
)

// pairings makes one POST /pairings and returns the error code in the answer.
func pairings(t testing.TB, c *haptest.Client, method byte, items []byte) (failure uint8, answer []byte) {
	t.Helper()
	body := tlv8.AppendUint8(tlv8.AppendUint8(nil, 6, 1), 0, method)
	answer = do(t, c, 200, "POST", "/pairings", string(append(body, items...)))
	parsed, err := tlv8.Parse(answer)
	if err != nil {
		t.Fatal(err)
	}
	failure, err = parsed.Uint8(7)
	if err != nil {
		failure = 0
	}
	return failure, answer
}

func add(t testing.TB, c *haptest.Client, who haptest.Credentials, admin uint8) uint8 {
	t.Helper()
	items := tlv8.AppendString(nil, 1, who.ID)
	items = tlv8.Append(items, 3, who.Key[32:])
	failure, _ := pairings(t, c, 3, tlv8.AppendUint8(items, 11, admin))
	return failure
}

func remove(t testing.TB, c *haptest.Client, id string) uint8 {
	t.Helper()
	failure, _ := pairings(t, c, 4, tlv8.AppendString(nil, 1, id))
	return failure
}

// newcomer pairs another controller through the session of an admin.
func (h *home) newcomer(t testing.TB, admin *haptest.Client, rights uint8) haptest.Credentials {
	t.Helper()
	who := haptest.NewCredentials("")
	who.DeviceID = h.DeviceID()
	who.DeviceKey = ed25519.NewKeyFromSeed(h.disk.state().Seed).Public().(ed25519.PublicKey)
	if failure := add(t, admin, who, rights); failure != 0 {
		t.Fatalf("add: error %d", failure)
	}
	return who
}

func (h *home) guest(t testing.TB, admin *haptest.Client) *haptest.Client {
	t.Helper()
	return h.session(t, h.newcomer(t, admin, 0))
}

func TestUnpairedAndUnverified(t *testing.T) {
	t.Parallel()
	b := bridge()
	shown := make(chan bool, 8)
	b.Services[0].Characteristics[0].OnWrite = show(shown)
	h := open(t, hap.Options{}, &disk{}, b)
	txt := h.Announcement().TXT
	if h.Paired() || txt["sf"] != "1" || txt["id"] != h.DeviceID() || txt["ci"] != "2" || txt["pv"] != "1.1" || txt["sh"] == "" {
		t.Errorf("announcement: %v", txt)
	}
	c := h.dial(t)
	do(t, c, 204, "POST", "/identify", "")
	if !<-shown {
		t.Error("not identified")
	}
	for _, r := range [][2]string{
		{"GET", "/accessories"}, {"GET", "/characteristics?id=1.3"}, {"PUT", "/characteristics"}, {"PUT", "/prepare"}, {"POST", "/resource"}, {"POST", "/pairings"},
	} {
		if got := do(t, c, 470, r[0], r[1], ""); string(got) != `{"status":-70401}` {
			t.Errorf("%s: %s", r[1], got)
		}
	}
	do(t, c, 404, "GET", "/", "")
	h.drain()
	if _, err := c.Pair(h.Setup().Code, haptest.Options{}); err != nil {
		t.Fatal(err)
	}
	<-h.Changed()
	if !h.Paired() || h.Announcement().TXT["sf"] != "0" {
		t.Error("not paired")
	}
	if got := do(t, c, 400, "POST", "/identify", ""); string(got) != `{"status":-70401}` {
		t.Errorf("identify when paired: %s", got)
	}
	do(t, c, 470, "GET", "/accessories", "") // a setup is not a verify
}

func TestStateSurvivesRestart(t *testing.T) {
	t.Parallel()
	d := &disk{}
	a, _, _ := lamp(2, "Lamp")
	h := open(t, hap.Options{}, d, bridge(), a)
	creds, err := haptest.Pair(h.ctx, h.addr, h.Setup().Code, haptest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	before, setup, addr := h.Announcement(), h.Setup(), h.addr
	for range 50 {
		h.stop()
		a, _, _ := lamp(2, "Lamp")
		h = open(t, hap.Options{}, d, a, bridge()) // in another order
		if h.addr != addr || h.Setup() != setup || h.Announcement().TXT["c#"] != before.TXT["c#"] || h.DeviceID() != before.TXT["id"] {
			t.Fatalf("%s %v, was %s %v", h.addr, h.Announcement(), addr, before)
		}
		c := h.session(t, creds)
		do(t, c, 200, "GET", "/characteristics?id=2.9", "")
		c.Close()
	}
}

func TestRemovalEndsSessions(t *testing.T) {
	t.Parallel()
	a, on, _ := lamp(2, "Lamp")
	h, creds, admin := paired(t, hap.Options{}, bridge(), a)
	guest := h.newcomer(t, admin, 0)
	one, two := h.session(t, guest), h.session(t, guest)
	if failure, _ := pairings(t, one, 5, nil); failure != 2 {
		t.Errorf("a guest listed pairings: error %d", failure)
	}
	if failure := remove(t, one, creds.ID); failure != 2 {
		t.Errorf("a guest removed a pairing: error %d", failure)
	}
	add(t, admin, guest, 1)
	if failure, _ := pairings(t, one, 5, nil); failure != 0 {
		t.Errorf("a right given does not count in a live session: error %d", failure)
	}
	if failure := remove(t, admin, guest.ID); failure != 0 {
		t.Fatalf("error %d", failure)
	}
	ended(t, one)
	ended(t, two)
	if _, err := haptest.Open(h.ctx, h.addr, guest); err == nil {
		t.Error("a removed controller verified")
	}
	if failure := remove(t, admin, "nobody"); failure != 0 {
		t.Errorf("removing nobody: error %d", failure)
	}
	put(t, admin, 204, `{"aid":2,"iid":9,"ev":true}`)
	on.Set(hap.Bool(true))
	next(t, admin)
}

func TestLastAdminLeaves(t *testing.T) {
	t.Parallel()
	h, creds, admin := paired(t, hap.Options{}, bridge())
	guest := h.guest(t, admin)
	h.drain()
	if failure := remove(t, admin, creds.ID); failure != 0 { // M2 arrives before the end
		t.Fatalf("error %d", failure)
	}
	ended(t, admin)
	ended(t, guest)
	<-h.Changed()
	if h.Paired() || h.Announcement().TXT["sf"] != "1" || len(h.disk.state().Pairings) != 0 {
		t.Error("still paired")
	}
	again, err := haptest.Pair(h.ctx, h.addr, h.Setup().Code, haptest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	do(t, h.session(t, again), 200, "GET", "/accessories", "")
}

// TestDiskBeforeAnswer holds the promise that what a controller has been told
// would be there after a power cut.
func TestDiskBeforeAnswer(t *testing.T) {
	t.Parallel()
	h := open(t, hap.Options{}, &disk{}, bridge())
	h.disk.obstruct(func(hap.State) error { return errors.New("disk full") })
	if _, err := haptest.Pair(h.ctx, h.addr, h.Setup().Code, haptest.Options{}); err == nil {
		t.Error("paired without a disk")
	}
	if h.Paired() {
		t.Error("paired in memory only")
	}
	entered, release := make(chan struct{}), make(chan struct{})
	h.disk.obstruct(func(s hap.State) error {
		if len(s.Pairings) > 0 {
			close(entered)
			<-release
		}
		return nil
	})
	done := make(chan error, 1)
	go func() {
		_, err := haptest.Pair(h.ctx, h.addr, h.Setup().Code, haptest.Options{})
		done <- err
	}()
	select {
	case <-entered:
	case err := <-done:
		t.Fatalf("not paired: %v", err)
	}
	select {
	case err := <-done:
		t.Errorf("answered before the disk: %v", err)
	default:
	}
	if h.Paired() {
		t.Error("paired before the disk")
	}
	h.disk.obstruct(nil)
	close(release)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// drain forgets changes that were announced so far.
func (h *home) drain() {
	select {
	case <-h.Changed():
	default:
	}
}

func show(shown chan<- bool) func(context.Context, *hap.Peer, hap.Value) (hap.Value, error) {
	return func(_ context.Context, p *hap.Peer, v hap.Value) (hap.Value, error) {
		shown <- v.Bool() && p.Controller == ""
		return hap.Value{}, nil
	}
}

// A server that is shut takes nobody, also not who has begun, and counts no try; open again, it does.
func TestAShutServerTakesNoPairing(t *testing.T) {
	t.Parallel()
	var shut atomic.Bool
	h := open(t, hap.Options{Shut: shut.Load}, &disk{}, bridge())
	s := haptest.NewSetup(h.Setup().Code, haptest.Options{})
	begun := h.dial(t)
	m3, err := s.M3(do(t, begun, 200, "POST", "/pair-setup", string(s.M1())))
	if err != nil {
		t.Fatal(err)
	}
	shut.Store(true)
	var refused haptest.Refused
	if _, err := h.dial(t).Pair(h.Setup().Code, haptest.Options{}); !errors.As(err, &refused) || refused != 6 {
		t.Errorf("a new setup: %v", err)
	}
	if _, err := s.M5(do(t, begun, 200, "POST", "/pair-setup", string(m3))); !errors.As(err, &refused) || refused != 6 {
		t.Errorf("a setup that had begun: %v", err)
	}
	if state := h.disk.state(); state.Tries != 0 || len(state.Pairings) != 0 {
		t.Errorf("saved: %d tries, %d pairings", state.Tries, len(state.Pairings))
	}
	shut.Store(false)
	if _, err := h.dial(t).Pair(h.Setup().Code, haptest.Options{}); err != nil {
		t.Error(err)
	}
}
