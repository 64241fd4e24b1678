package srp_test

import (
	"bytes"
	"encoding/hex"
	"testing"

	"github.com/ingle-home/ingle/hub/hap/srp"
)

func TestPublicKeyMatchesCheckVector(t *testing.T) {
	salt := make([]byte, 16)
	for i := range salt {
		salt[i] = byte(i)
	}
	s := srp.WithSecret("Pair-Setup", "482-61-937", salt, bytes.Repeat([]byte{0x22}, 32))
	b := s.Public()
	if got := hex.EncodeToString(b[:8]) + hex.EncodeToString(b[380:]); got != "7d0b146778d7b7546afc354c" {
		t.Fatal(got)
	}
}

func TestZeroKeysAreRefused(t *testing.T) {
	s := srp.New("Pair-Setup", "482-61-937", make([]byte, 16))
	for _, a := range [][]byte{nil, {0}, make([]byte, 384), make([]byte, 385)} {
		if _, _, err := s.Verify(a, make([]byte, 64)); err != srp.ErrProof {
			t.Errorf("%d zero bytes: %v", len(a), err)
		}
	}
}
