package e2e

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/AlexxIT/go2rtc/pkg/hap"
	"github.com/AlexxIT/go2rtc/pkg/hap/chacha20poly1305"
	"github.com/AlexxIT/go2rtc/pkg/hap/curve25519"
	"github.com/AlexxIT/go2rtc/pkg/hap/ed25519"
	"github.com/AlexxIT/go2rtc/pkg/hap/hkdf"
	"github.com/AlexxIT/go2rtc/pkg/hap/tlv8"
)

// line is a socket that can hold back what is written, to send it as one segment or byte by byte.
type line struct {
	net.Conn
	hold    bool
	dribble bool
	held    bytes.Buffer
}

func (l *line) Write(b []byte) (int, error) {
	switch {
	case l.hold:
		return l.held.Write(b)
	case l.dribble:
		for i := range b {
			if _, err := l.Conn.Write(b[i : i+1]); err != nil {
				return i, err
			}
		}
		return len(b), nil
	}
	return l.Conn.Write(b)
}

// release sends what was held as one segment.
func (l *line) release() error {
	l.hold = false
	_, err := l.Conn.Write(l.held.Bytes())
	l.held.Reset()
	return err
}

// dial opens a connection in the clear. A local address of nil is any.
func dial(t *testing.T, h bridge, from net.Addr) *line {
	t.Helper()
	d := net.Dialer{Timeout: 5 * time.Second, LocalAddr: from}
	conn, err := d.DialContext(t.Context(), "tcp", h.address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &line{Conn: conn}
}

// stranger is a connection in the clear, for what no client sends.
type stranger struct {
	*line
	in *bufio.Reader
}

func strange(t *testing.T, h bridge) *stranger {
	t.Helper()
	l := dial(t, h, nil)
	return &stranger{l, bufio.NewReader(l)}
}

// send sends a request and gives the answer.
func (s *stranger) send(method, path string, body []byte) (int, []byte, error) {
	_ = s.SetDeadline(time.Now().Add(20 * time.Second))
	_, err := fmt.Fprintf(s, "%s %s HTTP/1.1\r\nHost: hub\r\nContent-Length: %d\r\n\r\n%s", method, path, len(body), body)
	if err != nil {
		return 0, nil, err
	}
	res, err := http.ReadResponse(s.in, nil)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	return res.StatusCode, raw, err
}

// item is one of a pairing message.
type item struct {
	kind  byte
	value []byte
}

// The types of pairing messages that the tests name.
const (
	kindMethod, kindID, kindSalt, kindPublic, kindProof, kindSealed = 0, 1, 2, 3, 4, 5
	kindState, kindError, kindSignature, kindPermissions            = 6, 7, 10, 11
	kindSeparator                                                   = 255
)

// pack writes a pairing message.
func pack(items ...item) []byte {
	var b []byte
	for _, i := range items {
		v := i.value
		for len(v) > 255 {
			b = append(append(b, i.kind, 255), v[:255]...)
			v = v[255:]
		}
		b = append(append(b, i.kind, byte(len(v))), v...)
	}
	return b
}

// unpack reads one, as strictly as HAP says.
func unpack(b []byte) ([]item, error) {
	var items []item
	full := false
	for len(b) > 0 {
		if len(b) < 2 || len(b) < 2+int(b[1]) {
			return items, errors.New("a pairing message ends in the middle")
		}
		kind, v := b[0], b[2:2+int(b[1])]
		if n := len(items); full && items[n-1].kind == kind {
			items[n-1].value = append(bytes.Clone(items[n-1].value), v...)
		} else {
			items = append(items, item{kind, v})
		}
		full, b = len(v) == 255, b[2+len(v):]
	}
	return items, nil
}

// exchange sends a pairing message and gives state, error and items of the answer.
func (s *stranger) exchange(t *testing.T, path string, items ...item) (state, fault int, answer []item) {
	t.Helper()
	_, raw, err := s.send(http.MethodPost, path, pack(items...))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return readAnswer(t, raw)
}

func readAnswer(t *testing.T, raw []byte) (state, fault int, answer []item) {
	t.Helper()
	answer, err := unpack(raw)
	if err != nil {
		t.Fatalf("% x: %v", raw, err)
	}
	for _, i := range answer {
		if i.kind == kindState && len(i.value) == 1 {
			state = int(i.value[0])
		}
		if i.kind == kindError && len(i.value) == 1 {
			fault = int(i.value[0])
		}
	}
	return state, fault, answer
}

// find gives the value of the first item of a kind.
func value(items []item, kind byte) []byte {
	for _, i := range items {
		if i.kind == kind {
			return i.value
		}
	}
	return nil
}

// verify is pair-verify with go2rtc's parts: its own dialling asks mDNS for up to four seconds first.
func verify(l *line, paired *hap.Client) (*hap.Conn, error) {
	s := &stranger{l, bufio.NewReader(l)}
	public, private := curve25519.GenerateKeyPair()
	_, raw, err := s.send(http.MethodPost, hap.PathPairVerify, pack(item{kindState, []byte{1}}, item{kindPublic, public}))
	if err != nil {
		return nil, err
	}
	m2, err := unpack(raw)
	if err != nil || len(value(m2, kindPublic)) != 32 {
		return nil, fmt.Errorf("M2 is % x, %v", raw, err)
	}
	theirs := value(m2, kindPublic)
	shared, err := curve25519.SharedSecret(private, theirs)
	if err != nil {
		return nil, err
	}
	key, err := hkdf.Sha512(shared, "Pair-Verify-Encrypt-Salt", "Pair-Verify-Encrypt-Info")
	if err != nil {
		return nil, err
	}
	b, err := chacha20poly1305.Decrypt(key, "PV-Msg02", value(m2, kindSealed))
	if err != nil {
		return nil, err
	}
	inner, err := unpack(b)
	if err != nil {
		return nil, err
	}
	signed := hap.Append(theirs, value(inner, kindID), public)
	if paired.DevicePublic != nil && !ed25519.ValidateSignature(paired.DevicePublic, signed, value(inner, kindSignature)) {
		return nil, errors.New("M2 is not signed by the hub that was paired")
	}
	signature, err := ed25519.Signature(paired.ClientPrivate, hap.Append(public, paired.ClientID, theirs))
	if err != nil {
		return nil, err
	}
	b, err = tlv8.Marshal(struct {
		Identifier string `tlv8:"1"`
		Signature  string `tlv8:"10"`
	}{paired.ClientID, string(signature)})
	if err != nil {
		return nil, err
	}
	if b, err = chacha20poly1305.Encrypt(key, "PV-Msg03", b); err != nil {
		return nil, err
	}
	_, raw, err = s.send(http.MethodPost, hap.PathPairVerify, pack(item{kindState, []byte{3}}, item{kindSealed, b}))
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(raw, []byte{kindState, 1, 4}) {
		return nil, fmt.Errorf("M4 is % x", raw)
	}
	_ = l.SetDeadline(time.Time{})
	return hap.NewConn(l, bufio.NewReadWriter(s.in, bufio.NewWriter(l)), shared, true)
}

// session opens a session of a controller that has been paired, without asking mDNS.
func session(t *testing.T, h bridge, paired *hap.Client) *controller {
	t.Helper()
	return sessionFrom(t, dial(t, h, nil), paired)
}

func sessionFrom(t *testing.T, l *line, paired *hap.Client) *controller {
	t.Helper()
	conn, err := verify(l, paired)
	if err != nil {
		t.Fatalf("pair-verify: %v", err)
	}
	c := converse(t, conn)
	c.line = l
	return c
}

// pairings sends a message to /pairings.
func (c *controller) pairings(t *testing.T, items ...item) (state, fault int, answer []item) {
	t.Helper()
	status, raw := c.ask(t, http.MethodPost, hap.PathPairings, string(pack(items...)))
	if status != http.StatusOK && status != http.StatusBadRequest {
		t.Fatalf("/pairings: %d %s", status, raw)
	}
	return readAnswer(t, raw)
}

// request is one as text, for what is sent in pieces.
func request(method, path, body string, size int) string {
	text := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: hub\r\nContent-Length: %d\r\n", method, path, len(body))
	if pad := size - len(text) - len("X-Pad: \r\n\r\n") - len(body); pad >= 0 {
		text += "X-Pad: " + strings.Repeat("p", pad) + "\r\n"
	}
	return text + "\r\n" + body
}
