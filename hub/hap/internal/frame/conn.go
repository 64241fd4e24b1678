// Package frame carries the bytes of one HAP connection: in the clear at first,
// encrypted after pair-verify (HomeKit Accessory Protocol, 6.5.2). A frame is
// the length n (2 bytes, little endian, 1 to 1024), n bytes of ciphertext and a
// tag of 16; frames are not messages, both may be cut anywhere.
package frame

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"time"

	"golang.org/x/crypto/chacha20poly1305"
)

// Errors that end a connection.
var (
	ErrFrame  = errors.New("frame: length not between 1 and 1024")
	ErrTag    = errors.New("frame: not encrypted with the session's key")
	ErrBroken = errors.New("frame: an earlier write was not finished")
)

const (
	maxPlain     = 1024
	overhead     = 2 + chacha20poly1305.Overhead
	inSize       = 4 << 10         // several small frames per read of the socket
	keep         = 256 << 10       // larger buffers are not held for the life of a connection
	writeTimeout = 8 * time.Second // a stalled peer is to be gone within 10
)

// Conn is one connection. One goroutine reads (Fill, Buffered, Discard, Read,
// Secure); Write and Close may be called by any.
type Conn struct {
	socket net.Conn

	raw   []byte // read from the socket and not yet used: in the clear, or ciphertext
	plain []byte // decrypted and not yet used
	spent int    // bytes of raw (clear) or plain (encrypted) before the unused ones
	open  direction

	inbox *inbox

	mu   sync.Mutex // cipher, counter and socket: frames must leave in the order of their counters
	seal direction
	out  []byte
	lost bool
}

// direction is the cipher of one direction; no aead means in the clear.
type direction struct {
	aead  cipher.AEAD
	count uint64
	nonce [chacha20poly1305.NonceSize]byte
}

func (d *direction) next() []byte {
	binary.LittleEndian.PutUint64(d.nonce[4:], d.count)
	d.count++
	return d.nonce[:]
}

// New wraps an accepted socket.
func New(socket net.Conn) *Conn {
	giveUp(socket)
	return &Conn{socket: socket, raw: make([]byte, 0, inSize), inbox: newInbox(socket)}
}

// Secure switches both directions to the keys of the X25519 secret of
// pair-verify. The reading goroutine calls it after Write of M4 has returned
// and M3 has been discarded: whatever came after M3 counts as ciphertext.
func (c *Conn) Secure(secret []byte) error {
	read, err := newDirection(secret, "Control-Write-Encryption-Key")
	if err != nil {
		return err
	}
	write, err := newDirection(secret, "Control-Read-Encryption-Key")
	if err != nil {
		return err
	}
	c.raw = append(make([]byte, 0, inSize), c.raw[c.spent:]...)
	c.spent = 0
	c.open = read
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seal = write
	return nil
}

func newDirection(secret []byte, info string) (direction, error) {
	key, err := hkdf.Key(sha512.New, secret, []byte("Control-Salt"), info, chacha20poly1305.KeySize)
	if err != nil {
		return direction{}, fmt.Errorf("frame: session key: %w", err)
	}
	aead, err := chacha20poly1305.New(key)
	if err != nil {
		return direction{}, fmt.Errorf("frame: session key: %w", err)
	}
	return direction{aead: aead}, nil
}

// Buffered are the bytes that have arrived and are not yet used, valid until
// the next call of Fill, Discard, Read or Secure.
func (c *Conn) Buffered() []byte {
	if c.open.aead == nil {
		return c.raw[c.spent:]
	}
	return c.plain[c.spent:]
}

// Discard uses up the first n bytes of Buffered.
func (c *Conn) Discard(n int) {
	if n < 0 || n > len(c.Buffered()) {
		panic("frame: discard of bytes that were not read")
	}
	c.spent += n
}

// Fill adds at least one byte to Buffered, or says why that is impossible:
// io.EOF, a deadline, ErrFrame or ErrTag. Callers bound what they ask for.
func (c *Conn) Fill() error {
	if c.open.aead == nil {
		c.raw = compact(c.raw, &c.spent)
		return c.more()
	}
	c.plain = compact(c.plain, &c.spent)
	return c.decrypt()
}

// Read gives bytes from Buffered first, then from the peer.
func (c *Conn) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if len(c.Buffered()) == 0 {
		if err := c.Fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, c.Buffered())
	c.Discard(n)
	return n, nil
}

// compact moves the unused bytes to the front; a buffer that once had to be
// large and is empty now is given back.
func compact(b []byte, spent *int) []byte {
	switch {
	case *spent == len(b) && cap(b) > keep:
		b = nil
	case *spent > 0: // not at each frame of a long body
		b = b[:copy(b, b[*spent:])]
	}
	*spent = 0
	return b
}

// more reads once from the socket.
func (c *Conn) more() error {
	if free := cap(c.raw) - len(c.raw); free == 0 {
		grown := make([]byte, len(c.raw), max(inSize, 2*cap(c.raw)))
		copy(grown, c.raw)
		c.raw = grown
	}
	n, err := c.socket.Read(c.raw[len(c.raw):cap(c.raw)])
	c.raw = c.raw[:len(c.raw)+n]
	if n > 0 {
		return nil // an error that came along comes again
	}
	if err == nil {
		return io.ErrNoProgress
	}
	return err
}

// decrypt opens the next frame. raw holds several; the part in front of it is
// moved away only when the socket has to be read.
func (c *Conn) decrypt() error {
	for len(c.raw) < 2 {
		if err := c.more(); err != nil {
			return cut(err, len(c.raw))
		}
	}
	n := int(binary.LittleEndian.Uint16(c.raw))
	if n == 0 || n > maxPlain {
		return ErrFrame
	}
	for len(c.raw) < n+overhead {
		if err := c.more(); err != nil {
			return cut(err, len(c.raw))
		}
	}
	c.plain = slices.Grow(c.plain, n) // in larger steps than Open would
	plain, err := c.open.aead.Open(c.plain, c.open.next(), c.raw[2:n+overhead], c.raw[:2])
	if err != nil {
		return ErrTag
	}
	c.plain = plain
	c.raw = c.raw[:copy(c.raw, c.raw[n+overhead:])]
	return nil
}

// cut tells an end between frames from an end inside one.
func cut(err error, pending int) error {
	if err == io.EOF && pending > 0 {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Pending reports whether the peer has sent something that Fill has not taken
// yet; where the system cannot tell, it says no.
func (c *Conn) Pending() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.inbox.pending()
}

// Write sends head and body as one piece: one write of the socket, bounded by
// 8 s. After an error the peer cannot decrypt what follows, so the connection
// is closed and every later Write is ErrBroken.
func (c *Conn) Write(head, body []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lost {
		return ErrBroken
	}
	c.out = c.seal.append(c.out[:0], head, body)
	err := c.socket.SetWriteDeadline(time.Now().Add(writeTimeout))
	if err == nil {
		_, err = c.socket.Write(c.out)
	}
	if cap(c.out) > keep {
		c.out = nil
	}
	if err != nil {
		c.lost = true
		c.socket.Close()
		return fmt.Errorf("frame: write: %w", err)
	}
	return nil
}

func (d *direction) append(out, head, body []byte) []byte {
	if d.aead == nil {
		return append(append(out, head...), body...)
	}
	total := len(head) + len(body)
	if need := total + (total+maxPlain-1)/maxPlain*overhead; cap(out) < need {
		out = make([]byte, 0, need)
	}
	for total > 0 {
		n := min(total, maxPlain)
		at := len(out)
		out = binary.LittleEndian.AppendUint16(out, uint16(n))
		fromHead := min(n, len(head))
		out = append(out, head[:fromHead]...)
		out = append(out, body[:n-fromHead]...)
		head, body = head[fromHead:], body[n-fromHead:]
		out = d.aead.Seal(out[:at+2], d.next(), out[at+2:], out[at:at+2])
		total -= n
	}
	return out
}

// SetReadDeadline bounds Fill and Read; the zero time takes the bound away.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.socket.SetReadDeadline(t) }

// Linger lets the peer read the last answer: TCP throws it away when the
// connection is closed while bytes of the peer are unread. It takes a second and
// a mebibyte at most.
func (c *Conn) Linger() {
	half, ok := c.socket.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil || c.socket.SetReadDeadline(time.Now().Add(time.Second)) != nil {
		return
	}
	io.CopyN(io.Discard, c.socket, 1<<20) // whatever comes, and however it ends
}

// Close ends the connection and wakes a blocked reader or writer.
func (c *Conn) Close() error { return c.socket.Close() }
