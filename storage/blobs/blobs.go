// Package blobs keeps recordings: long streams of bytes, each sealed in a file
// of its own while it is written.
//
// A segment is append-only. A Writer seals 64 KiB at a time, so the clear text
// never touches the disk, a crash costs at most the chunk that was being
// filled, and a Reader can open any place of it by itself. docs/FORMAT.md
// specifies the bytes.
//
// A segment is somebody's: its key comes from a random media key of its
// subject, which lies in storage/records, sealed under the key of that subject.
// So Forget here, and records.Forget as well, make all of a subject's segments
// unreadable at once. What a file is, whose and of when, only its row in
// records says: file names are random, and no header names anyone.
//
//	blobs.go   the store, its list of segments
//	format.go  the bytes of a segment
//	writer.go  reader.go  one segment
//	start.go   settle.go  what a crash left behind
//	room.go    limits, and what gives way
//	forget.go  keys, and their end
package blobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ingle-home/ingle/storage"
	"github.com/ingle-home/ingle/storage/records"
)

var (
	// ErrNotFound says that there is no such segment, or not any more: it was
	// deleted or forgotten, perhaps while it was written or read.
	ErrNotFound = errors.New("blobs: not found")
	// ErrDamaged says that the bytes are not those that were written: changed,
	// cut, of another segment, or under another key.
	ErrDamaged = errors.New("blobs: the segment is damaged")
	// ErrClosed says that the store, writer or reader is closed.
	ErrClosed = errors.New("blobs: closed")
)

// State says how a segment ended.
type State uint8

// The states of a segment. The zero value is one that is being written.
const (
	Recording State = iota
	Complete        // its writer ended it
	Truncated       // recovered after a crash: the end is missing
	Damaged         // the file is gone or is not the one that was written
)

// Segment is what is known about one recording.
type Segment struct {
	ID      string // random; also the name of its file
	Subject string // whose it is
	Kind    string // the caller's word, which Limits goes by
	At, End time.Time
	Size    int64 // bytes of content
	Kept    bool  // protected: only Delete and Forget remove it
	State   State
	Note    []byte // what the Writer's owner wants to know about it, sealed like the content
}

// Stored is how many bytes the segment's file has.
func (g Segment) Stored() int64 { return headerSize + g.Size + g.chunks()*tagSize }

// chunks follows from size and state: a writer ends every segment with a chunk
// that is not full.
func (g Segment) chunks() int64 {
	if g.State == Complete {
		return g.Size/chunkSize + 1
	}
	return g.Size / chunkSize
}

// Rows is where segments are listed and media keys are kept; *records.Store is
// one. Put and Delete are durable when they return.
type Rows interface {
	Put(ctx context.Context, rs ...records.Record) error
	Get(ctx context.Context, kind, id string) (records.Record, error)
	List(ctx context.Context, kind string) ([]records.Record, error)
	Delete(ctx context.Context, kind string, ids ...string) error
}

// Options are what a Store may be told. The zero value is good.
type Options struct {
	Limits Limits
	// Sync is how often what was written is forced to the disk; 2 s if zero. It
	// bounds what a power cut takes.
	Sync time.Duration
	Now  func() time.Time // for Segment.End; time.Now if nil

	disk   disk
	sealed func(key, nonce []byte) // a test's look at every chunk that is sealed
}

// Store is an open folder of segments. It is safe for concurrent use.
type Store struct {
	dir    string
	rows   Rows
	now    func() time.Time
	disk   disk
	sealed func(key, nonce []byte)

	// Create and Open hold turn for reading, Forget for writing: nobody takes up
	// a key that is about to go.
	turn sync.RWMutex
	// altering is held by whoever changes or deletes the row of a listed segment:
	// a deleted one must not come back. It is taken after a Writer's lock.
	altering sync.Mutex

	mu      sync.Mutex // guards all below
	limits  Limits
	entries map[string]*entry
	stored  int64 // bytes of all files
	closed  bool

	stop    chan struct{}
	syncing sync.WaitGroup
}

// entry is a segment in the list, with those who use it. Store.mu guards it.
type entry struct {
	Segment             // ID and Subject never change
	gone    atomic.Bool // nobody reads or writes it any more
	lost    bool        // the file is not there
	loose   bool        // the file may be longer than Size says: it is being written, or was not settled after a crash
	writer  *Writer
	readers map[*Reader]struct{}
}

const (
	folder      = "media"
	defaultSync = 2 * time.Second
	rowTimeout  = 15 * time.Second // one transaction; the writer of core may be busy
)

// Open opens the folder media in dir, which the caller has acquired, creates it
// on first use, and puts in order what a crash left: a segment that was being
// written is Truncated, one of a subject without a key is deleted.
//
// Where rows came out of a backup that is older than the folder, nothing recorded since is lost
// by it: segments that rows has the key of are listed again, their kind is Found, and those of a
// key that was made later stay in the folder, out of the list, until rows that know the
// key come back. Only what was forgotten, so that no database has its key, goes. Errors:
// ErrDamaged if rows has never heard of the segments that lie there,
// storage.ErrFull, and those of rows.
func Open(ctx context.Context, dir string, rows Rows, o Options) (*Store, error) {
	s := &Store{
		dir:     filepath.Join(dir, folder),
		rows:    rows,
		now:     o.Now,
		disk:    o.disk,
		sealed:  o.sealed,
		limits:  o.Limits,
		entries: make(map[string]*entry),
		stop:    make(chan struct{}),
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.disk == nil {
		s.disk = osDisk{}
	}
	if err := os.MkdirAll(s.dir, storage.DirMode); err != nil {
		return nil, fmt.Errorf("blobs: open: %w", storage.Full(err))
	}
	if err := os.Chmod(s.dir, storage.DirMode); err != nil {
		return nil, fmt.Errorf("blobs: open: %w", err)
	}
	if err := s.start(ctx); err != nil {
		return nil, fmt.Errorf("blobs: open: %w", err)
	}
	every := cmp.Or(o.Sync, defaultSync)
	s.syncing.Go(func() { s.keepSyncing(every) })
	return s, nil
}

// keepSyncing forces to the disk what was written, beside the writers: a slow
// disk delays nobody's recording.
func (s *Store) keepSyncing(every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-tick.C:
		}
		for _, w := range s.writers() {
			_ = w.Sync() // the writer remembers the error, its owner gets it
		}
	}
}

func (s *Store) writers() []*Writer {
	s.mu.Lock()
	defer s.mu.Unlock()
	var open []*Writer
	for _, e := range s.entries {
		if e.writer != nil {
			open = append(open, e.writer)
		}
	}
	return open
}

// Close ends the segments that are still being written, which are Complete
// then, and shuts those that are being read. Its error is of segments that
// could not be ended: the next Open recovers them.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.mu.Unlock()
	close(s.stop)
	s.syncing.Wait()

	var errs []error
	for _, w := range s.writers() {
		if err := w.Close(); err != nil && !errors.Is(err, ErrClosed) && !errors.Is(err, ErrNotFound) {
			errs = append(errs, err)
		}
		w.abandon()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.entries {
		for r := range e.readers {
			r.shut(ErrClosed)
		}
	}
	return errors.Join(errs...)
}

// List gives the segments of a subject, or of all if it is "", oldest first.
// One that is being written is among them with the size it has so far. Those
// that could not be deleted yet are too: the list says what is on the disk.
func (s *Store) List(subject string) []Segment {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []Segment
	for _, e := range s.entries {
		if subject == "" || e.Subject == subject {
			list = append(list, e.known())
		}
	}
	slices.SortFunc(list, older)
	return list
}

// known is what the list says. Store.mu is held.
func (e *entry) known() Segment {
	g := e.Segment
	g.Note = slices.Clone(g.Note)
	switch {
	case e.lost:
		g.Size, g.State = 0, Damaged
	case g.State == Recording && e.writer == nil:
		g.State = Damaged
	}
	return g
}

func older(a, b Segment) int {
	return cmp.Or(a.At.Compare(b.At), strings.Compare(a.ID, b.ID))
}

// Usage is how much is stored of one subject.
type Usage struct {
	Subject  string
	Segments int
	Bytes    int64 // on the disk
	Oldest   time.Time
}

// Usage sums up per subject, by subject.
func (s *Store) Usage() []Usage {
	var sums []Usage
	for _, g := range s.List("") { // oldest first
		i := slices.IndexFunc(sums, func(u Usage) bool { return u.Subject == g.Subject })
		if i < 0 {
			i = len(sums)
			sums = append(sums, Usage{Subject: g.Subject, Oldest: g.At})
		}
		sums[i].Segments++
		sums[i].Bytes += g.Stored()
	}
	slices.SortFunc(sums, func(a, b Usage) int { return strings.Compare(a.Subject, b.Subject) })
	return sums
}

// Keep protects a segment from limits, or gives it up to them. It is durable
// when it returns. ErrNotFound also for a segment that is being deleted.
func (s *Store) Keep(ctx context.Context, id string, kept bool) error {
	return s.change(ctx, id, func(g *Segment) { g.Kept = kept })
}

// change alters what is known about a segment, durably.
func (s *Store) change(ctx context.Context, id string, alter func(*Segment)) error {
	s.altering.Lock()
	defer s.altering.Unlock()
	s.mu.Lock()
	e := s.entries[id]
	if e == nil || e.gone.Load() {
		s.mu.Unlock()
		return ErrNotFound
	}
	g := e.Segment
	s.mu.Unlock()
	alter(&g)
	if err := s.rows.Put(ctx, toRow(g)); err != nil {
		return fmt.Errorf("blobs: %w", err)
	}
	s.update(e, alter) // not g: the segment may have grown meanwhile
	s.mu.Lock()
	defer s.mu.Unlock()
	e.loose = e.loose && e.State == Recording
	return nil
}

// update alters what the list says of a segment, never its ID or Subject.
func (s *Store) update(e *entry, alter func(*Segment)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := e.Stored()
	alter(&e.Segment)
	if s.entries[e.ID] == e && !e.lost {
		s.stored += e.Stored() - before
	}
}
