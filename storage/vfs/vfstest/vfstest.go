// Package vfstest drives a registered VFS directly, one layer below SQLite.
//
// Tests use it for what no SQL reaches (growth by truncation, damaged frames at
// odd offsets) and to see the pages of a sealed file in plain.
package vfstest

/*
#include <stdlib.h>
#include <string.h>
#include "../sqlite_abi.h"

static sqlite3_file *raw_open(const char *vfs, const char *path, int flags, int *rc) {
  sqlite3_vfs *v = sqlite3_vfs_find ? sqlite3_vfs_find(vfs) : 0;
  sqlite3_file *f;
  int out = 0;
  *rc = SQLITE_CANTOPEN;
  if (!v || !(f = calloc(1, v->szOsFile))) return 0;
  *rc = v->xOpen(v, path, f, flags, &out);
  if (*rc != SQLITE_OK) { free(f); return 0; }
  return f;
}
static int raw_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at) { return f->pMethods->xRead(f, p, n, at); }
static int raw_write(sqlite3_file *f, void *p, int n, sqlite3_int64 at) { return f->pMethods->xWrite(f, p, n, at); }
static int raw_truncate(sqlite3_file *f, sqlite3_int64 to) { return f->pMethods->xTruncate(f, to); }
static int raw_close(sqlite3_file *f) { int rc = f->pMethods->xClose(f); free(f); return rc; }
*/
import "C"

import (
	"fmt"
	"unsafe"

	// Resolves the weak symbols of the header.
	_ "github.com/mattn/go-sqlite3"
)

// Open flags of SQLite.
const (
	ReadWriteCreate = 0x6
	ReadOnly        = 0x1
	MainDB          = 0x100
	TempDB          = 0x200
	MainJournal     = 0x800
	SuperJournal    = 0x4000
	WAL             = 0x80000
)

// Code is a SQLite result code other than SQLITE_OK.
type Code int

// Error gives the number as SQLite's documentation lists it.
func (c Code) Error() string { return fmt.Sprintf("sqlite code %d", int(c)) }

// Codes that tests expect.
const (
	CantOpen   Code = 14
	ShortRead  Code = 10 | 2<<8
	WriteError Code = 10 | 3<<8
	NotSealed  Code = 10 | 32<<8
)

// File is an open file of a VFS.
type File struct {
	file *C.sqlite3_file
	path unsafe.Pointer
}

// Open opens path through the VFS called vfs with SQLite's flags.
func Open(vfs, path string, flags int) (*File, error) {
	name := C.CString(vfs)
	defer C.free(unsafe.Pointer(name))
	// SQLite's file names end in an empty list of URI parameters, and the file
	// keeps the pointer.
	p := C.CString(path + "\x00\x00\x00")
	var rc C.int
	f := C.raw_open(name, p, C.int(flags), &rc)
	if f == nil {
		C.free(unsafe.Pointer(p))
		return nil, Code(rc)
	}
	return &File{f, unsafe.Pointer(p)}, nil
}

// Read fills p from offset at.
func (f *File) Read(p []byte, at int64) error {
	return code(C.raw_read(f.file, unsafe.Pointer(unsafe.SliceData(p)), C.int(len(p)), C.sqlite3_int64(at)))
}

// Write writes p at offset at.
func (f *File) Write(p []byte, at int64) error {
	return code(C.raw_write(f.file, unsafe.Pointer(unsafe.SliceData(p)), C.int(len(p)), C.sqlite3_int64(at)))
}

// Truncate makes the file size bytes long.
func (f *File) Truncate(size int64) error {
	return code(C.raw_truncate(f.file, C.sqlite3_int64(size)))
}

// Close closes the file.
func (f *File) Close() error {
	defer C.free(f.path)
	return code(C.raw_close(f.file))
}

func code(rc C.int) error {
	if rc == 0 {
		return nil
	}
	return Code(rc)
}
