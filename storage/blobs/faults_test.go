package blobs_test

import (
	"sync/atomic"
	"syscall"

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
