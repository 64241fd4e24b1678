// Package storage is the door to the folder in which a hub keeps everything.
//
// It holds what its parts share: the lock that keeps a second hub out and the
// errors that mean the same wherever they arise. The parts are vault (the
// keys), vfs (SQLite on sealed pages) and records (what is stored); they know
// bytes, subjects, kinds and times, and no domain. Nothing outside this tree
// opens a database.
package storage

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

var (
	// ErrInUse says that another process holds the folder.
	ErrInUse = errors.New("storage: another hub uses this folder")
	// ErrFull says that the disk has no room left. What was stored before is
	// intact; the write that got this error did not happen.
	ErrFull = errors.New("storage: the disk is full")
	// ErrReadOnlyDisk says that the disk may not be written, which is how Linux
	// answers a failing card. What was stored before can still be read.
	ErrReadOnlyDisk = errors.New("storage: the disk is read-only")
	// ErrDisk says that the disk did not do what it was asked to, as one does that
	// fails or was pulled out. The write that got this error did not happen.
	ErrDisk = errors.New("storage: the disk does not work")
)

// DirMode and FileMode are the permissions of the folder and of all in it.
const (
	DirMode  = 0o700
	FileMode = 0o600
)

// lockName is a file of its own: the lock on a database file is dropped as soon
// as the process closes any other descriptor of it, a flock is not.
const lockName = "lock"

// Lock is the sole right to a folder. It ends with Release or with the process.
type Lock struct{ file *os.File }

// Acquire creates dir (mode 0700) if need be and locks it, before anything else
// in it is touched. ErrInUse if another process, or another Acquire in this
// one, holds it. It does not wait. On a read-only disk it locks a folder that was
// in use before.
func Acquire(dir string) (*Lock, error) {
	if err := os.MkdirAll(dir, DirMode); err != nil {
		return nil, fmt.Errorf("storage: %w", Full(err))
	}
	// A folder that was made by hand, or by an unpacked copy, may be open to all.
	if err := os.Chmod(dir, DirMode); err != nil && !errors.Is(err, syscall.EROFS) {
		return nil, fmt.Errorf("storage: %w", err)
	}
	path := filepath.Join(dir, lockName)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, FileMode)
	if errors.Is(err, syscall.EROFS) {
		f, err = os.Open(path)
	}
	if err != nil {
		return nil, fmt.Errorf("storage: %w", Full(err))
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, ErrInUse
		}
		return nil, fmt.Errorf("storage: lock: %w", err)
	}
	return &Lock{file: f}, nil
}

// Release gives the folder up. The lock file stays: removing it would let two
// processes hold locks on two files of the same name.
func (l *Lock) Release() error { return l.file.Close() }

// Full wraps err in ErrFull if the operating system says that there is no room,
// in ErrReadOnlyDisk if it says that nothing may be written, and in ErrDisk if the
// disk failed.
func Full(err error) error {
	for _, full := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG} {
		if errors.Is(err, full) {
			return fmt.Errorf("%w: %w", ErrFull, err)
		}
	}
	if errors.Is(err, syscall.EROFS) {
		return fmt.Errorf("%w: %w", ErrReadOnlyDisk, err)
	}
	if errors.Is(err, syscall.EIO) {
		return fmt.Errorf("%w: %w", ErrDisk, err)
	}
	return err
}
