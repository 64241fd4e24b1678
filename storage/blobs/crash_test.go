package blobs_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ingle-home/ingle/storage/blobs"
	"golang.org/x/sys/unix"
)

// kills is how often the recorder is killed, and INGLE_SOAK=1 kills it more often.
func kills() int {
	switch {
	case os.Getenv("INGLE_SOAK") != "":
		return 500
	case testing.Short():
		return 10
	}
	return 100
}

// After kill -9 while two cameras record every segment opens, a closed one is
// whole, and an open one lost less than the chunk that was being filled.
func TestKill(t *testing.T) {
	t.Parallel()
	states := make(map[blobs.State]int)
	dir, longest := home(t), pattern(0, 600_000)
	earlier := make(map[string]int64) // sizes that earlier rounds found
	for round := range kills() {
		if round%5 == 4 { // the looks at all that there is take longer and longer
			dir, earlier = home(t), make(map[string]int64)
		}
		said := recordAndKill(t, dir, 1+rand.IntN(40))
		r := rows(t, dir)
		s := open(t, dir, r, blobs.Options{})
		said.hold(t, s)
		for _, g := range s.List("") {
			wantContent(t, s, g.ID, longest[:g.Size])
			if size, known := earlier[g.ID]; known && size != g.Size {
				t.Errorf("a segment of an earlier round had %d bytes, now %d", size, g.Size)
			}
			earlier[g.ID] = g.Size
			states[g.State]++
		}
		if n := len(files(t, dir)); n != len(s.List("")) {
			t.Errorf("%d files, %d segments", n, len(s.List("")))
		}
		must(t, s.Close())
		must(t, r.Close())
	}
	t.Logf("%d kills: %d looks at truncated segments, %d at complete ones", kills(), states[blobs.Truncated], states[blobs.Complete])
	if states[blobs.Truncated] < kills()/2 || states[blobs.Complete] < kills()/3 {
		t.Error("too little was recorded to prove anything")
	}
	if len(states) != 2 {
		t.Errorf("segments in the states %v", states)
	}
}

// acknowledged is what a killed recorder said that it had written.
type acknowledged struct {
	sizes  map[string]int64
	closed map[string]bool
}

// recordAndKill lets a child record until it said so many lines.
func recordAndKill(t *testing.T, dir string, lines int) acknowledged {
	t.Helper()
	a := acknowledged{make(map[string]int64), make(map[string]bool)}
	note := func(line string) {
		var what, id string
		var size int64
		if n, _ := fmt.Sscan(line, &what, &id, &size); n == 3 {
			a.sizes[id], a.closed[id] = size, what == "closed"
		}
	}
	c := start(t, "record", dir)
	for range lines {
		note(c.says(t))
	}
	for _, line := range c.kill() {
		note(line)
	}
	return a
}

// hold checks what a store still has of it.
func (a acknowledged) hold(t *testing.T, s *blobs.Store) {
	t.Helper()
	for id, size := range a.sizes {
		if size < blobs.ChunkSize && !has(s, id) {
			continue // nothing was sealed yet
		}
		g := find(t, s, id)
		switch {
		case a.closed[id] && (g.State != blobs.Complete || g.Size != size):
			t.Errorf("closed with %d bytes, now %d, state %d", size, g.Size, g.State)
		case !a.closed[id] && g.Size <= size-blobs.ChunkSize:
			t.Errorf("%d bytes were written, %d are left", size, g.Size)
		}
	}
}

// After kill -9 amid deletions the list and the folder agree, what is listed is
// whole, and nobody who was forgotten comes back.
func TestKillAmidDeletions(t *testing.T) {
	t.Parallel()
	dir := home(t)
	for range kills() / 5 {
		c := start(t, "churn", dir)
		var forgotten []string
		for range 1 + rand.IntN(6) {
			forgotten = append(forgotten, c.says(t))
		}
		forgotten = append(forgotten, c.kill()...)
		r := rows(t, dir)
		s := open(t, dir, r, blobs.Options{})
		list := s.List("")
		if n := len(files(t, dir)); n != len(list) {
			t.Errorf("%d files, %d segments", n, len(list))
		}
		for _, g := range list {
			wantContent(t, s, g.ID, pattern(0, g.Size))
			if slices.Contains(forgotten, g.Subject) {
				t.Errorf("of somebody who was forgotten: %+v", g)
			}
		}
		keys, err := r.List(within(t), "media-key")
		must(t, err)
		for _, k := range keys {
			if slices.Contains(forgotten, k.Subject) {
				t.Error("the media key of somebody who was forgotten is there")
			}
		}
		must(t, s.Close())
		must(t, r.Close())
	}
}

// A power cut leaves any part of what was not synced: the file ends anywhere, or
// has its length and not its content. What was whole before it opens.
func TestPowerCut(t *testing.T) {
	t.Parallel()
	key, want := content(8, 32), content(9, 5*blobs.ChunkSize+999)
	whole := blobs.Seal(key, want)
	random := rand.New(rand.NewPCG(3, 4))
	for i := range 150 {
		synced := random.IntN(5) // chunks
		raw := bytes.Clone(whole)
		after := blobs.HeaderSize + synced*blobs.SealedSize
		cut := after + random.IntN(len(raw)-after)
		switch i % 3 {
		case 0: // cut
			raw = raw[:cut]
		case 1: // zeros from there
			clear(raw[cut:])
		case 2: // of the right length, and other bytes
			copy(raw[after:], content(uint64(i), len(raw)-after))
			if random.IntN(2) == 0 {
				raw = raw[:cut]
			}
		}
		size, state, err := blobs.Measure(bytes.NewReader(raw), int64(len(raw)), key)
		if synced == 0 && size == 0 && err != nil {
			continue // nothing was there yet
		}
		if err != nil || size < int64(synced*blobs.ChunkSize) || state != blobs.Truncated {
			t.Fatalf("%d chunks were synced, %d bytes are left, state %d: %v", synced, size, state, err)
		}
		g := blobs.Segment{Size: size, State: state}
		got, err := blobs.ReadAll(bytes.NewReader(raw), g.Stored(), g, key)
		if err != nil || !bytes.Equal(got, want[:size]) {
			t.Fatalf("%d bytes of %d, %v", len(got), size, err)
		}
	}
}

// A segment whose header never reached the disk was never begun.
func TestStartWithoutHeader(t *testing.T) {
	t.Parallel()
	for _, length := range []int{0, 1, 63, 64, 100} {
		key := content(1, 32)
		raw := blobs.Seal(key, nil)[:64]
		raw = append(raw, make([]byte, 100)...)[:length]
		if size, _, err := blobs.Measure(bytes.NewReader(raw), int64(length), key); err == nil {
			t.Errorf("%d bytes of a file are a segment of %d", length, size)
		}
	}
}

// spellings are the forms in which the marker would show.
func spellings() map[string][]byte {
	forms := map[string][]byte{
		"raw": []byte(marker), "hex": []byte(hex.EncodeToString([]byte(marker))),
		"base64": []byte(base64.RawStdEncoding.EncodeToString([]byte(marker))[:20]),
	}
	var wide []byte
	for _, b := range []byte(marker) {
		wide = append(wide, b, 0)
	}
	forms["UTF-16"] = wide
	return forms
}

// hits counts the marker below dir. The databases are open in another process.
func hits(t *testing.T, dir string) (found, searched int) {
	t.Helper()
	must(t, filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		for form, b := range spellings() {
			if n := bytes.Count(raw, b) + strings.Count(path, string(b)); n > 0 {
				t.Logf("%s: %d times as %s", path, n, form)
				found += n
			}
		}
		searched++
		return err
	}))
	return found, searched
}

func TestNothingInTheClear(t *testing.T) {
	t.Parallel()
	dir := home(t)
	c := start(t, "plant", dir)
	if got := c.says(t); got != "ready" {
		t.Fatal(got)
	}
	whileOpen, searched := hits(t, dir)
	c.kill()
	after, _ := hits(t, dir)
	if whileOpen != 0 || after != 0 {
		t.Errorf("the marker is on disk: %d times while open, %d after the kill", whileOpen, after)
	}
	if searched < 8 {
		t.Errorf("only %d files were searched", searched)
	}
	s := open(t, dir, rows(t, dir), blobs.Options{})
	list := s.List("")
	if len(list) != 4 || list[0].Kind != "clip "+marker {
		t.Fatalf("%d segments, of kind %q", len(list), list[0].Kind)
	}
	got, err := readAll(s, list[0].ID)
	if err != nil || bytes.Count(got, []byte(marker)) < 15_000 {
		t.Errorf("control: the content shows the marker %d times, %v", bytes.Count(got, []byte(marker)), err)
	}
	must(t, os.WriteFile(filepath.Join(dir, "control"), got, 0o600))
	if n, _ := hits(t, dir); n < 15_000 {
		t.Errorf("control: a clear file shows %d hits", n)
	}
}

// On a disk that is really full the recorder is told, and goes on where it was
// once something may give way.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=4m"); err != nil {
		t.Skipf("needs the right to mount a small tmpfs (run as root to see it): %v", err)
	}
	t.Cleanup(func() { unix.Unmount(dir, 0) })
	must(t, giveKeys(dir))
	c := start(t, "full", dir)
	line := c.says(t)
	if err := c.cmd.Wait(); err != nil {
		t.Fatalf("the child: %v", err)
	}
	var id string
	var size, full int64
	_, err := fmt.Sscan(line, &id, &size, &full)
	must(t, err)
	t.Logf("full after %d bytes, went on to %d", full, size)
	r := rows(t, dir)
	s := open(t, dir, r, blobs.Options{})
	wantContent(t, s, id, pattern(0, size))
	if g := find(t, s, id); g.State != blobs.Complete || len(s.List("")) != 1 {
		t.Errorf("%d segments, this one %+v", len(s.List("")), g)
	}
	must(t, s.Close())
	must(t, r.Close())
}
