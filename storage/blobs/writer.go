package blobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ingle-home/ingle/storage"
	"github.com/ingle-home/ingle/storage/records"
)

// Writer writes one segment. What was written is safe from a crash of the
// program up to the last full chunk of 64 KiB, from a power cut up to what was
// synced of it (Options.Sync). It is safe for concurrent use.
type Writer struct {
	store *Store
	entry *entry
	id    string

	mu      sync.Mutex
	file    file
	chunks  *chunks
	taken   int64  // bytes of content
	n       int64  // chunks sealed
	fill    []byte // the chunk that is being filled; cap sealedSize
	pending []byte // what is sealed and not on the disk yet, a part of fill's array
	end     int64  // where pending goes
	last    bool   // the last chunk is sealed
	note    []byte
	failed  error // for good
	closed  bool

	// syncing is held while the disk works and before the file is closed, so
	// that a sync delays no Write. It is taken after mu, or alone.
	syncing  sync.Mutex
	dirty    atomic.Bool
	unsynced atomic.Pointer[error] // what the disk answered to a sync
}

// Create begins a segment of a subject. The key, the row and the header are
// durable when it returns. Errors: records.ErrNoSubject, storage.ErrFull if
// nothing more may be deleted, ErrClosed.
func (s *Store) Create(ctx context.Context, subject, kind string, at time.Time) (*Writer, error) {
	return s.CreateNoted(ctx, subject, kind, at, nil)
}

// CreateNoted is Create with a first note, which is as durable, so that a crash
// does not take it.
func (s *Store) CreateNoted(ctx context.Context, subject, kind string, at time.Time, note []byte) (*Writer, error) {
	if subject == "" {
		return nil, fmt.Errorf("blobs: create: %w", records.ErrNoSubject)
	}
	s.turn.RLock()
	defer s.turn.RUnlock()
	if err := s.makeRoom(ctx, headerSize+sealedSize); err != nil {
		return nil, err
	}
	key, err := s.ensureKey(ctx, subject)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	g := Segment{ID: newID(), Subject: subject, Kind: kind, At: at.UTC(), Note: slices.Clone(note)}
	// The row first: a file without one belongs to nobody.
	if err := s.rows.Put(ctx, toRow(g)); err != nil {
		return nil, fmt.Errorf("blobs: create: %w", err)
	}
	w, err := s.begin(g, key)
	if err != nil {
		return nil, errors.Join(err, s.doom(g.ID), s.rows.Delete(ctx, kindSegment, g.ID), s.unlink(g.ID))
	}
	return w, nil
}

// begin makes the file and lists the segment.
func (s *Store) begin(g Segment, key []byte) (*Writer, error) {
	f, err := s.disk.create(s.path(g.ID))
	if err != nil {
		return nil, fmt.Errorf("blobs: create: %w", storage.Full(err))
	}
	h := newHeader(key)
	if _, err = f.WriteAt(h[:], 0); err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = storage.SyncDir(s.dir)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("blobs: create: %w", storage.Full(err)), f.Close())
	}
	w := &Writer{store: s, id: g.ID, file: f, note: g.Note, chunks: newChunks(key, h), fill: make([]byte, 0, sealedSize), end: headerSize}
	w.chunks.watch(key, s.sealed)
	w.entry = &entry{Segment: g, loose: true, writer: w, readers: make(map[*Reader]struct{})}

	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errors.Join(ErrClosed, f.Close())
	}
	s.entries[g.ID] = w.entry
	s.stored += w.entry.Stored()
	return w, nil
}

// ID names the segment, now and for ever.
func (w *Writer) ID() string { return w.id }

// Size is how many bytes were taken so far: where the next Write begins.
func (w *Writer) Size() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.taken
}

// Note sets what Segment.Note will be once the segment is closed.
func (w *Writer) Note(note []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.note = slices.Clone(note)
}

// Block is how many bytes are sealed at a time: what was written up to a multiple of it is in the file.
func (w *Writer) Block() int64 { return chunkSize }

// Write takes p. If the disk or the quota is full it deletes what gives way; if
// that does not help the error is storage.ErrFull: n bytes of p were taken, and
// the rest can be written later, when there is room. After any other error the
// segment is as a crash would leave it, and takes no more. ErrNotFound once it
// is deleted or forgotten.
func (w *Writer) Write(p []byte) (n int, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.last || w.closed {
		return 0, ErrClosed
	}
	if err := w.flush(); err != nil { // what a full disk left over
		return 0, err
	}
	for len(p) > 0 {
		k := min(len(p), chunkSize-len(w.fill))
		w.fill = append(w.fill, p[:k]...)
		w.taken += int64(k)
		n, p = n+k, p[k:]
		if len(w.fill) < chunkSize {
			continue
		}
		w.seal(false)
		if err := w.flush(); err != nil {
			return n, err
		}
	}
	return n, nil
}

func (w *Writer) seal(last bool) {
	w.pending = w.chunks.seal(w.fill, w.n, last)
	w.last = last
	w.n++
}

// flush writes what is pending. A chunk is sealed once; after a full disk the
// rest of the very same bytes follows, so nothing is ever sealed twice under
// one nonce.
func (w *Writer) flush() error {
	if err := w.broken(); err != nil {
		return err
	}
	if len(w.pending) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), rowTimeout)
	defer cancel()
	err := w.store.makeRoom(ctx, int64(len(w.pending)))
	if err == nil {
		err = w.push()
		if errors.Is(err, storage.ErrFull) && w.store.giveWay(ctx, int64(len(w.pending))) == nil {
			err = w.push()
		}
	}
	if err != nil {
		if !errors.Is(err, storage.ErrFull) {
			w.failed = err
		}
		return err
	}
	w.fill = w.fill[:0]
	if !w.last {
		w.store.update(w.entry, func(g *Segment) { g.Size = w.n * chunkSize })
	}
	return nil
}

// broken says why nothing more can be written.
func (w *Writer) broken() error {
	if w.entry.gone.Load() {
		return ErrNotFound
	}
	if err := w.unsynced.Load(); err != nil && w.failed == nil {
		w.failed = *err
	}
	return w.failed
}

// push writes as much of pending as the disk takes.
func (w *Writer) push() error {
	k, err := w.file.WriteAt(w.pending, w.end)
	w.end += int64(k)
	w.pending = w.pending[k:]
	w.dirty.Store(true)
	if err != nil {
		return fmt.Errorf("blobs: write: %w", storage.Full(err))
	}
	return nil
}

// Sync forces to the disk what is sealed, which the store does by itself from
// time to time. If the disk refuses nobody can tell what it lost, so the
// segment takes no more.
func (w *Writer) Sync() error {
	w.syncing.Lock()
	defer w.syncing.Unlock()
	if err := w.unsynced.Load(); err != nil {
		return *err
	}
	if !w.dirty.Swap(false) {
		return nil
	}
	if err := w.file.Sync(); err != nil {
		err = fmt.Errorf("blobs: sync: %w", storage.Full(err))
		w.unsynced.Store(&err)
		return err
	}
	return nil
}

// Close seals what is left and ends the segment; it is durable, and in the list
// as Complete, when Close returns nil. After storage.ErrFull it can be called
// again. Any other error leaves the segment Truncated, or, when it was deleted
// or forgotten, gone (ErrNotFound).
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return ErrClosed
	}
	err := w.finish()
	switch {
	case err == nil:
		w.release()
	case errors.Is(err, storage.ErrFull) && w.broken() == nil:
		// It stays open.
	default:
		w.release()
		w.store.salvage(w.entry)
	}
	return err
}

func (w *Writer) finish() error {
	if err := w.flush(); err != nil {
		return err
	}
	if !w.last {
		w.seal(true)
	}
	if err := w.flush(); err != nil {
		return err
	}
	if err := w.Sync(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), rowTimeout)
	defer cancel()
	return w.store.change(ctx, w.id, func(g *Segment) {
		g.State, g.Size, g.End, g.Note = Complete, w.taken, w.store.now().UTC(), w.note
	})
}

// release gives the file up. A late error of closing is of no matter: what
// counts was synced.
func (w *Writer) release() {
	w.closed = true
	w.syncing.Lock()
	w.dirty.Store(false)
	w.file.Close()
	w.syncing.Unlock()
	clear(w.fill[:cap(w.fill)])
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	w.entry.writer = nil
}

// Abandon ends the segment without what the disk did not take: it is Truncated,
// as after a crash. It is for who will not wait for room.
func (w *Writer) Abandon() {
	w.abandon()
	w.store.salvage(w.entry)
}

// abandon leaves the segment as a crash would.
func (w *Writer) abandon() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.closed {
		w.release()
	}
}
