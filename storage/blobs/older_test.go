package blobs_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/ingle-home/ingle/storage/blobs"
	"github.com/ingle-home/ingle/storage/records"
)

// keep copies the databases of a closed store, as a backup does.
func keep(t *testing.T, from, to string) {
	t.Helper()
	for _, name := range []string{"core-1.db", "telemetry-1.db"} {
		raw, err := os.ReadFile(filepath.Join(from, name))
		must(t, err)
		must(t, os.WriteFile(filepath.Join(to, name), raw, 0o600))
	}
}

// visit is a hub's life from a start to a stop.
func visit(t *testing.T, dir string, do func(r *records.Store, s *blobs.Store)) {
	t.Helper()
	r := rows(t, dir)
	s := open(t, dir, r, blobs.Options{})
	do(r, s)
	must(t, errors.Join(s.Close(), r.Close()))
}

// A restore of an older backup takes no recording away: not of a camera that was known, and
// not of one that the backup has no key of, once a database comes back that has it.
// What is forgotten goes all the same.
func TestRestoredBackAndForth(t *testing.T) {
	t.Parallel()
	dir, older, newer := home(t), t.TempDir(), t.TempDir()
	var porch, next, garden, later string
	visit(t, dir, func(_ *records.Store, s *blobs.Store) {
		porch = record(t, s, "porch", "clip", noon, content(0, 70_000))
	})
	keep(t, dir, older)
	visit(t, dir, func(_ *records.Store, s *blobs.Store) {
		next = record(t, s, "porch", "clip", noon, content(1, 70_000))
		garden = record(t, s, "garden", "clip", noon, content(2, 70_000))
	})
	keep(t, dir, newer)

	keep(t, older, dir)
	for range 3 { // the second start must not take for forgotten what the first did not know
		visit(t, dir, func(_ *records.Store, s *blobs.Store) {
			wantContent(t, s, porch, content(0, 70_000))
			wantContent(t, s, next, content(1, 70_000))
			if n := len(s.List("")); n != 2 || len(files(t, dir)) != 3 {
				t.Errorf("%d segments, files %q", n, files(t, dir))
			}
		})
	}
	visit(t, dir, func(r *records.Store, s *blobs.Store) {
		later = record(t, s, "garden", "clip", noon, content(3, 70_000)) // under another key
		must(t, r.Forget(within(t), "porch"))
	})
	visit(t, dir, func(_ *records.Store, s *blobs.Store) {
		wantContent(t, s, later, content(3, 70_000))
		if n := len(files(t, dir)); n != 2 || len(s.List("")) != 1 {
			t.Errorf("files %q; those of the porch were forgotten", files(t, dir))
		}
	})
	keep(t, newer, dir)
	for range 2 {
		visit(t, dir, func(_ *records.Store, s *blobs.Store) {
			wantContent(t, s, garden, content(2, 70_000))
			if _, err := s.Open(within(t), later); !errors.Is(err, blobs.ErrNotFound) {
				t.Errorf("of a key that this database never had: %v", err)
			}
		})
	}
}

// It is the mark alone that keeps a file which no key opens: every key changes it, and a
// database that has the folder's own knows all that there were.
func TestMark(t *testing.T) {
	t.Parallel()
	dir, older := home(t), t.TempDir()
	visit(t, dir, func(_ *records.Store, s *blobs.Store) { record(t, s, "porch", "clip", noon, content(0, 10)) })
	keep(t, dir, older)
	path := filepath.Join(media(dir), "mark")
	before, err := os.ReadFile(path)
	must(t, err)
	visit(t, dir, func(_ *records.Store, s *blobs.Store) {
		record(t, s, "porch", "clip", noon, content(1, 10))
		if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
			t.Errorf("changed without a new key: %v", err)
		}
		record(t, s, "garden", "clip", noon, content(2, 10))
		if after, err := os.ReadFile(path); err != nil || string(after) == string(before) {
			t.Errorf("not changed with a new key: %v", err)
		}
	})
	keep(t, older, dir)
	must(t, os.WriteFile(path, before, 0o600))
	visit(t, dir, func(_ *records.Store, s *blobs.Store) {
		if n := len(files(t, dir)); n != 2 || len(s.List("")) != 2 {
			t.Errorf("files %q; control: what no key opens is taken for forgotten", files(t, dir))
		}
	})
}
