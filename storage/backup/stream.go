package backup

import (
	"bytes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/ingle-home/ingle/storage"
	"golang.org/x/crypto/chacha20poly1305"
)

// The bytes of a backup: docs/FORMAT.md, chapter Backups. A head in the clear, with
// the keys.json that opens the rest, and then one stream of chunks as in a segment.
const (
	magic     = "IBAK\x01\x01\x10\x00" // version, cipher, size of chunks, flags
	saltSize  = 32
	lengthAt  = len(magic) + saltSize
	headSize  = lengthAt + 4
	maxKeys   = 64 << 10
	chunkSize = 64 << 10
	tagSize   = chacha20poly1305.Overhead

	purpose = "hub/backup"
	info    = "hub/backup/file1"
)

// keyed is an open vault, or a copy's keys.
type keyed interface{ Key(purpose string) []byte }

// head is what stands in front of the chunks.
type head struct {
	raw  []byte
	keys []byte // the copy's keys.json
}

func newHead(keys []byte) head {
	raw := make([]byte, headSize, headSize+len(keys))
	copy(raw, magic)
	rand.Read(raw[len(magic):lengthAt])
	binary.BigEndian.PutUint32(raw[lengthAt:], uint32(len(keys)))
	return head{append(raw, keys...), keys}
}

// readHead bounds the length before it allocates.
func readHead(r io.Reader) (head, error) {
	raw := make([]byte, headSize)
	if _, err := io.ReadFull(r, raw); err != nil {
		return head{}, notOurs(err)
	}
	if !bytes.HasPrefix(raw, []byte(magic)) {
		return head{}, ErrNotBackup
	}
	n := binary.BigEndian.Uint32(raw[lengthAt:])
	if n == 0 || n > maxKeys {
		return head{}, fmt.Errorf("%w: keys of %d bytes", ErrDamaged, n)
	}
	keys := make([]byte, n)
	if _, err := io.ReadFull(r, keys); err != nil {
		return head{}, cut(err)
	}
	return head{append(raw, keys...), keys}, nil
}

func notOurs(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return ErrNotBackup
	}
	return fmt.Errorf("backup: %w", err)
}

// cut says that the file ends too early.
func cut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: its end is missing", ErrDamaged)
	}
	return fmt.Errorf("backup: %w", err)
}

// sealer opens and seals the chunks of one file, each bound to the whole head.
type sealer struct {
	aead  cipher.AEAD
	bound []byte
	n     uint64
}

func (h head) sealer(k keyed) (*sealer, error) {
	key, err := hkdf.Key(sha256.New, k.Key(purpose), h.raw[len(magic):lengthAt], info, chacha20poly1305.KeySize)
	if err != nil {
		return nil, fmt.Errorf("backup: %w", err)
	}
	defer clear(key)
	a, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, fmt.Errorf("backup: %w", err)
	}
	bound := sha256.Sum256(h.raw)
	return &sealer{aead: a, bound: bound[:]}, nil
}

func (s *sealer) nonce(last bool) []byte {
	b := make([]byte, chacha20poly1305.NonceSizeX)
	binary.BigEndian.PutUint64(b[15:], s.n)
	if last {
		b[23] = 1
	}
	return b
}

// writer seals what it is given; Close ends the stream, without which it counts as
// cut.
type writer struct {
	to   io.Writer
	seal *sealer
	buf  []byte // shorter than a chunk between two calls
}

func newWriter(to io.Writer, s *sealer) *writer {
	return &writer{to: to, seal: s, buf: make([]byte, 0, chunkSize+tagSize)}
}

// Write implements io.Writer.
func (w *writer) Write(p []byte) (int, error) {
	all := len(p)
	for len(p) > 0 {
		n := min(len(p), chunkSize-len(w.buf))
		w.buf = append(w.buf, p[:n]...)
		p = p[n:]
		if len(w.buf) == chunkSize {
			if err := w.flush(false); err != nil {
				return all - len(p), err
			}
		}
	}
	return all, nil
}

func (w *writer) flush(last bool) error {
	sealed := w.seal.aead.Seal(w.buf[:0], w.seal.nonce(last), w.buf, w.seal.bound)
	w.seal.n++
	_, err := w.to.Write(sealed)
	w.buf = w.buf[:0]
	if err != nil {
		return fmt.Errorf("backup: %w", storage.Full(err))
	}
	return nil
}

// Close writes the last chunk, which is never a full one.
func (w *writer) Close() error { return w.flush(true) }

// reader gives what a writer sealed, and io.EOF only behind its last chunk.
type reader struct {
	from  io.Reader
	seal  *sealer
	buf   []byte
	plain []byte // of buf, not yet given
	last  bool
}

func newReader(from io.Reader, s *sealer) *reader {
	return &reader{from: from, seal: s, buf: make([]byte, chunkSize+tagSize)}
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	for len(r.plain) == 0 {
		if r.last {
			return 0, io.EOF
		}
		if err := r.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.plain)
	r.plain = r.plain[n:]
	return n, nil
}

func (r *reader) next() error {
	n, err := io.ReadFull(r.from, r.buf)
	r.last = errors.Is(err, io.ErrUnexpectedEOF)
	if err != nil && !r.last {
		return cut(err)
	}
	sealed := r.buf[:n]
	if r.plain, err = r.seal.aead.Open(sealed[:0], r.seal.nonce(r.last), sealed, r.seal.bound); err != nil {
		return fmt.Errorf("%w: chunk %d does not open", ErrDamaged, r.seal.n)
	}
	r.seal.n++
	return nil
}
