package boot

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-tpm/tpm2/transport"
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

// scripted is a chip that answers what it is told to.
type scripted struct{ rest []byte }

func (s *scripted) Close() error { return nil }

func (s *scripted) Send([]byte) ([]byte, error) {
	if len(s.rest) < 2 {
		return nil, io.ErrUnexpectedEOF
	}
	n := min(int(binary.BigEndian.Uint16(s.rest)), len(s.rest)-2)
	answer := s.rest[2 : 2+n]
	s.rest = s.rest[2+n:]
	return answer, nil
}

// FuzzAnswers has a chip say anything at all: no answer ends the hub, and none is
// taken for a key.
func FuzzAnswers(f *testing.F) {
	head := []byte{0, 10, 0x80, 1, 0, 0, 0, 10, 0, 0, 0, 0}
	registers := append([]byte{0, 62, 0x80, 1, 0, 0, 0, 62, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 1, 0, 0x0b, 3, 0x80, 0, 0, 0, 0, 0, 1, 0, 32}, make([]byte, 32)...)
	parent := make([]byte, nameSize)
	f.Add(parent, bytes.Repeat(head, 8))
	f.Add(parent, registers)
	f.Add(parent, append(registers, 0, 24, 0x80, 2, 0, 0, 0, 24, 0, 0, 0, 0, 0x80, 0, 0, 1, 0, 0, 0, 6, 0, 4, 0, 1, 2, 3))
	// Of real conversations, with all that a chip answers, are the files in testdata.
	f.Fuzz(func(t *testing.T, parent, answers []byte) {
		c := chip{t.TempDir(), func(context.Context) (transport.TPMCloser, error) { return &scripted{answers}, nil }}
		if _, err := c.talk(t.Context(), func(line transport.TPM) ([]byte, error) { return sealKey(line, make([]byte, keySize)) }); err == nil {
			t.Errorf("%x: sealed", answers)
		}
		s := seal{parent: parent, public: []byte{1}, private: []byte{1}}
		if _, err := c.talk(t.Context(), s.unseal); err == nil {
			t.Errorf("%x: opened", answers)
		}
	})
}

// Opening a device, or closing it, may hang too: nobody waits for that longer
// than for an answer.
func TestPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hung := make(chan struct{})
		c := chip{"", func(context.Context) (transport.TPMCloser, error) { <-hung; return nil, io.EOF }}
		begun := time.Now()
		_, err := c.talk(t.Context(), nil)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) != chipTime {
			t.Errorf("after %v: %v", time.Since(begun), err)
		}
		close(hung)
	})
}
