package datastream

import (
	"bufio"
	"crypto/cipher"
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

// A frame is its type, the length of the payload (24 bits, big endian), the encrypted payload and a
// tag. Type and length are authenticated. The nonce counts frames, for each direction from 0.
const (
	frameType  = 0x01
	headLength = 4
	maxPayload = 0xFFFFF
	keep       = 320 << 10 // what a recording sends at once fits; larger buffers are not kept for the life of a stream
)

// Errors that end a stream.
var (
	errFrame  = errors.New("datastream: not a frame")
	errTag    = errors.New("datastream: not encrypted with the stream's key")
	errBroken = errors.New("datastream: an earlier frame was not finished")
)

// ErrTooLarge means that a message does not fit into a frame of 1,048,575 bytes. Nothing was sent.
var ErrTooLarge = errors.New("datastream: the message is too large")

// direction is the cipher of one direction.
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

// conn carries frames. One goroutine reads (next, try, read); any may write.
type conn struct {
	socket net.Conn
	in     *bufio.Reader
	within time.Duration // for one frame
	raw    []byte        // the frame that was read last
	open   direction

	mu   sync.Mutex // cipher, counter and socket: frames must leave in the order of their counters
	seal direction
	out  []byte
	lost bool
}

func newConn(socket net.Conn, within time.Duration) *conn {
	const buffer = 4 << 10
	return &conn{socket: socket, in: bufio.NewReaderSize(socket, buffer), within: within}
}

// next reads a frame into raw without opening it. until bounds the wait for its first byte; the zero
// time does not.
func (c *conn) next(until time.Time, limit int) error {
	if cap(c.raw) > keep {
		c.raw = nil
	}
	if err := c.socket.SetReadDeadline(until); err != nil {
		return err
	}
	if _, err := c.in.Peek(1); err != nil {
		return err
	}
	deadline := time.Now().Add(c.within)
	if !until.IsZero() && until.Before(deadline) {
		deadline = until
	}
	if err := c.socket.SetReadDeadline(deadline); err != nil {
		return err
	}
	c.raw = slices.Grow(c.raw[:0], headLength)[:headLength]
	if _, err := io.ReadFull(c.in, c.raw); err != nil {
		return err
	}
	n := int(binary.BigEndian.Uint32(c.raw) & 0xFFFFFF)
	if c.raw[0] != frameType || n > limit {
		return errFrame
	}
	whole := headLength + n + chacha20poly1305.Overhead
	c.raw = slices.Grow(c.raw, whole-headLength)[:whole]
	_, err := io.ReadFull(c.in, c.raw[headLength:])
	return err
}

// try opens the frame that was read last as the first of a stream. The frame stays as it is.
func (c *conn) try(open cipher.AEAD) (payload []byte, ok bool) {
	var first direction
	payload, err := open.Open(nil, first.next(), c.raw[headLength:], c.raw[:headLength])
	return payload, err == nil
}

// begin gives a connection its ciphers, after the first frame was tried with them.
func (c *conn) begin(k *ticket) {
	c.open = direction{aead: k.open, count: 1}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seal = direction{aead: k.seal}
}

// read waits for the next message, for as long as it takes. What can be said of a message that is
// none comes with its error.
func (c *conn) read() (message, error) {
	if err := c.next(time.Time{}, maxPayload); err != nil {
		return message{}, err
	}
	sealed := c.raw[headLength:]
	payload, err := c.open.aead.Open(sealed[:0], c.open.next(), sealed, c.raw[:headLength])
	if err != nil {
		return message{}, errTag
	}
	return parseMessage(payload)
}

// write sends a message as one frame, in one write of the socket. After an error the peer cannot
// decrypt what follows, so the connection is closed.
func (c *conn) write(m message) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lost {
		return errBroken
	}
	out, err := m.append(append(c.out[:0], frameType, 0, 0, 0))
	if c.out = out; cap(out) > keep {
		c.out = nil
	}
	n := len(out) - headLength
	switch {
	case err != nil:
		return err
	case n > maxPayload:
		return ErrTooLarge
	}
	binary.BigEndian.PutUint32(out, frameType<<24|uint32(n))
	out = slices.Grow(out, chacha20poly1305.Overhead)
	c.seal.aead.Seal(out[headLength:headLength], c.seal.next(), out[headLength:], out[:headLength]) // in place
	err = c.socket.SetWriteDeadline(time.Now().Add(c.within))
	if err == nil {
		_, err = c.socket.Write(out[:len(out)+chacha20poly1305.Overhead])
	}
	if err != nil {
		c.lost = true
		c.socket.Close()
		return fmt.Errorf("datastream: write: %w", err)
	}
	return nil
}

// forget drops the ciphers of a connection that is over.
func (c *conn) forget() {
	c.open, c.raw = direction{}, nil
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seal, c.out, c.lost = direction{}, nil, true
}
