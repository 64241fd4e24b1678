package blobs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// A segment whose writer is gone ends where its file ends to make sense. From
// when that is recorded on, another length is damage.

// errEmpty says that a crash came before anything was sealed.
var errEmpty = errors.New("blobs: an empty segment")

// settle finds out how far a segment got, cuts off the torn rest and records
// the length. It says whether there is anything to keep. If the disk does not
// let it, the segment stays loose: readable, and settled another time.
func (s *Store) settle(ctx context.Context, e *entry, key []byte) bool {
	if e.lost {
		return false // it never came to a file
	}
	size, state, end, err := s.measureFile(e.ID, key)
	if errors.Is(err, errEmpty) {
		return false
	}
	found := func(g *Segment) { g.Size, g.State, g.End = size, state, end }
	s.update(e, found)
	if err != nil {
		return true // Open will say what is wrong
	}
	if os.Truncate(s.path(e.ID), Segment{Size: size, State: state}.Stored()) == nil {
		_ = s.change(ctx, e.ID, found)
	}
	return true
}

// salvage settles a segment whose writer failed.
func (s *Store) salvage(e *entry) {
	if e.gone.Load() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), rowTimeout)
	defer cancel()
	key, err := s.key(ctx, e.Subject)
	if err != nil {
		return
	}
	defer clear(key)
	if !s.settle(ctx, e, key) {
		_ = s.Delete(ctx, e.ID)
	}
}

// settleAll tries again what the disk did not allow before.
func (s *Store) settleAll(ctx context.Context) {
	for _, e := range s.pick(func(e *entry) bool { return e.loose && e.writer == nil && !e.gone.Load() }) {
		if ctx.Err() != nil {
			return
		}
		s.salvage(e)
	}
}

// measureFile is measure for a file of the folder. One that does not open has
// the size that it takes up.
func (s *Store) measureFile(id string, key []byte) (size int64, state State, end time.Time, err error) {
	f, err := os.Open(s.path(id))
	if err != nil {
		return 0, Recording, end, fmt.Errorf("blobs: recover: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, Recording, end, fmt.Errorf("blobs: recover: %w", err)
	}
	size, state, err = measure(f, info.Size(), key)
	if err != nil {
		size = max(0, info.Size()-headerSize) / sealedSize * chunkSize
	}
	return size, state, info.ModTime().UTC(), err
}

// measure reads how far a file got. Chunks at the end that do not open are torn,
// or never reached the disk. One in the middle is damage, which the reader
// meets: the search goes backwards, so it cannot pass for the end. Bytes behind
// a last chunk are damage too.
func measure(f io.ReaderAt, length int64, key []byte) (size int64, state State, err error) {
	if length < headerSize {
		return 0, Recording, errEmpty
	}
	c, err := readHeader(f, key)
	if err != nil {
		return 0, Recording, err
	}
	src := &source{file: f, chunks: c, have: -1}
	n, rest := (length-headerSize)/sealedSize, (length-headerSize)%sealedSize
	if rest >= tagSize {
		src.size, src.ended = n*chunkSize+rest-tagSize, true
		switch _, err = src.load(n); {
		case err == nil:
			return src.size, Complete, nil
		case !errors.Is(err, ErrDamaged):
			return 0, Recording, err
		}
	}
	src.ended = false
	for ; n > 0; n-- {
		if _, err = src.load(n - 1); err == nil {
			break
		}
		if !errors.Is(err, ErrDamaged) {
			return 0, Recording, err
		}
	}
	torn := make([]byte, min(sealedSize, length-chunkAt(n)))
	if _, err := f.ReadAt(torn, chunkAt(n)); err != nil && len(torn) > 0 {
		return 0, Recording, fmt.Errorf("blobs: recover: %w", err)
	}
	if endsWithin(derive(key, c.header, infoChunks), c.header[:boundSize], torn, n) {
		return 0, Recording, fmt.Errorf("%w: bytes behind its end", ErrDamaged)
	}
	if n == 0 {
		return 0, Recording, errEmpty
	}
	return n * chunkSize, Truncated, nil
}
