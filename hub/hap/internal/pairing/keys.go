package pairing

import (
	"crypto/cipher"
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

// joined puts signed material together in memory of its own.
func joined(parts ...[]byte) []byte {
	var b []byte
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}
