package blobs_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/ingle-home/ingle/storage/blobs"
	"golang.org/x/crypto/poly1305" //nolint:staticcheck // deprecated for use; here it is what ours is compared with
)

// tamperSize is three full chunks and a short one.
const tamperSize = 3*blobs.ChunkSize + 500

// recorded reads a segment of which the list says that it has tamperSize bytes.
func recorded(raw, key []byte) ([]byte, error) {
	g := blobs.Segment{Size: tamperSize, State: blobs.Complete}
	return blobs.ReadAll(bytes.NewReader(raw), int64(len(raw)), g, key)
}

// mustRefuse checks that a changed file gives ErrDamaged, and before that
// nothing but what was written.
func mustRefuse(t *testing.T, what string, raw, key, written []byte) {
	t.Helper()
	got, err := recorded(raw, key)
	if !errors.Is(err, blobs.ErrDamaged) {
		t.Errorf("%s: %v", what, err)
	}
	if !bytes.HasPrefix(written, got) {
		t.Errorf("%s: wrong content was given", what)
	}
}

func chunk(raw []byte, n int) []byte {
	from := blobs.HeaderSize + n*blobs.SealedSize
	return raw[from:min(len(raw), from+blobs.SealedSize)]
}

func TestTamper(t *testing.T) {
	t.Parallel()
	key, want := content(1, 32), content(2, tamperSize)
	whole := blobs.Seal(key, want)
	head := whole[:blobs.HeaderSize]
	splice := func(parts ...[]byte) []byte { return slices.Concat(parts...) }
	sibling := blobs.Seal(key, content(3, tamperSize)) // same key, other salt
	c := func(n int) []byte { return chunk(whole, n) }
	for what, raw := range map[string][]byte{
		"two chunks swapped":            splice(head, c(1), c(0), c(2), c(3)),
		"a chunk doubled":               splice(head, c(0), c(0), c(2), c(3)),
		"a chunk inserted":              splice(head, c(0), c(0), c(1), c(2), c(3)),
		"a chunk left out":              splice(head, c(0), c(2), c(3)),
		"a chunk of a sibling":          splice(head, c(0), chunk(sibling, 1), c(2), c(3)),
		"the last chunk of a sibling":   splice(head, c(0), c(1), c(2), chunk(sibling, 3)),
		"the header of a sibling":       splice(sibling[:blobs.HeaderSize], c(0), c(1), c(2), c(3)),
		"the chunks of a sibling":       splice(head, sibling[blobs.HeaderSize:]),
		"a chunk zeroed":                splice(head, c(0), make([]byte, blobs.SealedSize), c(2), c(3)),
		"the last chunk missing":        splice(head, c(0), c(1), c(2)),
		"a byte cut off":                whole[:len(whole)-1],
		"a byte added":                  splice(whole, []byte{0}),
		"a chunk added":                 splice(whole, c(0)),
		"nothing but a header":          head,
		"an empty file":                 nil,
		"half a header":                 head[:30],
		"the last chunk not marked":     splice(head, c(0), c(1), c(2), blobs.SealChunk(key, head, want[3*blobs.ChunkSize:], 3, false)),
		"an earlier chunk marked last":  splice(head, c(0), blobs.SealChunk(key, head, want[blobs.ChunkSize:2*blobs.ChunkSize], 1, true), c(2), c(3)),
		"a segment of another, shorter": blobs.Seal(key, want[:1000]),
	} {
		mustRefuse(t, what, raw, key, want)
	}
	if got, err := recorded(whole, key); err != nil || !bytes.Equal(got, want) {
		t.Errorf("control: the untouched file: %v", err)
	}
}

// Each byte of the header counts, and 300 bits all over the file.
func TestBitFlips(t *testing.T) {
	t.Parallel()
	key, want := content(1, 32), content(2, tamperSize)
	whole := blobs.Seal(key, want)
	random := rand.New(rand.NewPCG(5, 6))
	for i := range blobs.HeaderSize + 300 {
		at := i
		if i >= blobs.HeaderSize {
			at = random.IntN(len(whole))
		}
		raw := bytes.Clone(whole)
		raw[at] ^= 1 << random.IntN(8)
		mustRefuse(t, fmt.Sprint("a bit at ", at), raw, key, want)
		// A changed header is no crash either.
		if _, _, err := blobs.Measure(bytes.NewReader(raw), int64(len(raw)), key); at < blobs.HeaderSize && !errors.Is(err, blobs.ErrDamaged) {
			t.Errorf("recovery takes a header with byte %d changed: %v", at, err)
		}
	}
	if got, err := recorded(whole, key); err != nil || !bytes.Equal(got, want) {
		t.Errorf("control: the untouched file: %v", err)
	}
}

// One damaged chunk does not take the others along.
func TestDamagedChunkAlone(t *testing.T) {
	t.Parallel()
	dir := home(t)
	r := rows(t, dir)
	s := open(t, dir, r, blobs.Options{})
	want := content(4, tamperSize)
	id := record(t, s, "porch", "clip", noon, want)
	path := filepath.Join(media(dir), id)
	raw, err := os.ReadFile(path)
	must(t, err)
	raw[blobs.HeaderSize+blobs.SealedSize+7] ^= 1
	must(t, os.WriteFile(path, raw, 0o600))
	rd, err := s.Open(within(t), id)
	must(t, err)
	defer rd.Close()
	got := make([]byte, blobs.ChunkSize)
	if n, err := rd.ReadAt(got, 10); !errors.Is(err, blobs.ErrDamaged) || n != blobs.ChunkSize-10 {
		t.Errorf("a read into the damage: %d bytes, %v", n, err)
	}
	if _, err := rd.ReadAt(got, 2*blobs.ChunkSize); err != nil || !bytes.Equal(got, want[2*blobs.ChunkSize:3*blobs.ChunkSize]) {
		t.Errorf("behind the damage: %v", err)
	}
}

// A segment that the list knows as complete, or as recovered, cannot be cut any
// more, and a file that is gone is told.
func TestLaterCut(t *testing.T) {
	t.Parallel()
	dir := home(t)
	r := rows(t, dir)
	s := open(t, dir, r, blobs.Options{})
	complete := record(t, s, "porch", "clip", noon, content(1, tamperSize))
	lost := record(t, s, "porch", "clip", noon, content(1, 10))
	w, err := s.Create(within(t), "porch", "clip", noon)
	must(t, err)
	_, err = w.Write(content(1, tamperSize))
	must(t, err)
	w.Crash()
	must(t, s.Close())

	must(t, os.Remove(filepath.Join(media(dir), lost)))
	s = open(t, dir, r, blobs.Options{})
	recovered := w.ID()
	if g := find(t, s, recovered); g.State != blobs.Truncated || g.Size != 3*blobs.ChunkSize {
		t.Fatalf("after the crash: %+v", g)
	}
	wantContent(t, s, recovered, content(1, tamperSize)[:3*blobs.ChunkSize])
	if g := find(t, s, lost); g.State != blobs.Damaged || g.Size != 0 {
		t.Errorf("without its file: %+v", g)
	}
	if _, err := s.Open(within(t), lost); !errors.Is(err, blobs.ErrDamaged) {
		t.Errorf("without its file: %v", err)
	}
	for _, id := range []string{complete, recovered} {
		path := filepath.Join(media(dir), id)
		must(t, os.Truncate(path, blobs.HeaderSize+2*blobs.SealedSize))
		if _, err := s.Open(within(t), id); !errors.Is(err, blobs.ErrDamaged) {
			t.Errorf("cut at a chunk: %v", err)
		}
	}
	must(t, s.Close())
	s = open(t, dir, r, blobs.Options{})
	if _, err := s.Open(within(t), complete); !errors.Is(err, blobs.ErrDamaged) {
		t.Errorf("after a restart: %v", err)
	}
}

// Another subject's key does not open anything of the file.
func TestOtherKey(t *testing.T) {
	t.Parallel()
	dir := home(t)
	r := rows(t, dir)
	s := open(t, dir, r, blobs.Options{})
	id := record(t, s, "porch", "clip", noon, content(1, tamperSize))
	record(t, s, "garden", "clip", noon, content(2, 10))
	raw, err := os.ReadFile(filepath.Join(media(dir), id))
	must(t, err)
	if _, err := recorded(raw, mediaKey(t, r, "garden")); !errors.Is(err, blobs.ErrDamaged) {
		t.Errorf("with the header: %v", err)
	}
	// Nor with a header that was made for it: the chunks are bound to theirs.
	forged := blobs.Seal(mediaKey(t, r, "garden"), content(1, tamperSize))
	for n := range 4 {
		raw := slices.Concat(forged[:blobs.HeaderSize+n*blobs.SealedSize], chunk(raw, n), forged[min(len(forged), blobs.HeaderSize+(n+1)*blobs.SealedSize):])
		if got, err := recorded(raw, mediaKey(t, r, "garden")); !errors.Is(err, blobs.ErrDamaged) {
			t.Errorf("chunk %d gave %d bytes, %v", n, len(got), err)
		}
	}
	if got, err := recorded(raw, mediaKey(t, r, "porch")); err != nil || !bytes.Equal(got, content(1, tamperSize)) {
		t.Errorf("control: with its own key: %v", err)
	}
}

// Bytes behind the last chunk are damage even when nobody recorded where that
// was, and are not taken for a torn chunk.
func TestBytesBehindTheEnd(t *testing.T) {
	t.Parallel()
	key := content(1, 32)
	sizes := []int{blobs.ChunkSize - 1, blobs.ChunkSize, blobs.ChunkSize + 16, 2*blobs.ChunkSize + 30_001}
	for n := range 36 {
		sizes = append(sizes, n)
	}
	for i, size := range sizes {
		whole := blobs.Seal(key, content(2, size))
		for _, more := range []int{0, 1, 15 + i, blobs.SealedSize, 3 * blobs.SealedSize} {
			if more > 50 && i > 5 {
				continue
			}
			raw := append(bytes.Clone(whole), content(3, more)...)
			found, state, err := blobs.Measure(bytes.NewReader(raw), int64(len(raw)), key)
			if more == 0 && (err != nil || found != int64(size) || state != blobs.Complete) {
				t.Errorf("control: %d bytes measure %d, state %d, %v", size, found, state, err)
			} else if more > 0 && !errors.Is(err, blobs.ErrDamaged) {
				t.Errorf("%d bytes and %d behind them measure %d, state %d, %v", size, more, found, state, err)
			}
		}
	}
}

// The polynomial is Poly1305, also where its sum comes close to the modulus.
func TestPolynomial(t *testing.T) {
	t.Parallel()
	check := func(key [32]byte, message []byte) {
		t.Helper()
		var want [16]byte
		poly1305.Sum(&want, message, &key)
		if got := blobs.Poly1305(key, message); got != want {
			t.Errorf("key %x, message %x: %x, want %x", key, message, got, want)
		}
	}
	edges := []byte{0x00, 0x01, 0x02, 0xF0, 0xFA, 0xFB, 0xFC, 0xFD, 0xFE, 0xFF}
	for r := range byte(4) {
		for _, low := range edges {
			for _, high := range edges {
				key, message := [32]byte{r}, bytes.Repeat([]byte{high}, 48)
				for i := 0; i < 48; i += 16 {
					message[i] = low
					check(key, message[:i+16])
				}
				copy(key[16:], message)
				check(key, message[16:])
			}
		}
	}
	for i := range uint64(500) {
		check([32]byte(content(i, 32)), content(i+1000, 16*int(i%20)))
	}
}

// FuzzSegment: whatever the bytes, recovery and reading end, and give only what
// was sealed.
func FuzzSegment(f *testing.F) {
	key, want := content(1, 32), content(2, 2*blobs.ChunkSize+40)
	whole := blobs.Seal(key, want)
	small := blobs.Seal(key, want[:100])
	f.Add(small, uint8(1), uint32(100))
	f.Add(small[:70], uint8(2), uint32(0))
	f.Add(small[:64], uint8(1), uint32(0))
	f.Add([]byte("ISEG\x01\x01\x10\x00"), uint8(0), uint32(5))
	f.Add(whole, uint8(1), uint32(len(want)))
	f.Add(append(bytes.Clone(small), 0), uint8(1), uint32(101))
	f.Fuzz(func(t *testing.T, raw []byte, state uint8, size uint32) {
		file := bytes.NewReader(raw)
		if found, how, err := blobs.Measure(file, int64(len(raw)), key); err == nil {
			g := blobs.Segment{Size: found, State: how}
			got, err := blobs.ReadAll(file, g.Stored(), g, key)
			if err == nil && !bytes.HasPrefix(want, got) {
				t.Error("content that nobody sealed")
			}
		}
		g := blobs.Segment{Size: int64(size), State: blobs.State(state % 4)}
		got, err := blobs.ReadAll(file, int64(len(raw)), g, key)
		if err == nil && !bytes.HasPrefix(want, got) {
			t.Error("content that nobody sealed")
		}
	})
}
