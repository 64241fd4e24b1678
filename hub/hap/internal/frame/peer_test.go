package frame_test

import (
	"bytes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha512"
	"encoding/binary"
	"io"
	"net"
	"testing"
	"time"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/ingle-home/ingle/hub/hap/internal/frame"
)

var secret = bytes.Repeat([]byte{0x33}, 32)

// peer is the controller's side, written from the protocol.
type peer struct {
	net.Conn
	seal, open  cipher.AEAD
	sent, taken uint64
}

func key(t testing.TB, info string) cipher.AEAD {
	t.Helper()
	k, err := hkdf.Key(sha512.New, secret, []byte("Control-Salt"), info, 32)
	if err != nil {
		t.Fatal(err)
	}
	aead, err := chacha20poly1305.New(k)
	if err != nil {
		t.Fatal(err)
	}
	return aead
}

func nonce(n uint64) []byte { return binary.LittleEndian.AppendUint64(make([]byte, 4, 12), n) }

// frames encrypts parts, one frame for each.
func (p *peer) frames(parts ...[]byte) []byte {
	var out []byte
	for _, part := range parts {
		size := binary.LittleEndian.AppendUint16(nil, uint16(len(part)))
		out = append(append(out, size...), p.seal.Seal(nil, nonce(p.sent), part, size)...)
		p.sent++
	}
	return out
}

// take decrypts one frame from the socket.
func (p *peer) take() ([]byte, error) {
	var size [2]byte
	if _, err := io.ReadFull(p, size[:]); err != nil {
		return nil, err
	}
	sealed := make([]byte, int(binary.LittleEndian.Uint16(size[:]))+16)
	if _, err := io.ReadFull(p, sealed); err != nil {
		return nil, err
	}
	p.taken++
	return p.open.Open(nil, nonce(p.taken-1), sealed, size[:])
}

// recorder counts the writes that reach the socket.
type recorder struct {
	net.Conn
	writes int
}

func (r *recorder) Write(b []byte) (int, error) {
	r.writes++
	return r.Conn.Write(b)
}

// connect gives both ends of a TCP connection over loopback.
func connect(t testing.TB) (*frame.Conn, *peer, *recorder) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(); server.Close() })
	deadline := time.Now().Add(30 * time.Second)
	client.SetDeadline(deadline)
	server.SetReadDeadline(deadline)
	r := &recorder{Conn: server}
	return frame.New(r), &peer{Conn: client, seal: key(t, "Control-Write-Encryption-Key"), open: key(t, "Control-Read-Encryption-Key")}, r
}

func secure(t testing.TB) (*frame.Conn, *peer, *recorder) {
	t.Helper()
	c, p, r := connect(t)
	if err := c.Secure(secret); err != nil {
		t.Fatal(err)
	}
	return c, p, r
}

func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i ^ i>>8)
	}
	return b
}

// expect reads exactly want.
func expect(t *testing.T, c *frame.Conn, want []byte) {
	t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(c, got); err != nil {
		t.Fatalf("after %d of %d bytes: %v", n, len(want), err)
	}
	if !bytes.Equal(got, want) {
		t.Fatal("other bytes than were sent")
	}
}

func send(t *testing.T, p *peer, b []byte) {
	t.Helper()
	if _, err := p.Write(b); err != nil {
		t.Fatal(err)
	}
}

// replay is a socket with given bytes to read.
type replay struct {
	net.Conn
	in io.Reader
}

func (r replay) Read(b []byte) (int, error) { return r.in.Read(b) }

// sink is a socket that takes everything.
type sink struct{ net.Conn }

func (sink) Write(b []byte) (int, error)      { return len(b), nil }
func (sink) SetWriteDeadline(time.Time) error { return nil }
