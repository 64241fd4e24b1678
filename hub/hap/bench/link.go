package main

import (
	"bytes"
	"context"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/ingle-home/ingle/hub/hap/haptest"
)

// link is one connection of the controller, in the clear or encrypted. It is as lean as it can be,
// because what it costs is in every figure: requests are made beforehand, buffers are used again, and
// one goroutine writes and reads. Deadlines are set by those who call it, seldom.
type link struct {
	socket net.Conn
	out    []byte
	raw    []byte // from the socket, not yet used
	plain  []byte // to be read as HTTP, not yet used
	body   []byte

	sealing, opening direction
}

// direction is the cipher of one direction; without one, bytes go as they are.
type direction struct {
	aead  cipher.AEAD
	nonce [chacha20poly1305.NonceSize]byte
	count uint64
}

func (d *direction) next() []byte {
	binary.LittleEndian.PutUint64(d.nonce[4:], d.count)
	d.count++
	return d.nonce[:]
}

// message is an answer or an event; its body is valid until the next one is read.
type message struct {
	status int
	event  bool
	body   []byte
}

func dial(ctx context.Context, address string) (*link, error) {
	socket, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	l := &link{socket: socket, raw: make([]byte, 0, 64<<10)}
	return l, l.within(patience)
}

// within bounds everything that is done next.
func (l *link) within(d time.Duration) error { return l.socket.SetDeadline(time.Now().Add(d)) }

func (l *link) close() { _ = l.socket.Close() } // nothing is owed to the server

// secure encrypts the link with the secret of a pair-verify.
func (l *link) secure(secret []byte) error {
	for key, d := range map[string]*direction{"Control-Write-Encryption-Key": &l.sealing, "Control-Read-Encryption-Key": &l.opening} {
		k, err := hkdf.Key(sha512.New, secret, []byte("Control-Salt"), key, chacha20poly1305.KeySize)
		if err != nil {
			return err
		}
		if d.aead, err = chacha20poly1305.New(k); err != nil {
			return err
		}
	}
	return nil
}

// exchange sends a request and gives its answer; there must be nothing else to be told.
func (l *link) exchange(request []byte) (message, error) {
	if err := l.send(request); err != nil {
		return message{}, err
	}
	m, err := l.next()
	if err == nil && m.event {
		err = errors.New("an event where an answer was due")
	}
	return m, err
}

// want is exchange with a status that must be.
func (l *link) want(status int, method, path string, body []byte) (message, error) {
	m, err := l.exchange(haptest.Request(method, path, body))
	if err == nil && m.status != status {
		err = fmt.Errorf("%s %s: %d %s", method, path, m.status, m.body)
	}
	return m, err
}

func (l *link) send(request []byte) error {
	const frame = 1024 // bytes at most
	if l.sealing.aead == nil {
		_, err := l.socket.Write(request)
		return err
	}
	l.out = l.out[:0]
	for len(request) > 0 {
		n := min(len(request), frame)
		size := len(l.out)
		l.out = binary.LittleEndian.AppendUint16(l.out, uint16(n))
		l.out = l.sealing.aead.Seal(l.out, l.sealing.next(), request[:n], l.out[size:size+2])
		request = request[n:]
	}
	_, err := l.socket.Write(l.out)
	return err
}

// next reads the next answer or event.
func (l *link) next() (message, error) {
	const most = 64 << 20 // bytes of a body
	end := -1
	for end < 0 {
		if end = bytes.Index(l.plain, []byte("\r\n\r\n")); end < 0 {
			if err := l.fill(); err != nil {
				return message{}, err
			}
		}
	}
	head := l.plain[:end+2]
	space := bytes.IndexByte(head, ' ')
	if space < 0 || len(head) < space+4 {
		return message{}, fmt.Errorf("status line %q", head)
	}
	m := message{event: bytes.HasPrefix(head, []byte("EVENT"))}
	var err error
	if m.status, err = strconv.Atoi(string(head[space+1 : space+4])); err != nil {
		return message{}, fmt.Errorf("status line %q", head)
	}
	chunked := bytes.Contains(head, []byte("Transfer-Encoding: chunked\r\n"))
	length := 0
	if _, after, ok := bytes.Cut(head, []byte("Content-Length: ")); ok {
		number, _, _ := bytes.Cut(after, []byte("\r\n"))
		if length, err = strconv.Atoi(string(number)); err != nil || length < 0 || length > most {
			return message{}, fmt.Errorf("Content-Length %q", number)
		}
	}
	l.use(end + 4)
	l.body = l.body[:0]
	if chunked {
		err = l.readChunks()
	} else {
		err = l.readBody(length)
	}
	m.body = l.body
	return m, err
}

func (l *link) use(n int) { l.plain = l.plain[:copy(l.plain, l.plain[n:])] }

func (l *link) readBody(n int) error {
	for len(l.plain) < n {
		if err := l.fill(); err != nil {
			return err
		}
	}
	l.body = append(l.body, l.plain[:n]...)
	l.use(n)
	return nil
}

// readChunks reads a body whose length was not known when it began (RFC 9112, 7.1).
func (l *link) readChunks() error {
	for {
		end := bytes.Index(l.plain, []byte("\r\n"))
		if end < 0 {
			if err := l.fill(); err != nil {
				return err
			}
			continue
		}
		size, err := strconv.ParseUint(string(l.plain[:end]), 16, 24)
		if err != nil {
			return fmt.Errorf("chunk size %q", l.plain[:end])
		}
		l.use(end + 2)
		if err := l.readBody(int(size) + 2); err != nil {
			return err
		}
		l.body = l.body[:len(l.body)-2] // the line's end
		if size == 0 {
			return nil
		}
	}
}

// fill adds to plain what the socket has.
func (l *link) fill() error {
	before := len(l.plain)
	for len(l.plain) == before {
		if len(l.raw) == cap(l.raw) {
			l.raw = append(make([]byte, 0, 2*cap(l.raw)), l.raw...)
		}
		n, err := l.socket.Read(l.raw[len(l.raw):cap(l.raw)])
		l.raw = l.raw[:len(l.raw)+n]
		if n == 0 && err != nil {
			return err
		}
		if n == 0 {
			return io.ErrNoProgress
		}
		if err := l.open(); err != nil {
			return err
		}
	}
	return nil
}

// open decrypts all whole frames of raw.
func (l *link) open() error {
	rest := l.raw
	if l.opening.aead == nil {
		l.plain, rest = append(l.plain, rest...), nil
	}
	for len(rest) >= 2 {
		n := int(binary.LittleEndian.Uint16(rest)) + chacha20poly1305.Overhead + 2
		if len(rest) < n {
			break
		}
		plain, err := l.opening.aead.Open(l.plain, l.opening.next(), rest[2:n], rest[:2])
		if err != nil {
			return fmt.Errorf("frame %d: %w", l.opening.count-1, err)
		}
		l.plain, rest = plain, rest[n:]
	}
	l.raw = l.raw[:copy(l.raw, rest)]
	return nil
}
