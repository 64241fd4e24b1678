package blobs_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/ingle-home/ingle/storage"
	"github.com/ingle-home/ingle/storage/blobs"
	"github.com/ingle-home/ingle/storage/records"
)

// Forget ends all use of a subject's segments at once; nobody else's are touched.
func TestForget(t *testing.T) {
	t.Parallel()
	dir := home(t)
	r := rows(t, dir)
	s := open(t, dir, r, blobs.Options{})
	old := record(t, s, "mia", "clip", noon, content(1, 200_000))
	other := record(t, s, "sam", "clip", noon, content(2, 200_000))
	must(t, s.Keep(within(t), old, true)) // protects from limits, not from this
	copied, err := os.ReadFile(filepath.Join(media(dir), old))
	must(t, err)
	rd, err := s.Open(within(t), old)
	must(t, err)
	w, err := s.Create(within(t), "mia", "clip", noon)
	must(t, err)
	_, err = w.Write(content(3, 100_000))
	must(t, err)

	must(t, s.Forget(within(t), "mia"))
	if _, err := rd.ReadAt(make([]byte, 10), 0); !errors.Is(err, blobs.ErrNotFound) {
		t.Errorf("an open reader: %v", err)
	}
	if _, err := w.Write([]byte{1}); !errors.Is(err, blobs.ErrNotFound) {
		t.Errorf("an open writer: %v", err)
	}
	if err := w.Close(); !errors.Is(err, blobs.ErrNotFound) {
		t.Errorf("closing the writer: %v", err)
	}
	if _, err := s.Open(within(t), old); !errors.Is(err, blobs.ErrNotFound) {
		t.Errorf("opening: %v", err)
	}
	if n := len(s.List("mia")); n != 0 || len(files(t, dir)) != 1 {
		t.Errorf("%d segments are listed, files %q", n, files(t, dir))
	}
	for _, kind := range blobs.Personal() {
		list, err := r.List(within(t), kind)
		must(t, err)
		if len(list) != 1 || list[0].Subject != "sam" {
			t.Errorf("%d rows of kind %s are left", len(list), kind)
		}
	}
	must(t, s.Forget(within(t), "mia")) // twice is no error

	// Recorded again she has a new key: an old copy of the file stays closed.
	again := record(t, s, "mia", "clip", noon, content(4, 10))
	if _, err := blobs.ReadAll(bytesAt(copied), int64(len(copied)), blobs.Segment{Size: 200_000, State: blobs.Complete}, mediaKey(t, r, "mia")); !errors.Is(err, blobs.ErrDamaged) {
		t.Errorf("an old copy with the new key: %v", err)
	}
	must(t, s.Close())
	s = open(t, dir, r, blobs.Options{})
	wantContent(t, s, other, content(2, 200_000))
	wantContent(t, s, again, content(4, 10))
}

// records.Forget alone makes the segments unreadable, and the next start deletes
// the files.
func TestForgottenByRecords(t *testing.T) {
	t.Parallel()
	dir := home(t)
	r := rows(t, dir)
	s := open(t, dir, r, blobs.Options{})
	gone := record(t, s, "mia", "clip", noon, content(1, 200_000))
	other := record(t, s, "sam", "clip", noon, content(2, 200_000))
	must(t, r.Forget(within(t), "mia"))
	if _, err := s.Open(within(t), gone); !errors.Is(err, blobs.ErrNotFound) {
		t.Errorf("opening: %v", err)
	}
	must(t, s.Close())
	s = open(t, dir, r, blobs.Options{})
	if names := files(t, dir); len(names) != 1 || names[0] != other {
		t.Errorf("files %q", names)
	}
	wantContent(t, s, other, content(2, 200_000))
}

// stopping is a database that fails from the nth change on, as a crash does.
type stopping struct {
	blobs.Rows
	left int
}

var errStopped = errors.New("stopped")

func (s *stopping) Put(ctx context.Context, rs ...records.Record) error {
	if s.left--; s.left < 0 {
		return errStopped
	}
	return s.Rows.Put(ctx, rs...)
}

func (s *stopping) Delete(ctx context.Context, kind string, ids ...string) error {
	if s.left--; s.left < 0 {
		return errStopped
	}
	return s.Rows.Delete(ctx, kind, ids...)
}

// A Forget that stops at any step is finished by the next start, or was not
// begun; a Delete as well.
func TestForgetStopped(t *testing.T) {
	t.Parallel()
	for left := range 3 {
		for _, what := range []string{"forget", "delete"} {
			dir := home(t)
			r := rows(t, dir)
			s := open(t, dir, r, blobs.Options{})
			record(t, s, "sam", "clip", noon, content(2, 10))
			a := record(t, s, "mia", "clip", noon, content(1, 70_000))
			b := record(t, s, "mia", "clip", noon, content(1, 70_000))
			must(t, s.Close())
			s = open(t, dir, &stopping{r, left}, blobs.Options{})
			var err error
			if what == "forget" {
				err = s.Forget(within(t), "mia")
			} else {
				err = s.Delete(within(t), a, b)
			}
			if begun := left > 0 || what == "delete"; (err == nil) != (left > 0 && what == "delete" || left > 1) {
				t.Fatalf("%s after %d changes: %v", what, left, err)
			} else if _, err := s.Open(within(t), a); err == nil {
				t.Errorf("%s after %d changes: still readable", what, left)
			} else if s.Close(); begun {
				s = open(t, dir, r, blobs.Options{})
				if n := len(files(t, dir)); n != 1 || len(s.List("")) != 1 {
					t.Errorf("%s after %d changes: %d files, list %+v", what, left, n, s.List(""))
				}
			}
			must(t, r.Close())
		}
	}
}

// fullUntilEmptied is a database that has no room as long as the segments take it.
type fullUntilEmptied struct {
	blobs.Rows
	folder string
}

func (f fullUntilEmptied) Delete(ctx context.Context, kind string, ids ...string) error {
	names, err := filepath.Glob(filepath.Join(f.folder, "[0-9a-f]*"))
	for _, name := range names {
		if info, err := os.Stat(name); err == nil && info.Size() > 0 {
			return storage.ErrFull
		}
	}
	return errors.Join(err, f.Rows.Delete(ctx, kind, ids...))
}

// On a full disk forgetting works too.
func TestForgetOnFullDisk(t *testing.T) {
	t.Parallel()
	dir := home(t)
	r := rows(t, dir)
	s := open(t, dir, fullUntilEmptied{r, media(dir)}, blobs.Options{})
	record(t, s, "mia", "clip", noon, content(1, 100_000))
	record(t, s, "mia", "clip", noon, content(1, 100_000))
	must(t, s.Forget(within(t), "mia"))
	if len(s.List("")) != 0 || len(files(t, dir)) != 0 {
		t.Errorf("left: %+v, %q", s.List(""), files(t, dir))
	}
	if _, err := r.Get(within(t), "media-key", "mia"); !errors.Is(err, records.ErrNotFound) {
		t.Errorf("the media key: %v", err)
	}
}

// A folder of segments beside a database that never heard of it is not taken
// for rubbish.
func TestStrangeDatabase(t *testing.T) {
	t.Parallel()
	dir, elsewhere := home(t), home(t)
	s := open(t, dir, rows(t, dir), blobs.Options{})
	record(t, s, "mia", "clip", noon, content(1, 10))
	must(t, s.Close())
	if _, err := blobs.Open(within(t), dir, rows(t, elsewhere), blobs.Options{}); !errors.Is(err, blobs.ErrDamaged) {
		t.Errorf("opened with a new database: %v", err)
	}
	if len(files(t, dir)) != 1 {
		t.Error("the segment was deleted")
	}
}

// After an older database came back the segments that it does not know are
// found again by their key; those that no key opens go.
func TestOlderDatabase(t *testing.T) {
	t.Parallel()
	dir := home(t)
	r := rows(t, dir)
	s := open(t, dir, r, blobs.Options{})
	known := record(t, s, "mia", "clip", noon, content(1, 70_000))
	newer := record(t, s, "mia", "clip", noon, content(2, 70_000))
	must(t, s.Close())
	must(t, r.Delete(within(t), "segment", newer))
	foreign := filepath.Join(media(dir), "00112233445566778899aabbccddeeff")
	must(t, os.WriteFile(foreign, blobs.Seal(content(9, 32), content(3, 10)), 0o600))
	must(t, os.WriteFile(filepath.Join(media(dir), "lost+found"), nil, 0o600))
	s = open(t, dir, r, blobs.Options{})
	for range 2 {
		wantContent(t, s, known, content(1, 70_000))
		wantContent(t, s, newer, content(2, 70_000))
		if g := find(t, s, newer); g.Subject != "mia" || g.Kind != "found" || g.State != blobs.Complete {
			t.Errorf("found as %+v", g)
		}
		if n := len(files(t, dir)); n != 3 {
			t.Errorf("files %q", files(t, dir))
		}
		must(t, s.Close())
		s = open(t, dir, r, blobs.Options{})
	}
}

// Nobody is recorded under a new key before the old segments are gone, which under it
// would seem to be damaged.
func TestRecordedAgainAfterHalfAForget(t *testing.T) {
	t.Parallel()
	dir := home(t)
	r := rows(t, dir)
	s := open(t, dir, r, blobs.Options{})
	record(t, s, "mia", "clip", noon, content(1, 70_000))
	other := record(t, s, "sam", "clip", noon, content(2, 70_000))
	must(t, s.Close())
	stops := &stopping{r, 1}
	s = open(t, dir, stops, blobs.Options{})
	if err := s.Forget(within(t), "mia"); !errors.Is(err, errStopped) {
		t.Fatalf("control: %v", err)
	}
	if _, err := s.Create(within(t), "mia", "clip", noon); !errors.Is(err, records.ErrForgetting) {
		t.Errorf("recorded again, with the rows there: %v", err)
	}
	stops.left = 1000
	again := record(t, s, "mia", "clip", noon, content(3, 70_000))
	for range 2 {
		wantContent(t, s, other, content(2, 70_000))
		wantContent(t, s, again, content(3, 70_000))
		if n := len(files(t, dir)); n != 2 || len(s.List("")) != 2 {
			t.Errorf("%d files, list %+v", n, s.List(""))
		}
		must(t, s.Close())
		s = open(t, dir, r, blobs.Options{})
	}
}

// leaving is a database whose caller goes away once the media key is deleted.
type leaving struct {
	blobs.Rows
	leave context.CancelFunc
}

func (l leaving) Delete(ctx context.Context, kind string, ids ...string) error {
	err := l.Rows.Delete(ctx, kind, ids...)
	l.leave()
	return err
}

func TestForgetOutlivesItsCaller(t *testing.T) {
	t.Parallel()
	dir := home(t)
	ctx, cancel := context.WithCancel(within(t))
	s := open(t, dir, leaving{rows(t, dir), cancel}, blobs.Options{})
	record(t, s, "mia", "clip", noon, content(1, 70_000))
	if err := s.Forget(ctx, "mia"); err != nil {
		t.Errorf("the caller went away: %v", err)
	}
	if len(s.List("")) != 0 || len(files(t, dir)) != 0 {
		t.Errorf("left: %+v, %q", s.List(""), files(t, dir))
	}
}
