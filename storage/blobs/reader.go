package blobs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// Reader reads one segment, from any place: it is an io.ReadSeekCloser and an
// io.ReaderAt. Every byte it gives is authentic; ErrDamaged tells of a chunk
// that is not, and the others can still be read. It is safe for concurrent use.
type Reader struct {
	store    *Store
	entry    *entry
	complete bool

	mu   sync.Mutex
	err  error // once it is shut
	file io.Closer
	src  *source
	at   int64 // for Read and Seek
}

// source is an open file with what is needed to read it.
type source struct {
	file   io.ReaderAt
	chunks *chunks
	size   int64 // bytes of content
	ended  bool  // the last chunk carries the flag
	sealed []byte
	plain  []byte // chunk number have
	have   int64
}

// Open opens a segment. One that is being written can be read up to its last
// full chunk. Errors: ErrNotFound, also once its subject is forgotten;
// ErrDamaged if it is not exactly what was written.
func (s *Store) Open(ctx context.Context, id string) (*Reader, error) {
	s.turn.RLock()
	defer s.turn.RUnlock()
	s.mu.Lock()
	e := s.entries[id]
	if e == nil || e.gone.Load() {
		s.mu.Unlock()
		return nil, ErrNotFound
	}
	g, loose := e.Segment, e.loose
	s.mu.Unlock()

	key, err := s.key(ctx, g.Subject)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	file, src, err := s.openFile(g, key, loose)
	if err != nil && e.gone.Load() { // deleted meanwhile: then no file is as it should be
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	r := &Reader{store: s, entry: e, complete: g.State == Complete, file: file, src: src}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		err = ErrClosed
	case e.gone.Load():
		err = ErrNotFound
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	e.readers[r] = struct{}{}
	return r, nil
}

// openFile opens the file of a segment.
func (s *Store) openFile(g Segment, key []byte, loose bool) (*os.File, *source, error) {
	f, err := os.Open(s.path(g.ID))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil, fmt.Errorf("%w: the file is gone", ErrDamaged)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("blobs: open: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, nil, fmt.Errorf("blobs: open: %w", err)
	}
	src, err := openSource(f, info.Size(), g, key, loose)
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, src, nil
}

// openSource checks the length, the header and the last chunk; each other
// chunk is checked when it is read.
func openSource(f io.ReaderAt, length int64, g Segment, key []byte, loose bool) (*source, error) {
	if length < g.Stored() || length > g.Stored() && !loose {
		return nil, fmt.Errorf("%w: %d bytes, should be %d", ErrDamaged, length, g.Stored())
	}
	c, err := readHeader(f, key)
	if err != nil {
		return nil, err
	}
	src := &source{file: f, chunks: c, size: g.Size, ended: g.State == Complete, have: -1}
	if n := g.chunks(); n > 0 {
		if _, err := src.load(n - 1); err != nil {
			return nil, err
		}
	}
	return src, nil
}

// readHeader authenticates the header of a file.
func readHeader(f io.ReaderAt, key []byte) (*chunks, error) {
	var h header
	if _, err := f.ReadAt(h[:], 0); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("%w: the header is cut", ErrDamaged)
		}
		return nil, fmt.Errorf("blobs: read: %w", err)
	}
	if err := h.check(key); err != nil {
		return nil, err
	}
	return newChunks(key, h), nil
}

// load gives the content of chunk n, which is valid until the next load.
func (s *source) load(n int64) ([]byte, error) {
	if n == s.have {
		return s.plain, nil
	}
	if s.sealed == nil {
		s.sealed, s.plain = make([]byte, sealedSize), make([]byte, 0, chunkSize)
	}
	s.have = -1 // whatever goes wrong
	sealed, last := s.sealed, false
	if s.ended && n == s.size/chunkSize {
		sealed, last = sealed[:s.size%chunkSize+tagSize], true
	}
	if _, err := s.file.ReadAt(sealed, chunkAt(n)); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("%w: cut while it was read", ErrDamaged)
		}
		return nil, fmt.Errorf("blobs: read: %w", err)
	}
	plain, err := s.chunks.open(s.plain[:0], sealed, n, last)
	if err != nil {
		return nil, err
	}
	s.plain, s.have = plain, n
	return plain, nil
}

// Size is how many bytes of content can be read.
func (r *Reader) Size() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.src == nil {
		return 0
	}
	return r.src.size
}

// Complete says whether the writer ended the segment. If not its end is
// missing, or not written yet.
func (r *Reader) Complete() bool { return r.complete }

// ReadAt reads len(p) bytes of content from offset at. Errors: io.EOF at the
// end, ErrDamaged, ErrNotFound once it is deleted or forgotten, ErrClosed.
func (r *Reader) ReadAt(p []byte, at int64) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.readAt(p, at)
}

func (r *Reader) readAt(p []byte, at int64) (n int, err error) {
	if r.err != nil {
		return 0, r.err
	}
	if at < 0 {
		return 0, errors.New("blobs: read: a negative offset")
	}
	for n < len(p) {
		if at >= r.src.size {
			return n, io.EOF
		}
		plain, err := r.src.load(at / chunkSize)
		if err != nil {
			if r.entry.gone.Load() {
				err = ErrNotFound // it was emptied under our hands
			}
			return n, err
		}
		k := copy(p[n:], plain[at%chunkSize:])
		n, at = n+k, at+int64(k)
	}
	return n, nil
}

// Read reads on from where the last Read or Seek ended. Errors as of ReadAt.
func (r *Reader) Read(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, err := r.readAt(p, r.at)
	r.at += int64(n)
	if n > 0 && errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

// Seek sets where the next Read begins; see io.Seeker.
func (r *Reader) Seek(offset int64, whence int) (int64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return 0, r.err
	}
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		offset += r.at
	case io.SeekEnd:
		offset += r.src.size
	default:
		return 0, errors.New("blobs: seek: from where?")
	}
	if offset < 0 {
		return 0, errors.New("blobs: seek: before the start")
	}
	r.at = offset
	return offset, nil
}

// Close gives the file up.
func (r *Reader) Close() error {
	r.shut(ErrClosed)
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	delete(r.entry.readers, r)
	return nil
}

// shut makes every later read fail with why, and drops key and content.
func (r *Reader) shut(why error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return
	}
	r.err = why
	r.file.Close()
	clear(r.src.plain[:cap(r.src.plain)])
	r.src = nil
}
