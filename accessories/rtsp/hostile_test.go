package rtsp_test

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/media"
	"github.com/ingle-home/ingle/accessories/rtsp"
	"github.com/ingle-home/ingle/accessories/rtsp/sim"
)

// box is what stands where a camera should be, and answers what the test wants.
type box struct {
	net.Listener
	mu    sync.Mutex
	calls int
	said  []string // every request
}

// pretend starts one. answer gets the request's line, and gives all but CSeq of the answer; "" hangs up.
func pretend(t *testing.T, answer func(b *box, line string) string) *box {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &box{Listener: l}
	var work sync.WaitGroup
	work.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			b.mu.Lock()
			b.calls++
			b.mu.Unlock()
			work.Go(func() {
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(time.Minute))
				b.serve(conn, answer)
			})
		}
	})
	t.Cleanup(func() { _ = l.Close(); work.Wait() })
	return b
}

func (b *box) serve(conn net.Conn, answer func(*box, string) string) {
	in := textproto.NewReader(bufio.NewReader(conn))
	for {
		line, err := in.ReadLine()
		if err != nil {
			return
		}
		head, err := in.ReadMIMEHeader()
		if err != nil {
			return
		}
		b.mu.Lock()
		b.said = append(b.said, line+fmt.Sprint(head))
		b.mu.Unlock()
		text := answer(b, line)
		if text == "" {
			return
		}
		first, rest, _ := strings.Cut(text, "\r\n")
		if _, err := fmt.Fprintf(conn, "%s\r\nCSeq: %s\r\n%s", first, head.Get("Cseq"), rest); err != nil {
			return
		}
	}
}

func (b *box) url() string { return "rtsp://" + b.Addr().String() + "/live" }

func (b *box) called() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.calls
}

func (b *box) requests() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Join(b.said, "\n")
}

// TestHostileAnswers: whatever stands there, it gets no password in the clear, leads nowhere else, and
// keeps nobody busy.
func TestHostileAnswers(t *testing.T) {
	t.Parallel()
	const public = "RTSP/1.0 200 OK\r\nPublic: DESCRIBE, SETUP, PLAY\r\n\r\n"
	stranger := pretend(t, func(*box, string) string { return "" })
	for name, tc := range map[string]struct {
		answer string // to DESCRIBE
		want   error
	}{
		"to itself":       {"RTSP/1.0 302 Found\r\nLocation: SELF\r\n\r\n", device.ErrUnreachable},
		"to another":      {"RTSP/1.0 302 Found\r\nLocation: " + stranger.url() + "\r\n\r\n", device.ErrRefused},
		"to nowhere":      {"RTSP/1.0 302 Found\r\nLocation: rtsp://hub:porch-light@\r\n\r\n", nil},
		"Basic":           {"RTSP/1.0 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\n\r\n", device.ErrRefused},
		"Basic and more":  {"RTSP/1.0 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\nWWW-Authenticate: Digest realm=\"x\", nonce=\"1\"\r\n\r\n", device.ErrRefused},
		"hidden Basic":    {"RTSP/1.0 401 Unauthorized\r\nwww-authenticate:   Basic realm=\"x\"\r\n\r\n", device.ErrRefused},
		"much":            {"RTSP/1.0 200 OK\r\nContent-Type: application/sdp\r\nContent-Length: 99999999999\r\n\r\nv=0", device.ErrUnreachable},
		"negative":        {"RTSP/1.0 200 OK\r\nContent-Type: application/sdp\r\nContent-Length: -5\r\n\r\nv=0", device.ErrUnreachable},
		"a long header":   {"RTSP/1.0 200 OK\r\nServer: " + strings.Repeat("x", 1<<20) + "\r\n\r\n", device.ErrUnreachable},
		"many headers":    {"RTSP/1.0 200 OK\r\n" + strings.Repeat("A: b\r\n", 1<<16) + "\r\n", device.ErrUnreachable},
		"many streams":    {described("v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\n" + strings.Repeat("m=audio 0 RTP/AVP 0\r\na=control:1\r\n", 3000)), device.ErrUnsupported},
		"the wrong words": {"HTTP/1.1 200 OK\r\n\r\n", device.ErrUnreachable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := pretend(t, func(b *box, line string) string {
				if strings.HasPrefix(line, "DESCRIBE") {
					return strings.ReplaceAll(tc.answer, "SELF", b.url())
				}
				return public
			})
			begin := time.Now()
			_, err := rtsp.New().Open(t.Context(), config(b.url(), "hub", "porch-light"))
			if err == nil || tc.want != nil && !errors.Is(err, tc.want) {
				t.Errorf("open: %v", err)
			}
			if err != nil && strings.Contains(err.Error(), "porch-light") {
				t.Errorf("the error tells the password: %v", err)
			}
			if said := b.requests(); strings.Contains(said, "Basic ") || strings.Contains(said, "porch-light") {
				t.Errorf("the password was sent:\n%s", said)
			}
			if n := b.called(); n > 6 || time.Since(begin) > 14*time.Second {
				t.Errorf("%d connections in %v", n, time.Since(begin))
			}
		})
	}
	t.Cleanup(func() {
		if n := stranger.called(); n != 0 {
			t.Errorf("somebody else was called %d times", n)
		}
	})
}

func described(sdp string) string {
	return fmt.Sprintf("RTSP/1.0 200 OK\r\nContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s", len(sdp), sdp)
}

// TestAPacketThatNobodyForesaw ends the Watch that met it, and not the program.
func TestAPacketThatNobodyForesaw(t *testing.T) {
	t.Parallel()
	s := open(t, config(camera(t, sim.Options{}).Address(), "hub", "porch-light"))
	err := s.(device.Viewable).Watch(t.Context(), "main", false, func(*media.Unit) { panic("a picture of nothing") })
	if !errors.Is(err, device.ErrUnreachable) || !strings.Contains(err.Error(), "a picture of nothing") {
		t.Errorf("watch: %v", err)
	}
}
