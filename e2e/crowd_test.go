package e2e

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/AlexxIT/go2rtc/pkg/hap"
)

// TestCheck24Crowds opens many sockets, sends too much, and comes and goes.
func TestCheck24Crowds(t *testing.T) {
	b, paired, c := pairedBench(t, 3, "")
	lamps := every(c.things(t), lamp, on)
	t.Run("300 idle sockets", func(t *testing.T) {
		for range 300 {
			dial(t, b.bridge, nil)
		}
		session(t, b.bridge, paired).things(t)
	})
	t.Run("300 sessions", func(t *testing.T) {
		var all []*controller
		for range 300 {
			all = append(all, session(t, b.bridge, paired))
		}
		for _, c := range all[len(all)-16:] {
			c.things(t)
		}
		session(t, b.bridge, paired).things(t)
	})
	t.Run("300 idle sockets and a new phone", func(t *testing.T) {
		fresh := startBench(t, 3, "")
		for range 300 {
			dial(t, fresh.bridge, nil)
		}
		if _, err := tryPair(fresh.bridge, fresh.SetupCode); err != nil {
			t.Errorf("pairing beside 300 idle sockets: %v", err)
		}
	})
	t.Run("much before a session", func(t *testing.T) {
		s := strange(t, b.bridge)
		status, _, err := s.send(http.MethodPost, hap.PathPairSetup, make([]byte, 64<<10+1))
		if err == nil && status < 400 {
			t.Errorf("64 KiB and a byte before a session are answered by %d", status)
		}
		s = strange(t, b.bridge)
		_, err = fmt.Fprintf(s, "POST /pair-setup HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n")
		if err != nil {
			t.Fatal(err)
		}
		_ = s.SetReadDeadline(time.Now().Add(5 * time.Second))
		said, err := io.ReadAll(s)
		if err != nil || !strings.HasPrefix(string(said), "HTTP/1.1 4") {
			t.Errorf("100 MB announced before a session are answered by %q, %v; want 4xx and the end", said, err)
		}
	})
	t.Run("2000 connections", func(t *testing.T) {
		visit := func(n int) {
			for i := range n {
				s := strange(t, b.bridge)
				switch i % 8 {
				case 0:
					_, _, _ = s.send(http.MethodGet, hap.PathAccessories, nil)
				case 1: // a phone that wants to hear of the lamps, and is gone
					c := sessionFrom(t, s.line, paired)
					c.subscribe(t, lamps)
					_ = c.conn.Close()
				}
				_ = s.Close()
			}
		}
		visit(200) // what is kept for reuse is there after some
		var before, after memory
		until(t, 15*time.Second, "the idle sockets are gone", func() bool {
			last := before
			before = b.memory(t)
			return last == before || before.Goroutines == last.Goroutines && before.Goroutines < 40
		})
		visit(2000)
		until(t, 15*time.Second, "memory and goroutines are what they were", func() bool {
			after = b.memory(t)
			return after.Goroutines <= before.Goroutines && after.Heap < before.Heap+100_000
		})
		t.Logf("before %+v, after %+v", before, after)
	})
}

// TestCheck24SlowStrangersGo sends its request a byte at a time, and never ends it.
func TestCheck24SlowStrangersGo(t *testing.T) {
	t.Parallel()
	b := startBench(t, 3, "")
	l, since := dial(t, b.bridge, nil), time.Now()
	text := request("POST", hap.PathPairSetup, "", 4096)
	until(t, 20*time.Second, "the slow stranger is gone", func() bool {
		<-time.After(200 * time.Millisecond)
		i := int(time.Since(since)/(200*time.Millisecond)) % 4000
		_, err := io.WriteString(l, text[i:i+1])
		return err != nil
	})
	if took := time.Since(since); took > 13*time.Second {
		t.Errorf("a slow stranger stayed for %v", took)
	}
}

// TestCheck24IdleStrangersGo is a socket that says nothing.
func TestCheck24IdleStrangersGo(t *testing.T) {
	t.Parallel()
	b := startBench(t, 3, "")
	l, since := dial(t, b.bridge, nil), time.Now()
	_ = l.SetReadDeadline(since.Add(20 * time.Second))
	if n, err := l.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("an idle stranger reads %d, %v", n, err)
	}
	if took := time.Since(since); took > 12*time.Second {
		t.Errorf("an idle stranger stayed for %v", took)
	}
}
