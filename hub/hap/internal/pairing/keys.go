package pairing

import (
	"bytes"
	"crypto/cipher"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/sha512"
	"fmt"
	"unicode/utf8"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/ingle-home/ingle/hub/hap/tlv8"
)

// derive makes the key of one purpose, 32 bytes.
func derive(secret []byte, salt, info string) ([]byte, error) {
	key, err := hkdf.Key(sha512.New, secret, []byte(salt), info, chacha20poly1305.KeySize)
	if err != nil {
		return nil, fmt.Errorf("pairing: derive key: %w", err)
	}
	return key, nil
}

// nonce of a pairing message: four zero bytes and its name of eight letters.
func nonce(name string) []byte { return append(make([]byte, 4), name...) }

// openItems decrypts the EncryptedData of a message and reads what is in it.
func openItems(aead cipher.AEAD, name string, message tlv8.Items) (tlv8.Items, error) {
	sealed, err := message.Bytes(typeEncrypted)
	if err != nil {
		return nil, errMalformed
	}
	plain, err := aead.Open(nil, nonce(name), sealed, nil)
	if err != nil {
		return nil, refuseAuthentication
	}
	items, err := tlv8.Parse(plain)
	if err != nil {
		return nil, errMalformed
	}
	return items, nil
}

// identifier reads the name that a controller gives itself: a UUID in practice,
// bounded because it is stored and listed.
func identifier(items tlv8.Items) (string, error) {
	id, err := items.Bytes(typeIdentifier)
	if err != nil || len(id) == 0 || len(id) > 64 || !utf8.Valid(id) {
		return "", errMalformed
	}
	return string(id), nil
}

// sized reads an item that must have exactly n bytes.
func sized(items tlv8.Items, typ byte, n int) ([]byte, error) {
	b, err := items.Bytes(typ)
	if err != nil || len(b) != n {
		return nil, errMalformed
	}
	return b, nil
}

// longTermKey reads the Ed25519 key of a controller. Under a point of low order
// anybody can sign, so such a key is none.
func longTermKey(items tlv8.Items) ([]byte, error) {
	key, err := sized(items, typePublicKey, ed25519.PublicKeySize)
	if err != nil {
		return nil, err
	}
	unsigned := bytes.Clone(key) // the last bit is the sign of x
	unsigned[31] &^= 0x80
	if lowOrder(string(unsigned)) {
		return nil, errMalformed
	}
	return bytes.Clone(key), nil
}

// lowOrder says whether the order of a point divides eight: its y is 0, 1, -1 or
// one of the two of order eight, in any form below 2^255.
func lowOrder(y string) bool {
	switch y {
	case "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
		"\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
		"\x26\xe8\x95\x8f\xc2\xb2\x27\xb0\x45\xc3\xf4\x89\xf2\xef\x98\xf0\xd5\xdf\xac\x05\xd3\xc6\x33\x39\xb1\x38\x02\x88\x6d\x53\xfc\x05",
		"\xc7\x17\x6a\x70\x3d\x4d\xd8\x4f\xba\x3c\x0b\x76\x0d\x10\x67\x0f\x2a\x20\x53\xfa\x2c\x39\xcc\xc6\x4e\xc7\xfd\x77\x92\xac\x03\x7a",
		"\xec\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
		"\xed\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
		"\xee\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f":
		return true
	}
	return false
}

// joined puts signed material together in memory of its own.
func joined(parts ...[]byte) []byte {
	var b []byte
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}
