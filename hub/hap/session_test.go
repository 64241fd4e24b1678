package hap_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/hap/haptest"
)

const subscribe = `{"aid":2,"iid":9,"ev":true}`

func TestEventsGoToOthers(t *testing.T) {
	t.Parallel()
	a, on, brightness := lamp(2, "Lamp")
	on.OnWrite = func(_ context.Context, _ *hap.Peer, v hap.Value) (hap.Value, error) {
		return hap.Value{}, on.Set(v) // the device echoes before it confirms
	}
	brightness.OnWrite = func(context.Context, *hap.Peer, hap.Value) (hap.Value, error) {
		return hap.Value{}, brightness.Set(hap.Int(70)) // the device knows better
	}
	h, creds, writer := paired(t, hap.Options{}, bridge(), a)
	other, deaf := h.session(t, creds), h.session(t, creds)
	both := subscribe + `,{"aid":2,"iid":10,"ev":true}`
	put(t, writer, 204, both)
	put(t, other, 204, both)
	put(t, deaf, 204, both)
	put(t, deaf, 204, strings.ReplaceAll(both, "true", "false"))
	put(t, writer, 204, `{"aid":2,"iid":9,"value":1}`)
	if got := next(t, other); len(got) != 1 || got[0].IID != 9 || string(got[0].Value) != "true" {
		t.Errorf("other: %+v", got)
	}
	put(t, writer, 204, `{"aid":2,"iid":10,"value":30}`)
	// The writer's first event is what the device made of its second write.
	if got := next(t, writer); len(got) != 1 || got[0].IID != 10 || string(got[0].Value) != "70" {
		t.Errorf("writer: %+v", got)
	}
	next(t, other)
	if len(deaf.Events()) != 0 {
		t.Error("an event without a subscription")
	}
}

// TestToggles makes 51 changes at once: two messages at most, the last one final.
func TestToggles(t *testing.T) {
	t.Parallel()
	a, on, brightness := lamp(2, "Lamp")
	_, _, c := paired(t, hap.Options{}, bridge(), a)
	put(t, c, 204, subscribe+`,{"aid":2,"iid":10,"ev":true}`)
	for i := range 51 {
		on.Set(hap.Bool(i%2 == 0))
	}
	messages := 0
	for last := ""; last != "true"; messages++ {
		got := next(t, c)
		last = string(got[len(got)-1].Value)
	}
	brightness.Set(hap.Int(5)) // whatever was owed comes no later than this
	for {
		if got := next(t, c); got[len(got)-1].IID == 10 {
			if len(got) == 2 {
				messages++
			}
			break
		}
		messages++
	}
	if messages > 2 {
		t.Errorf("%d messages", messages)
	}
}

// TestPressesAreMoments: equal ones are two, and they come in order at once.
func TestPressesAreMoments(t *testing.T) {
	t.Parallel()
	button := &hap.Characteristic{Type: "73", Format: hap.FormatUint8, Perms: hap.PermRead | hap.PermEvents}
	limits := hap.Limits{Window: time.Hour} // nothing that waits would come
	_, _, c := paired(t, hap.Options{Limits: limits}, bridge(), sensor(2, "Button", button))
	put(t, c, 204, subscribe)
	presses := []int64{0, 0, 2, 0, 1, 1}
	for _, p := range presses {
		button.Set(hap.Int(p))
	}
	for i, p := range presses {
		if got := next(t, c); len(got) != 1 || string(got[0].Value) != fmt.Sprint(p) {
			t.Errorf("press %d: %+v", i, got)
		}
	}
	if got := do(t, c, 200, "GET", "/characteristics?id=2.9", ""); !bytes.Contains(got, []byte(`"value":null`)) {
		t.Errorf("a press can be read: %s", got)
	}
}

// TestHasteDoesNotStarveTheRest: a busy motion sensor leaves room for a lamp.
func TestHasteDoesNotStarveTheRest(t *testing.T) {
	t.Parallel()
	a, on, _ := lamp(2, "Lamp")
	motion := &hap.Characteristic{Type: "22", Format: hap.FormatBool, Perms: everything}
	_, _, c := paired(t, hap.Options{}, bridge(), a, sensor(3, "Motion", motion))
	put(t, c, 204, subscribe+`,{"aid":3,"iid":9,"ev":true}`)
	on.Set(hap.Bool(true))
	for deadline := time.Now().Add(within); ; {
		v, _ := on.Value()
		m, _ := motion.Value()
		motion.Set(hap.Bool(!m.Bool()))
		got := next(t, c)
		if e := got[len(got)-1]; e.AID == 2 && !v.Bool() {
			break
		}
		on.Set(hap.Bool(false)) // falls into the window that the first message began
		if time.Now().After(deadline) {
			t.Fatal("the lamp's change never came")
		}
	}
}

// TestFloodOfPresses: moments cannot be merged, so a session that does not take
// them is dropped rather than given a part.
func TestFloodOfPresses(t *testing.T) {
	t.Parallel()
	button := &hap.Characteristic{Type: "73", Format: hap.FormatUint8, Perms: hap.PermRead | hap.PermEvents}
	_, _, c := paired(t, hap.Options{}, bridge(), sensor(2, "Button", button))
	put(t, c, 204, subscribe)
	request := haptest.Request("GET", "/characteristics?id=2.9", nil)
	c.Send(request[:len(request)-1]) // open: events wait
	for range 20_000 {
		button.Set(hap.Int(0))
	}
	c.Send(request[len(request)-1:])
	ended(t, c)
}

// TestEventsWaitForTheAnswer: a controller may take an event for its answer.
func TestEventsWaitForTheAnswer(t *testing.T) {
	t.Parallel()
	a, on, brightness := lamp(2, "Lamp")
	began, release := make(chan struct{}), make(chan struct{})
	brightness.OnRead = func(ctx context.Context, _ *hap.Peer) (hap.Value, error) {
		close(began)
		<-release
		return hap.Int(1), nil
	}
	limits := hap.Limits{DeviceRead: within, Window: time.Millisecond}
	h, creds, c := paired(t, hap.Options{Limits: limits}, bridge(), a)
	witness := h.session(t, creds)
	put(t, c, 204, subscribe)
	put(t, witness, 204, subscribe)
	if err := c.Send(haptest.Request("GET", "/characteristics?id=2.10", nil)); err != nil {
		t.Fatal(err)
	}
	<-began
	on.Set(hap.Bool(true))
	next(t, witness)
	if len(c.Events()) != 0 {
		t.Error("an event came before the answer")
	}
	close(release)
	if r, err := c.Receive(); err != nil || r.Status != 200 {
		t.Fatalf("%+v, %v", r, err)
	}
	next(t, c)
}

func TestFraming(t *testing.T) {
	t.Parallel()
	a, _, _ := lamp(2, "Lamp")
	_, _, c := paired(t, hap.Options{}, bridge(), a)
	get := haptest.Request("GET", "/characteristics?id=2.9", nil)
	expect := func(what string, n int) {
		t.Helper()
		for range n {
			if r, err := c.Receive(); err != nil || r.Status != 200 {
				t.Fatalf("%s: %+v, %v", what, r, err)
			}
		}
	}
	for _, size := range []int{1024, 2048} {
		head := "GET /characteristics?id=2.9&x="
		tail := " HTTP/1.1\r\nHost: My Home\r\n\r\n"
		c.Send([]byte(head + strings.Repeat("x", size-len(head)-len(tail)) + tail))
		expect(fmt.Sprint(size, " bytes"), 1)
	}
	c.Raw(append(c.Frames(get), c.Frames(get)...))
	expect("two frames in one segment", 2)
	c.Send(append(bytes.Clone(get), get...))
	expect("two requests in one frame", 2)
	body := []byte(`{"ttl":1000,"pid":1}`)
	whole := haptest.Request("PUT", "/prepare", body)
	c.Send(whole[:len(whole)-len(body)])
	c.Send(body)
	expect("head and body apart", 1)
	for _, b := range c.Frames(get) {
		c.Raw([]byte{b})
	}
	expect("dribble of bytes", 1)
	for _, b := range get {
		c.Send([]byte{b})
	}
	expect("dribble of frames", 1)
}

// TestFirstRequestIsNotLost opens sessions and asks at once.
func TestFirstRequestIsNotLost(t *testing.T) {
	t.Parallel()
	h, creds, _ := paired(t, hap.Options{}, bridge())
	for range 100 {
		c, err := haptest.Open(h.ctx, h.addr, creds)
		if err != nil {
			t.Fatal(err)
		}
		do(t, c, 200, "GET", "/characteristics?id=1.3", "")
		c.Close()
	}
}

// TestStalledSubscriber: one phone that stops reading costs only itself.
func TestStalledSubscriber(t *testing.T) {
	t.Parallel()
	words := &hap.Characteristic{Type: "E3", Format: hap.FormatString, Perms: everything, MaxLen: 1 << 20}
	s, err := hap.New(t.Context(), hap.Options{Name: "Ingle", Model: "Hub", Memory: &disk{}, Limits: hap.Limits{Window: time.Millisecond}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Publish(t.Context(), bridge(), sensor(2, "Words", words)); err != nil {
		t.Fatal(err)
	}
	l, err := s.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, stranded{l}) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	h := &home{Server: s, addr: l.Addr().String(), ctx: t.Context()}
	creds, err := haptest.Pair(h.ctx, h.addr, s.Setup().Code, haptest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	good, stalled := h.session(t, creds), h.session(t, creds)
	put(t, good, 204, subscribe)
	put(t, stalled, 204, subscribe)
	// Its receiver stops once its channel of answers is full and stays so.
	for range 100 {
		stalled.Send(haptest.Request("GET", "/characteristics?id=1.3", nil))
	}
	final := ""
	for i := range 60 {
		final = fmt.Sprint(i, strings.Repeat("x", 100_000))
		start := time.Now()
		words.Set(hap.String(final))
		if d := time.Since(start); d > 5*time.Second {
			t.Fatalf("the device waited %v", d)
		}
		if got := next(t, good); string(got[0].Value) != `"`+final+`"` {
			t.Fatalf("change %d: other value", i)
		}
	}
	// Dropped means that the server has closed: writing fails sooner or later.
	eventually(t, "the stalled session is dropped", func() bool {
		return stalled.Send(haptest.Request("GET", "/characteristics?id=1.3", nil)) != nil
	})
	do(t, good, 200, "GET", "/characteristics?id=1.3", "")
}

// TestAnswersAndEvents has both on one session, as fast as 400 events a second.
func TestAnswersAndEvents(t *testing.T) {
	t.Parallel()
	motion := &hap.Characteristic{Type: "22", Format: hap.FormatBool, Perms: everything}
	_, _, c := paired(t, hap.Options{}, bridge(), sensor(2, "Motion", motion))
	put(t, c, 204, subscribe)
	duration := 3 * time.Second
	if os.Getenv("INGLE_SOAK") != "" {
		duration = time.Minute
	}
	ctx, cancel := context.WithTimeout(t.Context(), duration)
	defer cancel()
	emitted := make(chan struct{})
	go func() {
		defer close(emitted)
		tick := time.NewTicker(2500 * time.Microsecond)
		defer tick.Stop()
		for on := true; ; on = !on {
			select {
			case <-tick.C:
				motion.Set(hap.Bool(on))
			case <-ctx.Done():
				return
			}
		}
	}()
	drained := make(chan int, 1)
	go func() {
		n := 0
		defer func() { drained <- n }()
		for {
			select {
			case _, ok := <-c.Events():
				if !ok {
					return
				}
				n++
			case <-ctx.Done():
				return
			}
		}
	}()
	answers := 0
	for ; ctx.Err() == nil; answers++ {
		do(t, c, 200, "GET", "/accessories", "")
	}
	<-emitted
	if events := <-drained; events < 10 || answers < 10 {
		t.Errorf("%d events, %d answers", events, answers)
	}
}

// TestStrangersYield: the oldest of those that say nothing makes room, not one
// that is asking, or pairing.
func TestStrangersYield(t *testing.T) {
	t.Parallel()
	limits := hap.Limits{Unauthenticated: 8, Idle: time.Hour, Setup: time.Hour}
	h := open(t, hap.Options{Limits: limits}, &disk{}, bridge())
	pairing, asking, oldest := h.dial(t), h.dial(t), h.dial(t)
	do(t, pairing, 200, "POST", "/pair-setup", "\x06\x01\x01\x00\x01\x00")
	do(t, asking, 470, "GET", "/accessories", "")
	for range 300 {
		h.dial(t)
	}
	if _, err := oldest.Receive(); err == nil || isTimeout(err) {
		t.Errorf("the oldest stranger was kept: %v", err)
	}
	do(t, pairing, 470, "GET", "/accessories", "")
	do(t, asking, 470, "GET", "/accessories", "")
}

func TestStrangersAreBounded(t *testing.T) {
	t.Parallel()
	h := open(t, hap.Options{Limits: hap.Limits{Idle: 300 * time.Millisecond}}, &disk{}, bridge())
	idle := h.dial(t)
	if _, err := idle.Receive(); err == nil || isTimeout(err) {
		t.Errorf("an idle stranger was kept: %v", err)
	}
	large := h.dial(t)
	large.Raw([]byte("POST /pair-setup HTTP/1.1\r\nContent-Length: 65537\r\n\r\n"))
	if r, err := large.Receive(); err != nil || r.Status != 413 {
		t.Errorf("large body: %+v, %v", r, err)
	}
	garbage := h.dial(t)
	garbage.Raw([]byte("\x16\x03\x01\x02\r\n\r\n"))
	if r, err := garbage.Receive(); err != nil || r.Status != 400 {
		t.Errorf("garbage: %+v, %v", r, err)
	}
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}

// TestConnectionsLeaveNothing must not run beside other tests: it counts
// goroutines of the whole process.
func TestConnectionsLeaveNothing(t *testing.T) {
	a, _, _ := lamp(2, "Lamp")
	h, creds, admin := paired(t, hap.Options{}, bridge(), a)
	do(t, admin, 200, "GET", "/accessories", "") // everything of this session runs
	before := runtime.NumGoroutine()
	for i := range 200 {
		c, err := haptest.Dial(h.ctx, h.addr)
		if err != nil {
			t.Fatal(err)
		}
		if i%4 == 0 {
			if err := c.Verify(creds); err != nil {
				t.Fatal(err)
			}
			put(t, c, 204, subscribe)
		}
		c.Close()
	}
	eventually(t, "goroutines as before", func() bool { return runtime.NumGoroutine() <= before })
}
