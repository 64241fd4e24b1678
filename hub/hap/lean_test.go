package hap_test

import (
	"bytes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strconv"
	"testing"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/ingle-home/ingle/hub/hap/haptest"
)

// lean is a client that reuses everything, so that what is counted or timed in
// this process is the server's.
type lean struct {
	socket net.Conn
	seal   cipher.AEAD
	open   cipher.AEAD
	sent   uint64
	heard  uint64
	nonce  [chacha20poly1305.NonceSize]byte
	out    []byte
	raw    []byte // received, not yet decrypted
	plain  []byte // decrypted, not yet returned
	whole  int    // length of the message at the front of plain that was returned
}

// slim is a lean client with a session.
func (h *home) slim(t testing.TB, creds haptest.Credentials) *lean {
	t.Helper()
	socket, err := net.Dial("tcp", h.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close() })
	l := &lean{socket: socket}
	l.verify(t, creds)
	return l
}

// verify encrypts the connection.
func (l *lean) verify(t testing.TB, creds haptest.Credentials) {
	t.Helper()
	l.raw, l.plain = make([]byte, 0, 1<<20), make([]byte, 0, 1<<20)
	v := haptest.NewVerify(creds)
	m3, err := v.M3(l.post(t, v.M1()))
	if err != nil {
		t.Fatal(err)
	}
	secret, err := v.Done(l.post(t, m3))
	if err != nil {
		t.Fatal(err)
	}
	key := func(info string) cipher.AEAD {
		k, err := hkdf.Key(sha512.New, secret, []byte("Control-Salt"), info, chacha20poly1305.KeySize)
		if err != nil {
			t.Fatal(err)
		}
		aead, err := chacha20poly1305.New(k)
		if err != nil {
			t.Fatal(err)
		}
		return aead
	}
	l.seal, l.open = key("Control-Write-Encryption-Key"), key("Control-Read-Encryption-Key")
}

// post makes a pair-verify request in the clear.
func (l *lean) post(t testing.TB, body []byte) []byte {
	t.Helper()
	if _, err := l.socket.Write(haptest.Request("POST", "/pair-verify", body)); err != nil {
		t.Fatal(err)
	}
	_, answer, _ := bytes.Cut(l.clear(t, "HTTP/1.1 200 "), []byte("\r\n\r\n"))
	return answer
}

// clear reads one answer on a connection in the clear, which has to begin so.
func (l *lean) clear(t testing.TB, want string) []byte {
	t.Helper()
	for message(l.raw) == 0 {
		n, err := l.socket.Read(l.raw[len(l.raw):cap(l.raw)])
		if l.raw = l.raw[:len(l.raw)+n]; err != nil {
			t.Fatalf("%q, %v", l.raw, err)
		}
	}
	n := message(l.raw)
	answer := bytes.Clone(l.raw[:n])
	if !bytes.HasPrefix(answer, []byte(want)) {
		t.Fatalf("%s, want %s", answer, want)
	}
	l.raw = l.raw[:copy(l.raw, l.raw[n:])]
	return answer
}

func (l *lean) next(count *uint64) []byte {
	binary.LittleEndian.PutUint64(l.nonce[4:], *count)
	*count++
	return l.nonce[:]
}

// send writes one message of any length in one piece.
func (l *lean) send(plain []byte) error {
	l.out = l.out[:0]
	for len(plain) > 0 {
		n := min(len(plain), 1024)
		at := len(l.out)
		l.out = binary.LittleEndian.AppendUint16(l.out, uint16(n))
		l.out = l.seal.Seal(l.out, l.next(&l.sent), plain[:n], l.out[at:at+2])
		plain = plain[n:]
	}
	_, err := l.socket.Write(l.out)
	return err
}

// receive gives the next answer or event, valid until the next call.
func (l *lean) receive() ([]byte, error) {
	l.plain = l.plain[:copy(l.plain, l.plain[l.whole:])]
	for {
		if l.whole = message(l.plain); l.whole > 0 {
			return l.plain[:l.whole], nil
		}
		if err := l.frame(); err != nil {
			return nil, err
		}
	}
}

// message is the length of the complete message at the front of b, or 0.
func message(b []byte) int {
	head := bytes.Index(b, []byte("\r\n\r\n"))
	if head < 0 {
		return 0
	}
	length := 0
	const key = "Content-Length: "
	if i := bytes.Index(b[:head], []byte(key)); i >= 0 {
		for _, c := range b[i+len(key) : head] {
			if c < '0' || c > '9' {
				break
			}
			length = 10*length + int(c-'0')
		}
	}
	if total := head + 4 + length; total <= len(b) {
		return total
	}
	return 0
}

func (l *lean) frame() error {
	for {
		if len(l.raw) >= 2 {
			n := int(binary.LittleEndian.Uint16(l.raw))
			if len(l.raw) >= n+18 {
				var err error
				l.plain, err = l.open.Open(l.plain, l.next(&l.heard), l.raw[2:n+18], l.raw[:2])
				l.raw = l.raw[:copy(l.raw, l.raw[n+18:])]
				return err
			}
		}
		n, err := l.socket.Read(l.raw[len(l.raw):cap(l.raw)])
		if l.raw = l.raw[:len(l.raw)+n]; n == 0 {
			return errors.Join(err, io.ErrNoProgress)
		}
	}
}

// ask sends a request and gives the next message, which has to have that status.
func (l *lean) ask(t testing.TB, request []byte, status int) []byte {
	if err := l.send(request); err != nil {
		t.Fatal(err)
	}
	answer, err := l.receive()
	if err != nil {
		t.Fatal(err)
	}
	var code [3]byte
	if !bytes.HasPrefix(answer, []byte("HTTP/1.1 ")) || string(answer[9:12]) != string(strconv.AppendInt(code[:0], int64(status), 10)) {
		t.Fatalf("%s", answer)
	}
	return answer
}
