package boot

import (
	"bytes"
	"testing"
)

func FuzzKeyFile(f *testing.F) {
	f.Add(formatKeyFile(bytes.Repeat([]byte{7}, keySize)))
	f.Add([]byte(keyLabel))
	f.Add([]byte(keyLabel + "zz"))
	f.Add(bytes.Repeat([]byte("0"), 1000))
	f.Fuzz(func(t *testing.T, raw []byte) {
		key, ok := parseKeyFile(raw)
		if !ok {
			return
		}
		if again, ok := parseKeyFile(formatKeyFile(key)); !ok || len(key) != keySize || !bytes.Equal(again, key) {
			t.Errorf("%q: %x, then %x", raw, key, again)
		}
	})
}
