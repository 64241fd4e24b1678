// Package vfs keeps SQLite databases sealed on disk.
//
// It registers SQLite VFSs that stand between SQLite and its built-in
// unix-excl VFS. Every database page and every WAL frame is sealed with
// XChaCha20-Poly1305 under a fresh random nonce and bound to its place; a
// stock SQLite finds "not a database". Whatever is neither a database nor its
// WAL is refused: rollback journals, temp files, read-only opens (those would
// bring a wal-index file). Damage is an error, never wrong rows.
//
// On disk a page is 4056 bytes of ciphertext, a 16-byte tag and a 24-byte
// nonce. A connection has to reserve those 40 bytes and run in WAL mode before
// it writes; storage/records does, in the order that
// docs/adr/0003-page-aead-vfs.md explains.
//
// What it cannot see: an older valid copy of the same page put back, and a WAL
// cut at a commit.
package vfs

// #include <stdlib.h>
// #include "shim.h"
import "C"

import (
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"runtime/cgo"
	"sync/atomic"
	"unsafe"

	// The shim's weak symbols resolve to this package's SQLite.
	_ "github.com/mattn/go-sqlite3"
	"golang.org/x/crypto/chacha20poly1305"
)

const (
	// PageSize is the only page size, in bytes.
	PageSize = 4096
	// ReservedBytes at the end of every page hold its tag and nonce.
	ReservedBytes = 40
)

// host keeps the wal-index on the heap and locks the file for one process;
// plain "unix" would write page numbers and checksums to a -shm file.
const host = "unix-excl"

// ErrNotLinked says that SQLite or its unix-excl VFS is not in this program.
var ErrNotLinked = errors.New("vfs: SQLite is not linked in")

// Keys are the two 32-byte keys of one database file and its WAL. Both are
// copied; two files must never share them.
type Keys struct {
	Page      []byte // seals pages and frames
	WALHeader []byte // enciphers the salts and checksum of a frame
}

// VFS is one registration: a name for SQLite's vfs= parameter and its keys.
type VFS struct {
	name  string
	keys  atomic.Pointer[ciphers]
	reads atomic.Uint64
}

type ciphers struct {
	page   cipher.AEAD
	header cipher.Block
}

// Register gives SQLite a VFS with a name of its own, never the default one.
// SQLite cannot forget a VFS that a connection may still use, so each call
// costs some 300 bytes until the process ends.
func Register(k Keys) (*VFS, error) { return register(k, false) }

// RegisterFrozen gives SQLite a VFS that reads and changes no byte on disk, not
// even by the checkpoint at the last Close: for a database that is damaged.
func RegisterFrozen(k Keys) (*VFS, error) { return register(k, true) }

func register(k Keys, frozen bool) (*VFS, error) {
	page, err := chacha20poly1305.NewX(k.Page)
	if err != nil {
		return nil, fmt.Errorf("vfs: page key: %w", err)
	}
	if len(k.WALHeader) != 32 {
		return nil, errors.New("vfs: WAL header key: want 32 bytes")
	}
	header, err := aes.NewCipher(k.WALHeader)
	if err != nil {
		return nil, fmt.Errorf("vfs: WAL header key: %w", err)
	}
	return enlist(&ciphers{page: page, header: header}, frozen)
}

func enlist(k *ciphers, frozen bool) (*VFS, error) {
	v := new(VFS)
	v.keys.Store(k)
	// The handle is never deleted: a callback that came after would panic.
	// A revoked VFS keeps its handle and has no keys.
	h := cgo.NewHandle(v)
	v.name = fmt.Sprintf("ingle-%d", h)
	name, below := C.CString(v.name), C.CString(host)
	defer C.free(unsafe.Pointer(name))
	defer C.free(unsafe.Pointer(below))
	still := C.int(0)
	if frozen {
		still = 1
	}
	switch rc := C.ingle_vfs_register(name, below, C.uintptr_t(h), still); rc {
	case 0:
		return v, nil
	case 1, 2:
		return nil, ErrNotLinked
	default:
		return nil, fmt.Errorf("vfs: register: code %d", int(rc))
	}
}

// Name is what a DSN says in vfs=.
func (v *VFS) Name() string { return v.name }

// PagesRead counts the pages and frames that were opened, the same one twice if it
// was read twice: how far something has come that reads a whole database.
func (v *VFS) PagesRead() uint64 { return v.reads.Load() }

// Revoke takes the keys away: from now on every read and write through this
// VFS is an I/O error, also on connections that are open. Safe at any time.
func (v *VFS) Revoke() { v.keys.Store(nil) }
