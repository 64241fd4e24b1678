package blobs_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ingle-home/ingle/storage"
	"github.com/ingle-home/ingle/storage/blobs"
)

const mib = 1 << 20

// recordings makes segments of one MiB, one per kind and minute.
func recordings(t *testing.T, s *blobs.Store, kinds ...string) (ids []string) {
	t.Helper()
	for i, kind := range kinds {
		ids = append(ids, record(t, s, "porch", kind, noon.Add(time.Duration(i)*time.Minute), content(uint64(i), mib)))
	}
	return ids
}

// left says which of ids are still there, as a string of + and -.
func left(s *blobs.Store, ids []string) string {
	marks := ""
	for _, id := range ids {
		if has(s, id) {
			marks += "+"
		} else {
			marks += "-"
		}
	}
	return marks
}

func TestQuota(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what   string
		limits blobs.Limits
		kept   int
		want   string
		full   bool
	}{
		{what: "no limits", want: "++++++"},
		{what: "nothing may go", limits: blobs.Limits{Bytes: 3 * mib}, want: "++++++", full: true},
		{what: "enough", limits: blobs.Limits{Bytes: 7 * mib, Kinds: []blobs.Limit{{Kind: "day"}}}, want: "++++++"},
		// Six of a MiB each and their tags: two must go.
		{what: "the first kind goes first", limits: blobs.Limits{Bytes: 5 * mib, Kinds: []blobs.Limit{{Kind: "day"}}}, want: "-+-+++"},
		{what: "a kept one stays", kept: 2, limits: blobs.Limits{Bytes: 5 * mib, Kinds: []blobs.Limit{{Kind: "day"}}}, want: "-+++-+"},
		{what: "what does not help is not deleted", limits: blobs.Limits{Bytes: 2 * mib, Kinds: []blobs.Limit{{Kind: "day"}}}, want: "++++++", full: true},
	} {
		t.Run(c.what, func(t *testing.T) {
			dir := home(t)
			s := open(t, dir, rows(t, dir), blobs.Options{})
			ids := recordings(t, s, "day", "clip", "day", "clip", "day", "clip")
			if c.kept > 0 {
				must(t, s.Keep(within(t), ids[c.kept], true))
			}
			s.SetLimits(c.limits)
			deleted, err := s.Tidy(within(t), noon)
			if errors.Is(err, storage.ErrFull) != c.full || !c.full && err != nil {
				t.Errorf("tidy: %v", err)
			}
			if got := left(s, ids); got != c.want {
				t.Errorf("left %s, want %s", got, c.want)
			}
			if n := len(files(t, dir)); n+len(deleted) != len(ids) {
				t.Errorf("%d deleted, %d files", len(deleted), n)
			}
		})
	}
}

// The oldest of a kind goes first, and the second kind only after the first.
func TestOrderOfDeletion(t *testing.T) {
	t.Parallel()
	dir := home(t)
	s := open(t, dir, rows(t, dir), blobs.Options{})
	var days, clips []string
	for i := range 12 { // newest first
		at := noon.Add(-time.Duration(i) * time.Hour)
		days = append(days, record(t, s, "porch", "day", at, content(uint64(i), mib)))
		clips = append(clips, record(t, s, "porch", "clip", at, content(uint64(i), mib)))
	}
	limits := blobs.Limits{Kinds: []blobs.Limit{{Kind: "day"}, {Kind: "clip"}}}
	for _, most := range []int64{20 * mib, 9 * mib} {
		limits.Bytes = most
		s.SetLimits(limits)
		deleted, err := s.Tidy(within(t), noon)
		must(t, err)
		gotDays, gotClips := left(s, days), left(s, clips)
		t.Logf("at most %d: %d deleted, left %s and %s", most, len(deleted), gotDays, gotClips)
		// How much spare room is made is the store's choice; the order is not.
		if !newestFirst(gotDays) || !newestFirst(gotClips) || strings.Contains(gotClips, "-") && strings.Contains(gotDays, "+") {
			t.Errorf("at most %d bytes: left %s and %s", most, gotDays, gotClips)
		}
		if sum := onDisk(t, dir); sum > most || sum == 0 || len(deleted) == 0 {
			t.Errorf("%d bytes are left of at most %d, %d deleted", sum, most, len(deleted))
		}
	}
}

func newestFirst(marks string) bool {
	for i := 1; i < len(marks); i++ {
		if marks[i-1] == '-' && marks[i] == '+' {
			return false
		}
	}
	return true
}

// Recording makes room by itself, and never takes what is being recorded.
func TestRecordingMakesRoom(t *testing.T) {
	t.Parallel()
	dir := home(t)
	s := open(t, dir, rows(t, dir), blobs.Options{Limits: blobs.Limits{Bytes: 12 * mib, Kinds: []blobs.Limit{{Kind: "clip"}}}})
	for i := range 20 {
		record(t, s, "porch", "clip", noon.Add(time.Duration(i)*time.Minute), content(uint64(i), mib))
		if n := onDisk(t, dir); n > 12*mib {
			t.Fatalf("%d bytes after %d recordings", n, i+1)
		}
	}
	w, err := s.Create(within(t), "porch", "clip", noon)
	must(t, err)
	long := content(77, 14*mib)
	n, err := w.Write(long)
	if !errors.Is(err, storage.ErrFull) || n < 11*mib || n > 12*mib {
		t.Errorf("one that is larger than the quota: %d bytes, %v", n, err)
	}
	s.SetLimits(blobs.Limits{})
	_, err = w.Write(long[n:])
	must(t, err)
	must(t, w.Close())
	wantContent(t, s, w.ID(), long)
}

func onDisk(t *testing.T, dir string) (sum int64) {
	for _, name := range files(t, dir) {
		info, err := os.Stat(filepath.Join(media(dir), name))
		must(t, err)
		sum += info.Size()
	}
	return sum
}

func TestAge(t *testing.T) {
	t.Parallel()
	dir := home(t)
	s := open(t, dir, rows(t, dir), blobs.Options{})
	day := 24 * time.Hour
	ids := recordings(t, s, "clip", "alarm", "clip", "clip")
	must(t, s.Keep(within(t), ids[2], true))
	s.SetLimits(blobs.Limits{Kinds: []blobs.Limit{{Kind: "clip", Age: 7 * day}}})
	for _, c := range []struct {
		after time.Duration
		want  string
	}{
		{7 * day, "++++"},
		{7*day + time.Second, "-+++"},
		{-10 * 365 * day, "-+++"}, // the clock fell back
		{8 * day, "-++-"},
	} {
		_, err := s.Tidy(within(t), noon.Add(c.after))
		must(t, err)
		if got := left(s, ids); got != c.want {
			t.Errorf("after %v: left %s, want %s", c.after, got, c.want)
		}
	}
	must(t, s.Keep(within(t), ids[2], false))
	deleted, err := s.Tidy(within(t), noon.Add(8*day))
	must(t, err)
	if len(deleted) != 1 || deleted[0].ID != ids[2] || deleted[0].Size != mib {
		t.Errorf("given up: %+v", deleted)
	}
}

// Some of the disk stays free for everything else.
func TestFreeSpaceFloor(t *testing.T) {
	t.Parallel()
	dir := home(t)
	disk := &brokenDisk{}
	disk.room.Store(1 << 40)
	s := open(t, dir, rows(t, dir), blobs.Options{}.On(disk))
	ids := recordings(t, s, "clip", "clip", "alarm")
	s.SetLimits(blobs.Limits{Free: 100 * mib, Kinds: []blobs.Limit{{Kind: "clip"}}})
	disk.said.Store(101 * mib)
	if deleted, err := s.Tidy(within(t), noon); err != nil || len(deleted) != 0 {
		t.Errorf("above the floor: %d deleted, %v", len(deleted), err)
	}
	disk.said.Store(100*mib - 1000)
	if deleted, err := s.Tidy(within(t), noon); err != nil || len(deleted) == 0 || left(s, ids)[2] != '+' {
		t.Errorf("below the floor: %d deleted, left %s, %v", len(deleted), left(s, ids), err)
	}
	if _, err := s.Create(within(t), "porch", "clip", noon); !errors.Is(err, storage.ErrFull) {
		t.Errorf("a recording where nothing may give way: %v", err)
	}
	disk.said.Store(200 * mib)
	record(t, s, "porch", "clip", noon, content(1, 10))
}
