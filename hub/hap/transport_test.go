package hap_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/hap/haptest"
)

// TestFraming cuts requests in every way that frames and segments allow, and
// fetches an answer of a thousand frames.
func TestFraming(t *testing.T) {
	t.Parallel()
	a, _, _ := lamp(2, "Lamp")
	picture := bytes.Repeat([]byte("picture!"), 1<<17)
	camera := func(context.Context, hap.Picture) ([]byte, error) { return picture, nil }
	_, _, c := paired(t, hap.Options{Snapshot: camera}, bridge(), a)
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
	want := `{"image-width":640,"image-height":480,"resource-type":"image"}`
	if got := do(t, c, 200, "POST", "/resource", want); !bytes.Equal(got, picture) {
		t.Errorf("an answer of 1 MiB: %d bytes", len(got))
	}
	do(t, c, 200, "GET", "/characteristics?id=2.9", "")
}

// TestFirstRequestIsNotLost opens 450 sessions and asks at once, after 5 ms and
// after 50 ms: a server that reads ahead while it switches to ciphertext loses
// some.
func TestFirstRequestIsNotLost(t *testing.T) {
	t.Parallel()
	h, creds, _ := paired(t, hap.Options{}, bridge())
	var workers sync.WaitGroup
	for _, wait := range []time.Duration{0, 5 * time.Millisecond, 50 * time.Millisecond} {
		for range 3 {
			workers.Go(func() {
				for range 50 {
					if err := h.askAfter(creds, wait); err != nil {
						t.Errorf("after %v: %v", wait, err)
					}
				}
			})
		}
	}
	workers.Wait()
}

func (h *home) askAfter(creds haptest.Credentials, wait time.Duration) error {
	c, err := haptest.Open(h.ctx, h.addr, creds)
	if err != nil {
		return err
	}
	defer c.Close()
	if wait > 0 {
		<-time.After(wait)
	}
	status, _, err := c.Do("GET", "/characteristics?id=1.3", nil)
	if err == nil && status != 200 {
		err = fmt.Errorf("status %d", status)
	}
	return err
}

// TestRequestAheadOfM4: ciphertext that comes in one segment with M3 counts.
func TestRequestAheadOfM4(t *testing.T) {
	t.Parallel()
	h, creds, _ := paired(t, hap.Options{}, bridge())
	c := h.dial(t)
	v := haptest.NewVerify(creds)
	m3, err := v.M3(do(t, c, 200, "POST", "/pair-verify", string(v.M1())))
	if err != nil {
		t.Fatal(err)
	}
	clear := haptest.Request("POST", "/pair-verify", m3)
	if err := c.Raw(append(clear, c.Ahead(v.Secret(), haptest.Request("GET", "/accessories", nil))...)); err != nil {
		t.Fatal(err)
	}
	if m4, err := c.Receive(); err != nil || m4.Status != 200 {
		t.Fatalf("M4: %+v, %v", m4, err)
	}
	c.Listen(v.Secret())
	if r, err := c.Receive(); err != nil || r.Status != 200 {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestPipeliningHearsEvents: who never waits for an answer has a request open at
// all times, and hears of changes all the same.
func TestPipeliningHearsEvents(t *testing.T) {
	t.Parallel()
	a, on, _ := lamp(2, "Lamp")
	_, _, c := paired(t, hap.Options{Limits: hap.Limits{Window: time.Millisecond}}, bridge(), a)
	put(t, c, 204, subscribe)
	const ahead = 50
	get := haptest.Request("GET", "/characteristics?id=2.9", nil)
	if err := c.Send(bytes.Repeat(get, ahead)); err != nil {
		t.Fatal(err)
	}
	on.Set(hap.Bool(true))
	for deadline := time.Now().Add(within); len(c.Events()) == 0; {
		if r, err := c.Receive(); err != nil || r.Status != 200 {
			t.Fatalf("%+v, %v", r, err)
		}
		if err := c.Send(get); err != nil {
			t.Fatal(err)
		}
		if time.Now().After(deadline) {
			t.Fatal("no event")
		}
	}
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
