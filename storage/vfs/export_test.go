package vfs

import (
	"crypto/aes"
	"crypto/cipher"

	"golang.org/x/crypto/chacha20"
	"golang.org/x/crypto/chacha20poly1305"
)

// Named gives connectors for a VFS that somebody else registered.
func Named(name string) *VFS { return &VFS{name: name} }

// RegisterUnchecked is Register without the check of a page's tag: what the tests
// of damage would see if nothing were authenticated.
func RegisterUnchecked(k Keys) (*VFS, error) {
	page, err := chacha20poly1305.NewX(k.Page)
	if err != nil {
		return nil, err
	}
	header, err := aes.NewCipher(k.WALHeader)
	if err != nil {
		return nil, err
	}
	return enlist(&ciphers{page: unchecked{page, k.Page}, header: header}, false)
}

type unchecked struct {
	cipher.AEAD
	key []byte
}

func (u unchecked) Open(dst, nonce, ciphertext, _ []byte) ([]byte, error) {
	s, err := chacha20.NewUnauthenticatedCipher(u.key, nonce)
	if err != nil {
		return nil, err
	}
	s.SetCounter(1) // block 0 made the Poly1305 key
	n := len(ciphertext) - u.Overhead()
	s.XORKeyStream(ciphertext[:n], ciphertext[:n])
	return append(dst, ciphertext[:n]...), nil
}
