package blobs_test

import (
	"math/rand/v2"
	"testing"

	"github.com/ingle-home/ingle/storage/blobs"
)

func BenchmarkWrite(b *testing.B) {
	dir := home(b)
	s := open(b, dir, rows(b, dir), blobs.Options{})
	w, err := s.Create(within(b), "porch", "clip", noon)
	must(b, err)
	frame := content(1, 32<<10)
	b.SetBytes(int64(len(frame)))
	for b.Loop() {
		_, err := w.Write(frame)
		must(b, err)
	}
}

func BenchmarkReadAt(b *testing.B) {
	dir := home(b)
	s := open(b, dir, rows(b, dir), blobs.Options{})
	const size = 16 << 20
	rd, err := s.Open(within(b), record(b, s, "porch", "clip", noon, content(1, size)))
	must(b, err)
	piece := make([]byte, 4096)
	for b.Loop() {
		_, err := rd.ReadAt(piece, rand.Int64N(size-4096))
		must(b, err)
	}
}
