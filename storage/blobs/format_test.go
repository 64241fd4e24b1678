package blobs_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/ingle-home/ingle/storage/blobs"
)

var update = flag.Bool("update", false, "write the samples anew; never after a format was released")

// The sample: a full chunk and a short one, under a key of the bytes 0 to 31.
const (
	sample     = "testdata/segment-v1"
	sampleSize = 66_000
)

func sampleKey() []byte {
	key := make([]byte, 32)
	for i := range key {
		key[i] = byte(i)
	}
	return key
}

// A stored sample of version 1 opens in both readers, whole and cut, and with a
// flipped bit in none.
func TestSample(t *testing.T) {
	t.Parallel()
	key, want := sampleKey(), pattern(0, sampleSize)
	if *update {
		must(t, os.WriteFile(sample, blobs.Seal(key, want), 0o644))
	}
	whole, err := os.ReadFile(sample)
	must(t, err)
	flipped := bytes.Clone(whole)
	flipped[40_000] ^= 4
	for what, c := range map[string]struct {
		file  []byte
		g     blobs.Segment
		wrong bool
	}{
		"whole":   {file: whole, g: blobs.Segment{State: blobs.Complete, Size: sampleSize}},
		"cut":     {file: whole[:64+65552], g: blobs.Segment{State: blobs.Truncated, Size: 65536}},
		"flipped": {file: flipped, g: blobs.Segment{State: blobs.Complete, Size: sampleSize}, wrong: true},
	} {
		ours, errOurs := blobs.ReadAll(bytes.NewReader(c.file), int64(len(c.file)), c.g, key)
		theirs, errTheirs := readRecorded(c.file, key, c.g.State == blobs.Complete, int(c.g.Size))
		if c.wrong {
			if errOurs == nil || errTheirs == nil {
				t.Errorf("%s: %v and %v", what, errOurs, errTheirs)
			}
			continue
		}
		if errOurs != nil || errTheirs != nil || !bytes.Equal(ours, want[:c.g.Size]) || !bytes.Equal(theirs, ours) {
			t.Errorf("%s: %d bytes (%v) and %d bytes (%v)", what, len(ours), errOurs, len(theirs), errTheirs)
		}
	}
}

// Both readers find the same in a file of which nothing is recorded, whatever
// happened to it.
func TestReadersAgree(t *testing.T) {
	t.Parallel()
	key := sampleKey()
	for _, size := range []int{0, 1, 300, blobs.ChunkSize, 2*blobs.ChunkSize + 300} {
		whole := blobs.Seal(key, pattern(0, int64(size)))
		files := map[string][]byte{"whole": whole, "three bytes more": append(bytes.Clone(whole), 1, 2, 3), "header": whole[:64], "half a header": whole[:33]}
		for _, cut := range []int{1, 16, 17, 300, 317, blobs.SealedSize, blobs.SealedSize + 1} {
			if cut < len(whole)-64 {
				files[fmt.Sprint("cut by ", cut)] = whole[:len(whole)-cut]
			}
		}
		for what, file := range files {
			if (len(file)-blobs.HeaderSize)%blobs.SealedSize > 1000 && os.Getenv("INGLE_SOAK") == "" {
				continue // the simple reader takes a second to find no end in a long torn piece
			}
			found, state, err := blobs.Measure(bytes.NewReader(file), int64(len(file)), key)
			theirs, errTheirs := readByTheText(file, key)
			if errors.Is(err, blobs.ErrDamaged) != (errTheirs != nil) && len(file) >= 64 {
				t.Errorf("%d bytes, %s: %v and %v", size, what, err, errTheirs)
			}
			if int(found) != len(theirs.content) || (state == blobs.Complete) != theirs.ended {
				t.Errorf("%d bytes, %s: %d bytes, state %d, and %d bytes, ended %v", size, what, found, state, len(theirs.content), theirs.ended)
			}
		}
	}
}

// What a store wrote can be read by the text alone.
func TestReadersAgreeOnAStore(t *testing.T) {
	t.Parallel()
	dir := home(t)
	r := rows(t, dir)
	s := open(t, dir, r, blobs.Options{})
	for _, size := range sizes {
		id := record(t, s, "porch", "clip", noon, pattern(0, int64(size)))
		file, err := os.ReadFile(filepath.Join(media(dir), id))
		must(t, err)
		got, err := readRecorded(file, mediaKey(t, r, "porch"), true, size)
		if err != nil || !bytes.Equal(got, pattern(0, int64(size))) {
			t.Errorf("%d bytes: %d, %v", size, len(got), err)
		}
	}
}
