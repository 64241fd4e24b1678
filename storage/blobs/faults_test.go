package blobs_test

import (
	"errors"
	"github.com/ingle-home/ingle/storage"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/ingle-home/ingle/storage/blobs"
)

// brokenDisk is a real one with limits: room says how many bytes it still takes
// (and what Free answers is free), broken what it answers to a write or sync.
type brokenDisk struct {
	blobs.RealDisk
	room      atomic.Int64
	said      atomic.Int64 // free space, as statfs tells; 0 for plenty
	failWrite atomic.Bool
	failSync  atomic.Bool
	syncs     atomic.Int64
}

func (d *brokenDisk) Create(path string) (blobs.File, error) {
	f, err := d.RealDisk.Create(path)
	return &brokenFile{f, d}, err
}

func (d *brokenDisk) Free(dir string) (int64, error) {
	if n := d.said.Load(); n > 0 {
		return n, nil
	}
	return 1 << 50, nil
}

type brokenFile struct {
	blobs.File
	disk *brokenDisk
}

// WriteAt takes what fits, as a full disk does.
func (f *brokenFile) WriteAt(p []byte, at int64) (int, error) {
	if at == 0 {
		return f.File.WriteAt(p, at) // the header
	}
	if f.disk.failWrite.Load() {
		return 0, syscall.EIO
	}
	fits := min(int64(len(p)), max(0, f.disk.room.Load()))
	n, err := f.File.WriteAt(p[:fits], at)
	f.disk.room.Add(-int64(n))
	if err == nil && n < len(p) {
		err = syscall.ENOSPC
	}
	return n, err
}

func (f *brokenFile) Sync() error {
	f.disk.syncs.Add(1)
	if f.disk.failSync.Load() {
		return syscall.EIO
	}
	return f.File.Sync()
}

// A disk that fails for good ends the segment as a crash would, and the list
// says so without a restart.
func TestDiskFails(t *testing.T) {
	t.Parallel()
	for _, what := range []string{"write", "sync"} {
		dir := home(t)
		disk := &brokenDisk{}
		disk.room.Store(1 << 40)
		r := rows(t, dir)
		s := open(t, dir, r, blobs.Options{Sync: time.Hour}.On(disk))
		w, err := s.Create(within(t), "porch", "clip", noon)
		must(t, err)
		want := content(1, 3*blobs.ChunkSize+5)
		_, err = w.Write(want[:2*blobs.ChunkSize+5])
		must(t, err)
		(map[string]*atomic.Bool{"write": &disk.failWrite, "sync": &disk.failSync})[what].Store(true)
		if what == "sync" {
			if err := w.Sync(); !errors.Is(err, syscall.EIO) {
				t.Errorf("sync: %v", err)
			}
		}
		if _, err := w.Write(want[2*blobs.ChunkSize+5:]); !errors.Is(err, syscall.EIO) {
			t.Errorf("%s: %v", what, err)
		}
		disk.failWrite.Store(false)
		disk.failSync.Store(false)
		if _, err := w.Write([]byte{1}); !errors.Is(err, syscall.EIO) {
			t.Errorf("%s: the writer goes on: %v", what, err)
		}
		if err := w.Close(); !errors.Is(err, syscall.EIO) {
			t.Errorf("%s: close: %v", what, err)
		}
		if g := find(t, s, w.ID()); g.State != blobs.Truncated || g.Size != 2*blobs.ChunkSize {
			t.Errorf("%s: listed as %+v", what, g)
		}
		wantContent(t, s, w.ID(), want[:2*blobs.ChunkSize])
		record(t, s, "porch", "clip", noon, want) // the next one is well
	}
}

// What is written is forced to the disk by itself, once per stretch of time, and
// not at all when nothing was written.
func TestSyncsByItself(t *testing.T) {
	t.Parallel()
	dir := home(t)
	disk := &brokenDisk{}
	disk.room.Store(1 << 40)
	s := open(t, dir, rows(t, dir), blobs.Options{Sync: time.Millisecond}.On(disk))
	w, err := s.Create(within(t), "porch", "clip", noon)
	must(t, err)
	if n := disk.syncs.Load(); n != 1 {
		t.Errorf("%d syncs of the header", n)
	}
	for round := int64(2); round < 5; round++ {
		_, err = w.Write(content(1, blobs.ChunkSize))
		must(t, err)
		eventually(t, "a sync", func() bool { return disk.syncs.Load() == round })
	}
	disk.failSync.Store(true)
	_, err = w.Write(content(1, blobs.ChunkSize))
	must(t, err)
	eventually(t, "the writer is told", func() bool { _, err := w.Write(nil); return errors.Is(err, syscall.EIO) })
	if err := w.Close(); !errors.Is(err, syscall.EIO) {
		t.Errorf("close: %v", err)
	}
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick, end := time.NewTicker(time.Millisecond), time.After(30*time.Second)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatal(what + ": not in 30 s")
		}
	}
}

// A disk that is full when a recording begins is told before anything is there.
func TestCreateOnFullDisk(t *testing.T) {
	t.Parallel()
	dir := home(t)
	s := open(t, dir, rows(t, dir), blobs.Options{}.On(noFiles{}))
	if _, err := s.Create(within(t), "porch", "clip", noon); !errors.Is(err, storage.ErrFull) {
		t.Errorf("create: %v", err)
	}
	if len(s.List("")) != 0 || len(files(t, dir)) != 0 {
		t.Errorf("left behind: %+v, %q", s.List(""), files(t, dir))
	}
}

// noFiles is a disk on which no file can be made.
type noFiles struct{ blobs.RealDisk }

func (noFiles) Create(string) (blobs.File, error) { return nil, syscall.ENOSPC }

// A store that is closed ends what is being recorded.
func TestCloseEndsRecordings(t *testing.T) {
	t.Parallel()
	dir := home(t)
	r := rows(t, dir)
	s := open(t, dir, r, blobs.Options{})
	w, err := s.Create(within(t), "porch", "clip", noon)
	must(t, err)
	_, err = w.Write(content(1, 70_000))
	must(t, err)
	rd, err := s.Open(within(t), w.ID())
	must(t, err)
	must(t, s.Close())
	if _, err := w.Write([]byte{1}); !errors.Is(err, blobs.ErrClosed) {
		t.Errorf("write: %v", err)
	}
	if _, err := rd.ReadAt(make([]byte, 1), 0); !errors.Is(err, blobs.ErrClosed) {
		t.Errorf("read: %v", err)
	}
	if _, err := s.Create(within(t), "porch", "clip", noon); !errors.Is(err, blobs.ErrClosed) {
		t.Errorf("create: %v", err)
	}
	s = open(t, dir, r, blobs.Options{})
	if len(s.List("")) != 1 {
		t.Errorf("listed: %+v", s.List(""))
	}
	wantContent(t, s, w.ID(), content(1, 70_000))
}
