package boot

import (
	"bytes"
	"slices"
	"testing"
)

// FuzzKeyFile reads any file for one with keys: what is one takes another key without harm to those that
// it has.
func FuzzKeyFile(f *testing.F) {
	key := bytes.Repeat([]byte{7}, keySize)
	unnamed, named := keyLine{key: key}.format(), keyLine{name: "0011223344556677", key: key}.format()
	blank := append(bytes.Repeat([]byte(" "), len(named)-1), '\n')
	f.Add(unnamed)
	f.Add(named)
	f.Add(slices.Concat(unnamed, blank, named))
	f.Add(slices.Concat(named, named[:20])) // a power cut
	f.Add([]byte(namedLabel))
	f.Add([]byte(unnamedLabel + "zz\n"))
	f.Add(bytes.Repeat([]byte("0"), 1000))
	f.Fuzz(func(t *testing.T, raw []byte) {
		all, ok := parseKeyFile(raw)
		if !ok {
			return
		}
		next := keyLine{name: "8899aabbccddeeff", key: bytes.Repeat([]byte{9}, keySize)}
		if _, taken := all.find(next.name); taken {
			return
		}
		text := next.format()
		at := all.room(len(text))
		more := slices.Concat(raw[:at], text, raw[min(len(raw), at+len(text)):])
		again, ok := parseKeyFile(more)
		if !ok {
			t.Fatalf("%q is no key file", more)
		}
		for _, want := range append(all, next) {
			if got, ok := again.find(want.name); want.key != nil && (!ok || len(got.key) != keySize) {
				t.Errorf("%q lacks %q", more, want.name)
			}
		}
		if again.keys() != all.keys()+1 {
			t.Errorf("%q has %d keys, then %d", raw, all.keys(), again.keys())
		}
	})
}
