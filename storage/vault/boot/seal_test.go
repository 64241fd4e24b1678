package boot

import (
	"bytes"
	"testing"
)

func FuzzSeal(f *testing.F) {
	whole := seal{bytes.Repeat([]byte{1}, nameSize), bytes.Repeat([]byte{2}, 78), bytes.Repeat([]byte{3}, 126)}.format()
	f.Add(whole)
	f.Add(whole[:len(whole)-1])
	f.Add(append(whole[:len(whole):len(whole)], 0))
	f.Add([]byte(sealLabel))
	f.Add(append([]byte(sealLabel), bytes.Repeat([]byte{0xff}, 4000)...))
	f.Add(append([]byte(sealLabel), make([]byte, nameSize+4)...))
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, ok := parseSeal(raw)
		if !ok {
			return
		}
		if len(s.parent) != nameSize || len(s.public) > maxPart || len(s.private) > maxPart {
			t.Errorf("%x: a part of %d, %d and %d bytes", raw, len(s.parent), len(s.public), len(s.private))
		}
		if again := s.format(); !bytes.Equal(again, raw) {
			t.Errorf("%x: written again %x", raw, again)
		}
	})
}

// What the fuzzing finds only by luck: every shortening and lengthening is refused.
func TestSealLengths(t *testing.T) {
	whole := seal{bytes.Repeat([]byte{1}, nameSize), bytes.Repeat([]byte{2}, maxPart), bytes.Repeat([]byte{3}, 126)}.format()
	if _, ok := parseSeal(whole); !ok {
		t.Fatal("control: it is refused whole")
	}
	for n := range whole {
		if _, ok := parseSeal(whole[:n]); ok {
			t.Errorf("cut to %d bytes it is taken", n)
		}
	}
	if _, ok := parseSeal(append(whole, 0)); ok {
		t.Error("with a byte more it is taken")
	}
	long := seal{bytes.Repeat([]byte{1}, nameSize), bytes.Repeat([]byte{2}, maxPart+1), bytes.Repeat([]byte{3}, 126)}.format()
	if _, ok := parseSeal(long); ok {
		t.Error("a part of more than the bound is taken")
	}
}
