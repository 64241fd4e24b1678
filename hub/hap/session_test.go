package hap_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
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

// TestStalledSubscriber: one phone that stops reading costs only itself.
func TestStalledSubscriber(t *testing.T) {
	t.Parallel()
	picture := &hap.Characteristic{Type: foreign(1), Format: hap.FormatBytes, Perms: everything}
	h := start(t, func(l net.Listener) net.Listener { return stranded{l} }, hap.Options{Limits: hap.Limits{Window: time.Millisecond}},
		&disk{}, bridge(), sensor(2, "Picture", picture))
	creds, err := haptest.Pair(h.ctx, h.addr, h.Setup().Code, haptest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	good, stalled := h.session(t, creds), h.slim(t, creds)
	put(t, good, 204, subscribe)
	stalled.ask(t, haptest.Request("PUT", "/characteristics", []byte(`{"characteristics":[`+subscribe+`]}`)), 204)
	for i := range 60 {
		final := append([]byte{byte(i)}, make([]byte, 100_000)...)
		start := time.Now()
		picture.Set(hap.Bytes(final))
		if d := time.Since(start); d > 5*time.Second {
			t.Fatalf("the device waited %v", d)
		}
		want, _ := json.Marshal(final)
		if got := next(t, good); string(got[0].Value) != string(want) {
			t.Fatalf("change %d: other value", i)
		}
	}
	// Dropped means that the server has closed: writing fails sooner or later.
	eventually(t, "the stalled session is dropped", func() bool {
		return stalled.send(haptest.Request("GET", "/characteristics?id=1.3", nil)) != nil
	})
	do(t, good, 200, "GET", "/characteristics?id=1.3", "")
}
