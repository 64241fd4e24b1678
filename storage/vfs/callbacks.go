package vfs

// #include <stdint.h>
import "C"

import (
	"crypto/cipher"
	"crypto/rand"
	"runtime/cgo"
	"unsafe"

	"golang.org/x/crypto/chacha20poly1305"
)

const (
	nonceStart = PageSize - chacha20poly1305.NonceSizeX
	plainEnd   = PageSize - ReservedBytes
	refused    = 1
)

// vfsOf finds a VFS by the number that C holds; no Go pointer ever goes there. An
// empty one, which has no keys, if there is none.
func vfsOf(h C.uintptr_t) *VFS {
	if v, ok := cgo.Handle(h).Value().(*VFS); ok {
		return v
	}
	return new(VFS)
}

// keysOf gives nil once the keys were revoked.
func keysOf(h C.uintptr_t) *ciphers { return vfsOf(h).keys.Load() }

// inglePageSeal seals the 4096-byte page at buf in place under a fresh nonce.
// Non-zero without keys.
//
//export inglePageSeal
func inglePageSeal(h C.uintptr_t, buf, aad *C.uchar, n C.int) C.int {
	k := keysOf(h)
	if k == nil {
		return refused
	}
	sealPage(k.page, pageAt(buf), unsafe.Slice((*byte)(aad), int(n)))
	return 0
}

// inglePageOpen opens the 4096-byte page at buf in place. Non-zero without
// keys and for a page that is not authentic.
//
//export inglePageOpen
func inglePageOpen(h C.uintptr_t, buf, aad *C.uchar, n C.int) C.int {
	v := vfsOf(h)
	k := v.keys.Load()
	v.reads.Add(1)
	if k == nil || !openPage(k.page, pageAt(buf), unsafe.Slice((*byte)(aad), int(n))) {
		return refused
	}
	return 0
}

// ingleHeaderSeal enciphers the 16 bytes of salts and checksum at buf.
//
//export ingleHeaderSeal
func ingleHeaderSeal(h C.uintptr_t, buf *C.uchar) C.int {
	return onHeader(h, buf, cipher.Block.Encrypt)
}

// ingleHeaderOpen is the inverse of ingleHeaderSeal.
//
//export ingleHeaderOpen
func ingleHeaderOpen(h C.uintptr_t, buf *C.uchar) C.int {
	return onHeader(h, buf, cipher.Block.Decrypt)
}

func onHeader(h C.uintptr_t, buf *C.uchar, do func(b cipher.Block, dst, src []byte)) C.int {
	k := keysOf(h)
	if k == nil {
		return refused
	}
	block := unsafe.Slice((*byte)(buf), 16)
	do(k.header, block, block)
	return 0
}

func pageAt(buf *C.uchar) []byte { return unsafe.Slice((*byte)(buf), PageSize) }

func sealPage(a cipher.AEAD, page, aad []byte) {
	nonce := page[nonceStart:]
	rand.Read(nonce)
	a.Seal(page[:0:nonceStart], nonce, page[:plainEnd], aad)
}

func openPage(a cipher.AEAD, page, aad []byte) bool {
	_, err := a.Open(page[:0:plainEnd], page[nonceStart:], page[:nonceStart], aad)
	return err == nil
}
