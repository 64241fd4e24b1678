package haptest_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/ingle-home/ingle/hub/hap/haptest"
	"github.com/ingle-home/ingle/hub/hap/internal/frame"
	"github.com/ingle-home/ingle/hub/hap/internal/pairing"
)

const code = "482-61-937"

// house is a small server of the real framing and the real pairing: it sends
// back what a verified controller posts to /echo, and an event for /event.
type house struct {
	gate pairing.Gate

	mu     sync.Mutex
	record pairing.Record
}

func (h *house) Identity() (string, ed25519.PrivateKey) {
	return "A1:B2:C3:D4:E5:F6", ed25519.NewKeyFromSeed(make([]byte, 32))
}

func (h *house) Record() pairing.Record {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.record
	r.Peers = slices.Clone(r.Peers)
	return r
}

func (h *house) Update(_ context.Context, change func(*pairing.Record) error) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.record
	r.Peers = slices.Clone(r.Peers)
	if err := change(&r); err != nil {
		return err
	}
	h.record = r
	return nil
}

// open starts the house on a loopback port until the test ends.
func open(t *testing.T) (*house, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &house{record: pairing.Record{Code: code}}
	var visits sync.WaitGroup
	visits.Go(func() {
		for {
			socket, err := l.Accept()
			if err != nil {
				return
			}
			visits.Go(func() { h.serve(socket) })
		}
	})
	t.Cleanup(func() { l.Close(); visits.Wait() })
	return h, l.Addr().String()
}

func (h *house) serve(socket net.Conn) {
	c := frame.New(socket)
	defer c.Close()
	setup, verify := pairing.NewSetup(h, &h.gate), pairing.NewVerify(h, &h.gate)
	var who *pairing.Verified
	for {
		path, body, err := request(c)
		if err != nil {
			return
		}
		a, verified := pairing.Answer{Status: 200, Body: body}, (*pairing.Verified)(nil)
		switch {
		case path == "/pair-setup":
			a = setup.Answer(context.Background(), body)
		case path == "/pair-verify":
			a, verified = verify.Answer(body)
		case who == nil:
			a = pairing.Answer{Status: 470, Body: []byte("{}")}
		case path == "/pairings":
			a = pairing.Change(context.Background(), h, who.Peer, body)
		case path == "/event":
			event := fmt.Sprintf("EVENT/1.0 200 OK\r\nContent-Length: %d\r\n\r\n", len(body))
			if c.Write([]byte(event), body) != nil {
				return
			}
		}
		if c.Write(fmt.Appendf(nil, "HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n", a.Status, len(a.Body)), a.Body) != nil {
			return
		}
		if path == "/pair-setup" && a.Event == pairing.Added && setup.Told(context.Background(), true) != nil {
			return
		}
		if verified != nil {
			if who = verified; c.Secure(verified.Secret) != nil {
				return
			}
		}
	}
}

// request reads what haptest.Request writes.
func request(c *frame.Conn) (path string, body []byte, err error) {
	end := -1
	for {
		if end = bytes.Index(c.Buffered(), []byte("\r\n\r\n")); end >= 0 {
			break
		}
		if err := c.Fill(); err != nil {
			return "", nil, err
		}
	}
	head := string(c.Buffered()[:end])
	c.Discard(end + 4)
	length := 0
	if _, after, ok := strings.Cut(head, "Content-Length: "); ok {
		number, _, _ := strings.Cut(after, "\r\n")
		if length, err = strconv.Atoi(number); err != nil {
			return "", nil, err
		}
	}
	for len(c.Buffered()) < length {
		if err := c.Fill(); err != nil {
			return "", nil, err
		}
	}
	body = bytes.Clone(c.Buffered()[:length])
	c.Discard(length)
	return strings.Fields(head)[1], body, nil
}

func TestPairVerifyAndTalk(t *testing.T) {
	_, addr := open(t)
	creds, err := haptest.Pair(t.Context(), addr, code, haptest.Options{Strip: true, Method: 1})
	if err != nil {
		t.Fatal(err)
	}
	c, err := haptest.Open(t.Context(), addr, creds)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, n := range []int{1, 930, 1024, 2048, 1 << 20} {
		body := bytes.Repeat([]byte{byte(n)}, n)
		if status, got, err := c.Do("POST", "/echo", body); err != nil || status != 200 || !bytes.Equal(got, body) {
			t.Fatalf("%d bytes: %d with %d bytes, %v", n, status, len(got), err)
		}
	}
	if _, _, err := c.Do("POST", "/event", []byte("rung")); err != nil {
		t.Fatal(err)
	}
	if e := <-c.Events(); !e.Event || string(e.Body) != "rung" {
		t.Errorf("event %+v", e)
	}
	_, list, err := c.Do("POST", "/pairings", haptest.Pack(haptest.Field{Type: haptest.State, Value: []byte{1}}, haptest.Field{Type: haptest.Method, Value: []byte{5}}))
	if err != nil || string(haptest.Get(list, haptest.Identifier)) != creds.ID {
		t.Errorf("list % x, %v", list, err)
	}
}

func TestWrongCodeAndStranger(t *testing.T) {
	h, addr := open(t)
	var refused haptest.Refused
	if _, err := haptest.Pair(t.Context(), addr, "482-61-938", haptest.Options{}); !errors.As(err, &refused) || refused != 2 {
		t.Errorf("wrong code: %v", err)
	}
	if h.Record().Tries != 1 {
		t.Errorf("%d tries", h.Record().Tries)
	}
	creds, err := haptest.Pair(t.Context(), addr, code, haptest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	stranger := haptest.NewCredentials("")
	stranger.DeviceID, stranger.DeviceKey = creds.DeviceID, creds.DeviceKey
	if _, err := haptest.Open(t.Context(), addr, stranger); !errors.As(err, &refused) || refused != 2 {
		t.Errorf("stranger: %v", err)
	}
	creds.DeviceKey = stranger.Key.Public().(ed25519.PublicKey)
	if _, err := haptest.Open(t.Context(), addr, creds); err == nil || errors.As(err, &refused) {
		t.Errorf("the client took another server for its own: %v", err)
	}
	c, err := haptest.Dial(t.Context(), addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if status, _, err := c.Do("GET", "/accessories", nil); err != nil || status != 470 {
		t.Errorf("unverified: %d, %v", status, err)
	}
}

// M3 and the first encrypted request in one segment: the second must not be
// lost, whatever the server has read ahead.
func TestFirstRequestRightAfterVerify(t *testing.T) {
	_, addr := open(t)
	creds, err := haptest.Pair(t.Context(), addr, code, haptest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		c, err := haptest.Dial(t.Context(), addr)
		if err != nil {
			t.Fatal(err)
		}
		v := haptest.NewVerify(creds)
		_, m2, err := c.Do("POST", "/pair-verify", v.M1())
		if err != nil {
			t.Fatal(err)
		}
		m3, err := v.M3(m2)
		if err != nil {
			t.Fatal(err)
		}
		first := c.Ahead(v.Secret(), haptest.Request("POST", "/echo", []byte("early")))
		if err := c.Raw(append(haptest.Request("POST", "/pair-verify", m3), first...)); err != nil {
			t.Fatal(err)
		}
		if r, err := c.Receive(); err != nil || haptest.Code(r.Body, haptest.State) != 4 {
			t.Fatalf("M4: %+v, %v", r, err)
		}
		c.Listen(v.Secret())
		if r, err := c.Receive(); err != nil || string(r.Body) != "early" {
			t.Fatalf("first answer: %+v, %v", r, err)
		}
		c.Close()
	}
}
