package frame_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingle-home/ingle/hub/hap/internal/frame"
)

func TestCheckVector(t *testing.T) {
	c, p, _ := secure(t)
	if err := c.Write([]byte("HTTP/1.1 204 No Content\r\n\r\n"), nil); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 45)
	if _, err := io.ReadFull(p, got); err != nil {
		t.Fatal(err)
	}
	const want = "1b0090b4bc259ffb7ac081c91da05e6aa869e9ba4c9bd37ef85dc234fbcd3b2e71969de435a2a6022cc381a07f"
	if hex.EncodeToString(got) != want {
		t.Errorf("frame %x", got)
	}
}

// The first request may sit in the buffer before M4 is written.
func TestSwitchKeepsWhatCameAfterM3(t *testing.T) {
	c, p, _ := connect(t)
	send(t, p, append([]byte("M3"), p.frames([]byte("GET /accessories"))...))
	expect(t, c, []byte("M3"))
	if err := c.Write([]byte("M4"), nil); err != nil {
		t.Fatal(err)
	}
	if err := c.Secure(secret); err != nil {
		t.Fatal(err)
	}
	expect(t, c, []byte("GET /accessories"))
	if err := c.Write([]byte("200"), nil); err != nil {
		t.Fatal(err)
	}
	clear := make([]byte, 2)
	if _, err := io.ReadFull(p, clear); err != nil || string(clear) != "M4" {
		t.Fatalf("M4 arrived as %q, %v", clear, err)
	}
	if answer, err := p.take(); err != nil || string(answer) != "200" {
		t.Errorf("%q, %v", answer, err)
	}
}

func TestRequestsInManyShapes(t *testing.T) {
	for _, size := range []int{1, 1023, 1024, 1025, 2047, 2048, 2049, 10_000} {
		c, p, _ := secure(t)
		body := pattern(size)
		var parts [][]byte
		for rest := body; len(rest) > 0; rest = rest[min(1024, len(rest)):] {
			parts = append(parts, rest[:min(1024, len(rest))])
		}
		send(t, p, p.frames(parts...))
		expect(t, c, body)
		if len(c.Buffered()) != 0 {
			t.Errorf("%d: %d bytes too many", size, len(c.Buffered()))
		}
	}
}

func TestDribbleSplitAndMerged(t *testing.T) {
	c, p, _ := secure(t)
	done := make(chan error, 1)
	wire := p.frames([]byte("GET /a"), []byte(" HTTP/1.1\r\n\r\n"), pattern(1024))
	go func() {
		for i := range wire { // TCP_NODELAY: byte by byte, in many segments
			if _, err := p.Write(wire[i : i+1]); err != nil {
				done <- err
				return
			}
		}
		_, err := p.Write(p.frames([]byte("first"), []byte("second"))) // two in one segment
		done <- err
	}()
	expect(t, c, append([]byte("GET /a HTTP/1.1\r\n\r\n"), pattern(1024)...))
	expect(t, c, []byte("firstsecond"))
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestFillPeeksAcrossFrames(t *testing.T) {
	c, p, _ := secure(t)
	send(t, p, p.frames([]byte("he"), []byte("ader\r\n\r\nbo"), []byte("dy")))
	for !bytes.Contains(c.Buffered(), []byte("\r\n\r\n")) {
		if err := c.Fill(); err != nil {
			t.Fatal(err)
		}
	}
	c.Discard(len("header\r\n\r\n"))
	if !bytes.HasPrefix(c.Buffered(), []byte("bo")) {
		t.Fatalf("buffered %q", c.Buffered())
	}
	expect(t, c, []byte("body"))
}

// A body of two megabytes may be waited for in the buffer; the memory is given
// back when the next request is awaited.
func TestLongBody(t *testing.T) {
	p := &peer{seal: key(t, "Control-Write-Encryption-Key")}
	body := pattern(2 << 20)
	var wire []byte
	for rest := body; len(rest) > 0; rest = rest[1024:] {
		wire = append(wire, p.frames(rest[:1024])...)
	}
	wire = append(wire, p.frames([]byte("next"))...)
	c := frame.New(replay{in: bytes.NewReader(wire)})
	if err := c.Secure(secret); err != nil {
		t.Fatal(err)
	}
	for len(c.Buffered()) < len(body) {
		if err := c.Fill(); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(c.Buffered(), body) {
		t.Error("other bytes than were sent")
	}
	c.Discard(len(body))
	if err := c.Fill(); err != nil || string(c.Buffered()) != "next" || cap(c.Buffered()) > 1024 {
		t.Errorf("then %q in a buffer of %d, %v", c.Buffered(), cap(c.Buffered()), err)
	}
}

func TestClearBufferGrows(t *testing.T) {
	c, p, _ := connect(t)
	send(t, p, pattern(60_000))
	for len(c.Buffered()) < 60_000 {
		if err := c.Fill(); err != nil {
			t.Fatal(err)
		}
	}
	expect(t, c, pattern(60_000))
}

func TestLargeAnswerIsOneWrite(t *testing.T) {
	c, p, r := secure(t)
	for _, size := range []int{0, 1, 1024, 2048, 1 << 20, 300} {
		head, body := []byte("HTTP/1.1 200 OK\r\n\r\n"), pattern(size)
		r.writes = 0
		done := make(chan error, 1)
		go func() { done <- c.Write(head, body) }()
		var got []byte
		for len(got) < len(head)+size {
			part, err := p.take()
			if err != nil {
				t.Fatal(err)
			}
			if len(part) != min(1024, len(head)+size-len(got)) {
				t.Fatalf("%d: frame of %d bytes", size, len(part))
			}
			got = append(got, part...)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, append(bytes.Clone(head), body...)) || r.writes != 1 {
			t.Errorf("%d: wrong bytes, or %d writes", size, r.writes)
		}
	}
}

// Answers and events leave from two goroutines.
func TestWritersNeverCross(t *testing.T) {
	c, p, _ := secure(t)
	const each = 300
	done := make(chan error, 2)
	for _, letter := range []string{"a", "b"} {
		go func() {
			for range each {
				if err := c.Write([]byte(letter), bytes.Repeat([]byte(letter), 1500)); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range 2 * each {
		first, err := p.take()
		if err != nil {
			t.Fatal(err)
		}
		second, err := p.take()
		if err != nil {
			t.Fatal(err)
		}
		if whole := append(first, second...); len(whole) != 1501 || bytes.Count(whole, whole[:1]) != 1501 {
			t.Fatal("two messages are mixed")
		}
	}
	if err := errors.Join(<-done, <-done); err != nil {
		t.Fatal(err)
	}
}

func TestBadFrames(t *testing.T) {
	for name, c := range map[string]struct {
		wire func(p *peer) []byte
		want error
	}{
		"empty":     {func(p *peer) []byte { return p.frames(nil) }, frame.ErrFrame},
		"too long":  {func(p *peer) []byte { return p.frames(pattern(1025)) }, frame.ErrFrame},
		"huge":      {func(p *peer) []byte { return []byte{0xFF, 0xFF} }, frame.ErrFrame},
		"bad tag":   {func(p *peer) []byte { f := p.frames([]byte("x")); f[len(f)-1] ^= 1; return f }, frame.ErrTag},
		"bad size":  {func(p *peer) []byte { f := p.frames([]byte("xyz")); f[0] = 2; return f }, frame.ErrTag},
		"replay":    {func(p *peer) []byte { f := p.frames([]byte("x")); return append(f, f...) }, frame.ErrTag},
		"clear":     {func(p *peer) []byte { return append([]byte{20, 0}, "clear text all the time: GET / HTTP/1.1"...) }, frame.ErrTag},
		"cut":       {func(p *peer) []byte { return p.frames([]byte("x"))[:18] }, io.ErrUnexpectedEOF},
		"cut early": {func(p *peer) []byte { return []byte{1} }, io.ErrUnexpectedEOF},
		"none":      {func(p *peer) []byte { return nil }, io.EOF},
	} {
		conn, p, _ := secure(t)
		send(t, p, c.wire(p))
		p.Conn.(*net.TCPConn).CloseWrite()
		var err error
		for err == nil {
			_, err = conn.Read(make([]byte, 64))
		}
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestWriteAfterFailure(t *testing.T) {
	c, _, r := secure(t)
	r.Conn.Close()
	if err := c.Write([]byte("x"), nil); err == nil {
		t.Error("written to a closed socket")
	}
	if err := c.Write([]byte("x"), nil); !errors.Is(err, frame.ErrBroken) {
		t.Errorf("second write: %v", err)
	}
}

// A phone that stops reading holds up its own connection for eight seconds.
func TestStalledPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client := net.Pipe()
		defer client.Close()
		c := frame.New(server)
		start := time.Now()
		if err := c.Write([]byte("x"), nil); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("write to a stalled peer: %v", err)
		}
		if waited := time.Since(start); waited != 8*time.Second {
			t.Errorf("gave up after %v", waited)
		}
		if err := c.Write([]byte("x"), nil); !errors.Is(err, frame.ErrBroken) {
			t.Errorf("second write: %v", err)
		}
	})
}

func FuzzRead(f *testing.F) {
	p := &peer{seal: key(f, "Control-Write-Encryption-Key")}
	f.Add([]byte{})
	f.Add([]byte{0, 0})
	f.Add([]byte{0xFF, 0xFF, 1, 2, 3})
	f.Add(p.frames([]byte("GET / HTTP/1.1\r\n\r\n"), pattern(1024)))
	f.Fuzz(func(t *testing.T, wire []byte) {
		c := frame.New(replay{in: bytes.NewReader(wire)})
		if err := c.Secure(secret); err != nil {
			t.Fatal(err)
		}
		plain, err := io.ReadAll(c)
		if len(plain) > len(wire) {
			t.Fatalf("%d bytes out of %d, %v", len(plain), len(wire), err)
		}
	})
}

func TestNothingIsAllocatedPerMessage(t *testing.T) {
	p := &peer{seal: key(t, "Control-Write-Encryption-Key")}
	var wire []byte
	for range 200 {
		wire = append(wire, p.frames([]byte("GET /characteristics?id=1.9 HTTP/1.1\r\n\r\n"))...)
	}
	c := frame.New(replay{Conn: sink{}, in: bytes.NewReader(wire)})
	if err := c.Secure(secret); err != nil {
		t.Fatal(err)
	}
	answer := []byte("HTTP/1.1 204 No Content\r\n\r\n")
	allocs := testing.AllocsPerRun(100, func() {
		if err := c.Fill(); err != nil {
			t.Fatal(err)
		}
		c.Discard(len(c.Buffered()))
		if err := c.Write(answer, nil); err != nil {
			t.Fatal(err)
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations for a request and its answer", allocs)
	}
}
