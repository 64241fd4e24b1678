package blobs

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"
)

// The bytes of a segment: see the chapter Segments of docs/FORMAT.md. A change
// here is a new version there.

const (
	headerSize = 64
	boundSize  = 48 // header bytes that the MAC covers and every chunk is bound to
	saltAt     = 8
	refAt      = 40
	chunkLog2  = 16
	chunkSize  = 1 << chunkLog2
	tagSize    = chacha20poly1305.Overhead
	sealedSize = chunkSize + tagSize
	keySize    = chacha20poly1305.KeySize

	infoChunks = "hub/media/seg1"
	infoHeader = "hub/media/seg1/hdr"
	infoRef    = "hub/media/seg1/ref"
)

// opening is what every header of this version begins with: magic, version 1,
// cipher 1 (XChaCha20-Poly1305), the chunk size's logarithm, no flags.
const opening = "ISEG\x01\x01\x10\x00"

type header [headerSize]byte

// newHeader makes the header of a new segment under a media key.
func newHeader(mediaKey []byte) header {
	var h header
	copy(h[:], opening)
	rand.Read(h[saltAt:refAt])
	copy(h[refAt:boundSize], derive(mediaKey, h, infoRef))
	copy(h[boundSize:], mac(mediaKey, h))
	return h
}

func derive(mediaKey []byte, h header, info string) []byte {
	key, err := hkdf.Key(sha256.New, mediaKey, h[saltAt:refAt], info, keySize)
	if err != nil {
		panic("blobs: hkdf refuses constants: " + err.Error())
	}
	return key
}

func mac(mediaKey []byte, h header) []byte {
	m := hmac.New(sha256.New, derive(mediaKey, h, infoHeader))
	m.Write(h[:boundSize])
	return m.Sum(nil)[:headerSize-boundSize]
}

// isUnder says whether the header was made under this key. It is a cheap look,
// to find a key among many; check decides.
func (h header) isUnder(mediaKey []byte) bool {
	return hmac.Equal(h[refAt:boundSize], derive(mediaKey, h, infoRef)[:boundSize-refAt])
}

// check authenticates the header.
func (h header) check(mediaKey []byte) error {
	switch {
	case string(h[:4]) != opening[:4]:
		return fmt.Errorf("%w: not a segment", ErrDamaged)
	case string(h[:saltAt]) != opening:
		return fmt.Errorf("%w: of another format", ErrDamaged)
	case !h.isUnder(mediaKey):
		return fmt.Errorf("%w: sealed under another key", ErrDamaged)
	case !hmac.Equal(h[boundSize:], mac(mediaKey, h)):
		return fmt.Errorf("%w: the header was changed", ErrDamaged)
	}
	return nil
}

// chunks seals and opens the chunks of one segment.
type chunks struct {
	aead   cipher.AEAD
	header header
	key    []byte                  // only where somebody looks
	sealed func(key, nonce []byte) // a test's look
}

func newChunks(mediaKey []byte, h header) *chunks {
	key := derive(mediaKey, h, infoChunks)
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		panic("blobs: a key of the right size is refused: " + err.Error())
	}
	clear(key)
	return &chunks{aead: aead, header: h}
}

// watch reports every seal to look.
func (c *chunks) watch(mediaKey []byte, look func(key, nonce []byte)) {
	if look != nil {
		c.key, c.sealed = derive(mediaKey, c.header, infoChunks), look
	}
}

// nonce is STREAM's: no chunk stands for another, none for the last.
func nonce(n int64, last bool) []byte {
	b := make([]byte, chacha20poly1305.NonceSizeX)
	binary.BigEndian.PutUint64(b[15:], uint64(n))
	if last {
		b[23] = 1
	}
	return b
}

// seal seals plain in place; there must be room for the tag behind it.
func (c *chunks) seal(plain []byte, n int64, last bool) []byte {
	at := nonce(n, last)
	if c.sealed != nil {
		c.sealed(c.key, at)
	}
	return c.aead.Seal(plain[:0], at, plain, c.header[:boundSize])
}

// open appends the content of sealed to dst, which must not overlap it.
func (c *chunks) open(dst, sealed []byte, n int64, last bool) ([]byte, error) {
	plain, err := c.aead.Open(dst, nonce(n, last), sealed, c.header[:boundSize])
	if err != nil {
		return dst, fmt.Errorf("%w: chunk %d does not open", ErrDamaged, n)
	}
	return plain, nil
}

// chunkAt is where chunk n begins in the file.
func chunkAt(n int64) int64 { return headerSize + n*sealedSize }
