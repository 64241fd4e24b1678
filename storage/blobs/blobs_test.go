package blobs_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/ingle-home/ingle/storage/blobs"
	"github.com/ingle-home/ingle/storage/records"
)

// sizes are those at which a chunk begins or ends.
var sizes = []int{0, 1, 4096, blobs.ChunkSize - 1, blobs.ChunkSize, blobs.ChunkSize + 1,
	3*blobs.ChunkSize - 1, 3 * blobs.ChunkSize, 3*blobs.ChunkSize + 77}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	dir := home(t)
	r := rows(t, dir)
	s := open(t, dir, r, blobs.Options{})
	ids := make(map[int]string)
	for _, n := range sizes {
		ids[n] = record(t, s, "porch", "clip", noon, content(uint64(n), n))
	}
	for range 2 { // the second time after a restart
		for n, id := range ids {
			wantContent(t, s, id, content(uint64(n), n))
			rd, err := s.Open(within(t), id)
			must(t, err)
			if n > 0 { // TestReader cannot read nothing
				if err := iotest.TestReader(rd, content(uint64(n), n)); err != nil {
					t.Errorf("%d bytes: %v", n, err)
				}
			}
			if g := find(t, s, id); g.State != blobs.Complete || g.Size != int64(n) || rd.Size() != g.Size || !rd.Complete() {
				t.Errorf("%d bytes are listed as %+v, and the reader has %d", n, g, rd.Size())
			}
			info, err := os.Stat(filepath.Join(media(dir), id))
			must(t, err)
			if g := find(t, s, id); info.Size() != g.Stored() {
				t.Errorf("%d bytes take %d, said %d", n, info.Size(), g.Stored())
			}
			must(t, rd.Close())
		}
		must(t, s.Close())
		s = open(t, dir, r, blobs.Options{})
	}
}

func TestRandomAccess(t *testing.T) {
	t.Parallel()
	dir := home(t)
	s := open(t, dir, rows(t, dir), blobs.Options{})
	whole := content(1, 9*blobs.ChunkSize+1234)
	rd, err := s.Open(within(t), record(t, s, "porch", "clip", noon, whole))
	must(t, err)
	random := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		at := random.IntN(len(whole))
		p := make([]byte, random.IntN(3*blobs.ChunkSize))
		n, err := rd.ReadAt(p, int64(at))
		want := min(len(p), len(whole)-at)
		if n != want || !bytes.Equal(p[:n], whole[at:at+n]) || (err != nil) != (n < len(p)) || err != nil && err != io.EOF {
			t.Fatalf("%d bytes at %d: %d, %v", len(p), at, n, err)
		}
	}
	if _, err := rd.Seek(-10, io.SeekEnd); err != nil {
		t.Error(err)
	}
	if tail, err := io.ReadAll(rd); err != nil || !bytes.Equal(tail, whole[len(whole)-10:]) {
		t.Errorf("the last ten bytes: %x, %v", tail, err)
	}
	if _, err := rd.Seek(-1, io.SeekStart); err == nil {
		t.Error("a seek before the start succeeded")
	}
	if _, err := rd.ReadAt(make([]byte, 1), -1); err == nil || err == io.EOF {
		t.Errorf("a read before the start: %v", err)
	}
	must(t, rd.Close())
	if _, err := rd.ReadAt(make([]byte, 1), 0); !errors.Is(err, blobs.ErrClosed) {
		t.Errorf("a read after Close: %v", err)
	}
}

// A recording can be watched while it goes on, up to the last full chunk.
func TestReadWhileRecording(t *testing.T) {
	t.Parallel()
	dir := home(t)
	s := open(t, dir, rows(t, dir), blobs.Options{})
	w, err := s.Create(within(t), "porch", "clip", noon)
	must(t, err)
	whole := content(2, 3*blobs.ChunkSize-10)
	_, err = w.Write(whole)
	must(t, err)
	rd, err := s.Open(within(t), w.ID())
	must(t, err)
	defer rd.Close()
	got, err := io.ReadAll(rd)
	if err != nil || rd.Complete() || !bytes.Equal(got, whole[:2*blobs.ChunkSize]) {
		t.Errorf("%d bytes, complete %v, %v", len(got), rd.Complete(), err)
	}
	if g := find(t, s, w.ID()); g.State != blobs.Recording || g.Size != 2*blobs.ChunkSize || w.Size() != int64(len(whole)) {
		t.Errorf("listed as %+v; the writer took %d", g, w.Size())
	}
	w.Note([]byte("key frames at 0, 70000"))
	must(t, s.Keep(within(t), w.ID(), true))
	must(t, w.Close())
	wantContent(t, s, w.ID(), whole)
	g := find(t, s, w.ID())
	if g.State != blobs.Complete || !g.Kept || string(g.Note) != "key frames at 0, 70000" || g.End.IsZero() || !g.At.Equal(noon) {
		t.Errorf("listed as %+v", g)
	}
	if _, err := w.Write([]byte{1}); !errors.Is(err, blobs.ErrClosed) {
		t.Errorf("a write after Close: %v", err)
	}
	if err := w.Close(); !errors.Is(err, blobs.ErrClosed) {
		t.Errorf("a second Close: %v", err)
	}
}

// Writers of many cameras at once, with readers, lists and deletions between.
func TestConcurrent(t *testing.T) {
	t.Parallel()
	dir := home(t)
	s := open(t, dir, rows(t, dir), blobs.Options{Sync: time.Millisecond})
	var all sync.WaitGroup
	for camera := range 4 {
		all.Go(func() {
			subject := fmt.Sprint("camera ", camera%2)
			for i := range 6 {
				want := content(uint64(camera*100+i), 50_000*i)
				id := record(t, s, subject, "clip", noon.Add(time.Duration(i)*time.Minute), want)
				wantContent(t, s, id, want)
				if s.Usage(); i%3 == 2 {
					must(t, s.Delete(within(t), id))
				}
			}
		})
	}
	all.Wait()
	if n := len(s.List("")); n != 16 || len(s.List("camera 0")) != 8 {
		t.Errorf("%d segments are listed, %d of camera 0", n, len(s.List("camera 0")))
	}
	if n := len(files(t, dir)); n != 16 {
		t.Errorf("%d files", n)
	}
}

func TestListAndUsage(t *testing.T) {
	t.Parallel()
	dir := home(t)
	s := open(t, dir, rows(t, dir), blobs.Options{})
	late := record(t, s, "porch", "clip", noon.Add(time.Hour), content(1, 100))
	early := record(t, s, "porch", "clip", noon, content(2, 70_000))
	other := record(t, s, "garden", "still", noon.Add(time.Minute), content(3, 5))
	var order []string
	for _, g := range s.List("") {
		order = append(order, g.ID)
	}
	if !slices.Equal(order, []string{early, other, late}) {
		t.Errorf("the order is not by time: %q", order)
	}
	want := []blobs.Usage{
		{Subject: "garden", Segments: 1, Bytes: 64 + 5 + 16, Oldest: noon.Add(time.Minute)},
		{Subject: "porch", Segments: 2, Bytes: 2*64 + 100 + 16 + 70_000 + 32, Oldest: noon},
	}
	if got := s.Usage(); !slices.Equal(got, want) {
		t.Errorf("usage %+v, want %+v", got, want)
	}
	if _, err := s.Create(within(t), "", "clip", noon); !errors.Is(err, records.ErrNoSubject) {
		t.Errorf("nobody's segment: %v", err)
	}
}

// What lies in the folder says nothing: random names, closed modes, noise.
func TestFilesSayNothing(t *testing.T) {
	t.Parallel()
	dir := home(t)
	s := open(t, dir, rows(t, dir), blobs.Options{})
	zeros := make([]byte, 2<<20)
	for range 2 {
		record(t, s, "porch", "clip", noon, zeros)
	}
	form := regexp.MustCompile(`^[0-9a-f]{32}$`)
	var heads [][]byte
	for _, name := range files(t, dir) {
		path := filepath.Join(media(dir), name)
		info, err := os.Stat(path)
		must(t, err)
		if !form.MatchString(name) || info.Mode() != 0o600 {
			t.Errorf("%s has mode %v", name, info.Mode())
		}
		raw, err := os.ReadFile(path)
		must(t, err)
		heads = append(heads, raw[8:64])
		if x := chiSquare(raw[blobs.HeaderSize:]); x < 180 || x > 340 {
			t.Errorf("chi-square of the chunks is %.0f", x)
		}
	}
	if info, err := os.Stat(media(dir)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder has mode %v, %v", info.Mode(), err)
	}
	// Nothing tells that two segments are of one subject.
	for i := 0; i < 56; i += 8 {
		if bytes.Equal(heads[0][i:i+8], heads[1][i:i+8]) {
			t.Errorf("two headers share the bytes from %d", i+8)
		}
	}
	if x := chiSquare(zeros); x < 1000 {
		t.Errorf("control: the chi-square of zeros is %.0f", x)
	}
}

// chiSquare of byte values has 255 degrees of freedom: 255 ± 23 for noise.
func chiSquare(b []byte) float64 {
	var count [256]float64
	for _, v := range b {
		count[v]++
	}
	want, sum := float64(len(b))/256, 0.0
	for _, n := range count {
		sum += (n - want) * (n - want) / want
	}
	return sum
}

// No key seals two things under one nonce, whatever happens to the disk.
func TestNonces(t *testing.T) {
	t.Parallel()
	dir := home(t)
	seen := make(map[string]bool)
	var mu sync.Mutex
	disk := &brokenDisk{}
	o := blobs.Options{}.On(disk).Watched(func(key, nonce []byte) {
		mu.Lock()
		defer mu.Unlock()
		pair := string(key) + string(nonce)
		if len(key) != 32 || len(nonce) != 24 || seen[pair] {
			t.Errorf("key of %d and nonce %x: seen before: %v", len(key), nonce, seen[pair])
		}
		seen[pair] = true
	})
	s := open(t, dir, rows(t, dir), o)
	for i := range 3 {
		w, err := s.Create(within(t), "porch", "clip", noon)
		must(t, err)
		for rest := content(uint64(i), 4*blobs.ChunkSize+5); len(rest) > 0; {
			disk.room.Store(int64(rand.IntN(100_000)))
			n, _ := w.Write(rest)
			rest = rest[n:]
		}
		disk.room.Store(0)
		if err := w.Close(); err == nil {
			t.Error("control: the disk was not full")
		}
		disk.room.Store(1 << 20)
		must(t, w.Close())
		wantContent(t, s, w.ID(), content(uint64(i), 4*blobs.ChunkSize+5))
	}
	if len(seen) != 15 {
		t.Errorf("%d chunks were sealed, want 15", len(seen))
	}
}
