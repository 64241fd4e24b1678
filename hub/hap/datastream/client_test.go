package datastream_test

import (
	"bytes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha512"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"golang.org/x/crypto/chacha20poly1305"
)

// patience is how long tests wait for what must happen; generous, the machine may be busy.
const patience = 30 * time.Second

// controller is the other end of a stream. It shares no code with the transport: keys, framing and
// the few values that it needs are written a second time, from the protocol.
type controller struct {
	t          testing.TB
	socket     net.Conn
	open, seal cipher.AEAD
	in, out    uint64
}

func key(t testing.TB, secret, salt []byte, info string) cipher.AEAD {
	t.Helper()
	k, err := hkdf.Key(sha512.New, secret, salt, info, 32)
	if err != nil {
		t.Fatal(err)
	}
	aead, err := chacha20poly1305.New(k)
	if err != nil {
		t.Fatal(err)
	}
	return aead
}

// connect opens a stream's connection, and says nothing yet.
func connect(t testing.TB, address string, secret, ours, theirs []byte) *controller {
	t.Helper()
	socket, err := net.DialTimeout("tcp", address, patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close() })
	salt := append(bytes.Clone(ours), theirs...)
	return &controller{t: t, socket: socket,
		open: key(t, secret, salt, "HDS-Read-Encryption-Key"), seal: key(t, secret, salt, "HDS-Write-Encryption-Key")}
}

func nonce(count uint64) []byte {
	return binary.LittleEndian.AppendUint64(make([]byte, 4, 12), count)
}

// frame makes the next frame.
func (c *controller) frame(payload []byte) []byte {
	head := []byte{1, byte(len(payload) >> 16), byte(len(payload) >> 8), byte(len(payload))}
	c.out++
	return append(bytes.Clone(head), c.seal.Seal(nil, nonce(c.out-1), payload, head)...)
}

func (c *controller) raw(b []byte) error {
	c.socket.SetWriteDeadline(time.Now().Add(patience))
	_, err := c.socket.Write(b)
	return err
}

func (c *controller) send(payload []byte) {
	c.t.Helper()
	if err := c.raw(c.frame(payload)); err != nil {
		c.t.Fatal(err)
	}
}

// payload reads the next frame.
func (c *controller) payload() ([]byte, error) {
	c.socket.SetReadDeadline(time.Now().Add(patience))
	head := make([]byte, 4)
	if _, err := io.ReadFull(c.socket, head); err != nil {
		return nil, err
	}
	if head[0] != 1 {
		return nil, fmt.Errorf("a frame of type %d", head[0])
	}
	sealed := make([]byte, int(head[1])<<16|int(head[2])<<8|int(head[3])+16)
	if _, err := io.ReadFull(c.socket, sealed); err != nil {
		return nil, err
	}
	c.in++
	return c.open.Open(nil, nonce(c.in-1), sealed, head)
}

// told is a message that came.
type told struct {
	header, body map[string]any
}

func (c *controller) receive() told {
	c.t.Helper()
	b, err := c.payload()
	if err != nil {
		c.t.Fatal(err)
	}
	behind := 1 + int(b[0])
	return told{dictionary(c.t, b[1:behind]), dictionary(c.t, b[behind:])}
}

// gone waits until the server has closed the connection.
func (c *controller) gone(why string) {
	c.t.Helper()
	for {
		if _, err := c.payload(); err != nil {
			if e, ok := err.(net.Error); ok && e.Timeout() {
				c.t.Fatalf("%s: the connection lives on", why)
			}
			return
		}
	}
}

// hello says it and takes the answer.
func (c *controller) hello() {
	c.t.Helper()
	c.send(message("control", "request", "hello", 1))
	if m := c.receive(); fmt.Sprint(m) != "{map[id:1 protocol:control response:hello status:0] map[]}" {
		c.t.Fatalf("hello is answered with %v", m)
	}
}

// message is a payload with a header, whose id (if it is not 0) has 64 bits, and a body of texts.
func message(protocol, kind, topic string, id uint64, body ...string) []byte {
	header := append(text(nil, "protocol"), text(nil, protocol)...)
	header = text(text(header, kind), topic)
	n := byte(2)
	if id != 0 {
		header = binary.LittleEndian.AppendUint64(append(text(header, "id"), 0x33), id)
		n = 3
	}
	if kind == "response" {
		header = append(text(header, "status"), 0x08)
		n = 4
	}
	header = append([]byte{0xE0 + n}, header...)
	b := append([]byte{byte(len(header))}, header...)
	b = append(b, 0xE0+byte(len(body)/2))
	for _, s := range body {
		b = text(b, s)
	}
	return b
}

func text(b []byte, s string) []byte {
	if len(s) > 32 {
		return append(binary.LittleEndian.AppendUint32(append(b, 0x63), uint32(len(s))), s...)
	}
	return append(append(b, 0x40+byte(len(s))), s...)
}

// dictionary reads the short forms that answers in these tests have.
func dictionary(t testing.TB, b []byte) map[string]any {
	t.Helper()
	v, rest := value(t, b)
	d, ok := v.(map[string]any)
	if !ok || len(rest) > 0 {
		t.Fatalf("no dictionary: %.80x", b)
	}
	return d
}

func value(t testing.TB, b []byte) (any, []byte) {
	t.Helper()
	tag := b[0]
	b = b[1:]
	switch {
	case 0x08 <= tag && tag <= 0x2E:
		return int64(tag - 8), b
	case tag == 0x33:
		return int64(binary.LittleEndian.Uint64(b)), b[8:]
	case 0x40 <= tag && tag <= 0x60:
		return string(b[:tag-0x40]), b[tag-0x40:]
	case tag == 0x62:
		n := 2 + int(binary.LittleEndian.Uint16(b))
		return string(b[2:n]), b[n:]
	case tag == 0x63:
		n := 4 + int(binary.LittleEndian.Uint32(b))
		return string(b[4:n]), b[n:]
	case 0xE0 <= tag && tag <= 0xEE:
		d := map[string]any{}
		for range tag - 0xE0 {
			var k, v any
			k, b = value(t, b)
			v, b = value(t, b)
			d[k.(string)] = v
		}
		return d, b
	}
	t.Fatalf("an unexpected value: %s", hex.EncodeToString([]byte{tag}))
	return nil, nil
}
