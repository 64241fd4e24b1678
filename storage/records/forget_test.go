package records_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ingle-home/ingle/storage/records"
	"github.com/ingle-home/ingle/storage/vfs/vfstest"
)

// plainHits counts a word in the deciphered pages and log frames of a store that
// is open. SQLite's own layer opens the files, so its locks stay.
func plainHits(t *testing.T, s *records.Store, dir, word string) (n int) {
	t.Helper()
	for _, table := range []string{"record", "reading"} {
		path := filepath.Join(dir, map[string]string{"record": "core-1.db", "reading": "telemetry-1.db"}[table])
		for suffix, kind := range map[string]int{"": vfstest.MainDB, "-wal": vfstest.WAL} {
			f, err := vfstest.Open(records.VFSName(s, table), path+suffix, vfstest.ReadWriteCreate|kind)
			must(t, err)
			at, step := int64(0), int64(4096)
			if suffix != "" {
				at, step = 32+24, 4096+24
			}
			page := make([]byte, 4096)
			for ; f.Read(page, at) == nil; at += step {
				n += bytes.Count(page, []byte(word))
			}
			must(t, f.Close())
		}
	}
	return n
}

func plantTwo(t *testing.T, s *records.Store) {
	t.Helper()
	ctx := within(t)
	for i := range 300 {
		for _, who := range []string{"mia-7f3a", "noor-91c2"} {
			r := records.Record{Kind: "place", ID: fmt.Sprint(who, " ", i), Subject: who, At: at(i), Body: []byte("near the " + who)}
			must(t, s.Put(ctx, r))
			must(t, s.Append(ctx, r))
			if i < 250 {
				continue
			}
			r.Body = []byte(strings.Repeat("long ", 3000)) // reaches overflow pages
			must(t, s.Put(ctx, r))
		}
	}
	must(t, s.Flush(ctx))
}

func TestForget(t *testing.T) {
	t.Parallel()
	dir, ctx := home(t), within(t)
	s := open(t, dir)
	plantTwo(t, s)
	must(t, s.Append(ctx, records.Record{Kind: "place", ID: "queued", Subject: "mia-7f3a", At: at(999)}))
	if n := plainHits(t, s, dir, "mia-7f3a"); n < 600 {
		t.Fatalf("control: only %d hits before", n)
	}
	must(t, s.Forget(ctx, "mia-7f3a"))
	must(t, s.Forget(ctx, "mia-7f3a")) // and again
	must(t, s.Forget(ctx, "nobody"))

	check := func() {
		t.Helper()
		if _, err := s.Get(ctx, "place", "mia-7f3a 7"); !errors.Is(err, records.ErrNotFound) {
			t.Errorf("a forgotten record: %v", err)
		}
		if got, err := s.Query(ctx, records.Query{Subject: "mia-7f3a"}); err != nil || len(got) != 0 {
			t.Errorf("%d forgotten readings, %v", len(got), err)
		}
		if got, err := s.Query(ctx, records.Query{Subject: "noor-91c2"}); err != nil || len(got) != 300 {
			t.Errorf("%d readings of the other subject, %v", len(got), err)
		}
		if got, err := s.Get(ctx, "place", "noor-91c2 7"); err != nil || string(got.Body) != "near the noor-91c2" {
			t.Errorf("the other subject: %q, %v", got.Body, err)
		}
	}
	check()
	if n := plainHits(t, s, dir, "mia-7f3a"); n != 0 {
		t.Errorf("%d hits in the deciphered pages", n)
	}
	for _, name := range []string{"core-1.db-wal", "telemetry-1.db-wal"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() != 0 {
			t.Errorf("%s is not empty: %v", name, err)
		}
	}
	must(t, s.Close())
	s = open(t, dir)
	check()
	// The subject may come back, as a stranger.
	must(t, s.Put(ctx, records.Record{Kind: "place", ID: "new", Subject: "mia-7f3a", Body: []byte("new")}))
	if got, err := s.Get(ctx, "place", "new"); err != nil || string(got.Body) != "new" {
		t.Errorf("a subject that came back: %q, %v", got.Body, err)
	}
}

// Only the key of a subject opens its bodies, and a subject's key is random:
// with every row still there and the key gone nothing can be read.
func TestShreddedKey(t *testing.T) {
	t.Parallel()
	dir, ctx := home(t), within(t)
	s := open(t, dir)
	plantTwo(t, s)
	before, err := s.Get(ctx, "place", "mia-7f3a 1")
	if err != nil || string(before.Body) != "near the mia-7f3a" {
		t.Fatalf("control: %q, %v", before.Body, err)
	}
	_, err = records.Writer(s, "record").Exec("DELETE FROM subject_key WHERE subject='mia-7f3a'")
	must(t, err)
	must(t, s.Close())

	s = open(t, dir)
	if _, err := s.Get(ctx, "place", "mia-7f3a 1"); !errors.Is(err, records.ErrDamaged) {
		t.Errorf("a record without its key: %v", err)
	}
	// Open takes a missing key for a forgetting that a crash cut short.
	if n := records.Rows(t, s, "reading"); n != 300 {
		t.Errorf("%d readings, want the 300 of the other subject", n)
	}
}

// A row that was moved to another id, kind or database does not open.
func TestBodiesAreBound(t *testing.T) {
	t.Parallel()
	ctx := within(t)
	for _, change := range []string{"id='x'", "kind='x'", "at=at+1", "expires=77", "body=zeroblob(10)"} {
		s := open(t, home(t))
		must(t, s.Put(ctx, records.Record{Kind: "place", ID: "a", Subject: "mia", At: at(1), Body: []byte("here")}))
		_, err := records.Writer(s, "record").Exec("UPDATE record SET " + change)
		must(t, err)
		var found bool
		for _, kind := range []string{"place", "x"} {
			for _, id := range []string{"a", "x"} {
				_, err := s.Get(ctx, kind, id)
				if err == nil {
					t.Errorf("%s: the body opened", change)
				}
				found = found || errors.Is(err, records.ErrDamaged)
			}
		}
		if !found {
			t.Errorf("%s: no damage was told", change)
		}
		s.Close()
	}
}
