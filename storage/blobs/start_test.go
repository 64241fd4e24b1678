package blobs_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ingle-home/ingle/storage"
	"github.com/ingle-home/ingle/storage/blobs"
	"github.com/ingle-home/ingle/storage/records"
)

// Whatever step a crash came at, the next start leaves a list and a folder that
// agree, with all that was there before.
func TestStartPutsInOrder(t *testing.T) {
	t.Parallel()
	const name = "00112233445566778899aabbccddeeff"
	row := records.Record{Kind: "segment", ID: name, Subject: "mia", At: noon, Body: []byte(`{"kind":"clip","state":0,"size":0}`)}
	sealed := func(key []byte, n int) []byte { return blobs.Seal(key, content(1, n)) }
	for what, c := range map[string]struct {
		row    bool
		suffix string
		file   func(key []byte) []byte // nil for none
		left   bool
	}{
		"a row without a file":               {row: true},
		"a row and an empty file":            {row: true, file: func([]byte) []byte { return nil }},
		"a row and half a header":            {row: true, file: func(key []byte) []byte { return sealed(key, 10)[:40] }},
		"a row and a header":                 {row: true, file: func(key []byte) []byte { return sealed(key, 10)[:64] }},
		"ended, and not recorded":            {row: true, file: func(key []byte) []byte { return sealed(key, 10) }, left: true},
		"a full chunk":                       {row: true, file: func(key []byte) []byte { return sealed(key, 70_000)[:66_000] }, left: true},
		"doomed, and nothing deleted":        {row: true, suffix: ".gone", file: func(key []byte) []byte { return sealed(key, 10) }},
		"doomed, and the row deleted":        {suffix: ".gone", file: func([]byte) []byte { return nil }},
		"a file without a row, no key opens": {file: func([]byte) []byte { return sealed(content(5, 32), 10) }},
	} {
		dir := home(t)
		r := rows(t, dir)
		s := open(t, dir, r, blobs.Options{})
		before := record(t, s, "mia", "clip", noon, content(9, 70_000))
		must(t, s.Close())
		if c.row {
			must(t, r.Put(within(t), row))
		}
		if c.file != nil {
			must(t, os.WriteFile(filepath.Join(media(dir), name+c.suffix), c.file(mediaKey(t, r, "mia")), 0o600))
		}
		for range 2 {
			s = open(t, dir, r, blobs.Options{})
			wantContent(t, s, before, content(9, 70_000))
			if has(s, name) != c.left || slices.Contains(files(t, dir), name) != c.left || len(files(t, dir)) != len(s.List("")) {
				t.Errorf("%s: listed %v, files %q", what, has(s, name), files(t, dir))
			}
			if c.left {
				if _, err := readAll(s, name); err != nil {
					t.Errorf("%s: %v", what, err)
				}
			}
			must(t, s.Close())
		}
		must(t, r.Close())
	}
}

// A segment that was being recorded and whose header is not authentic is shown
// as damaged; nothing of it is deleted.
func TestStartWithDamage(t *testing.T) {
	t.Parallel()
	dir := home(t)
	r := rows(t, dir)
	s := open(t, dir, r, blobs.Options{})
	w, err := s.Create(within(t), "mia", "clip", noon)
	must(t, err)
	_, err = w.Write(content(1, 200_000))
	must(t, err)
	w.Crash()
	must(t, s.Close())
	path := filepath.Join(media(dir), w.ID())
	raw, err := os.ReadFile(path)
	must(t, err)
	raw[20] ^= 1
	must(t, os.WriteFile(path, raw, 0o600))
	s = open(t, dir, r, blobs.Options{})
	if g := find(t, s, w.ID()); g.State != blobs.Damaged || g.Stored() < 190_000 {
		t.Errorf("listed as %+v", g)
	}
	if _, err := s.Open(within(t), w.ID()); !errors.Is(err, blobs.ErrDamaged) {
		t.Errorf("open: %v", err)
	}
	if info, err := os.Stat(path); err != nil || info.Size() != int64(len(raw)) {
		t.Errorf("the file: %v, %v", info, err)
	}
	must(t, s.Delete(within(t), w.ID()))
	if len(files(t, dir)) != 0 {
		t.Errorf("files %q", files(t, dir))
	}
}

// Everything at once, for the race detector; what the list says in the end is
// what lies in the folder, also after a restart.
func TestEverythingAtOnce(t *testing.T) {
	t.Parallel()
	dir := home(t)
	r := rows(t, dir)
	s := open(t, dir, r, blobs.Options{Sync: time.Millisecond,
		Limits: blobs.Limits{Bytes: 3 * mib, Kinds: []blobs.Limit{{Kind: "day", Age: time.Hour}}}})
	ctx := within(t)
	var all sync.WaitGroup
	for i := range 6 {
		all.Go(func() {
			for k := range 25 {
				if err := oneOfAll(ctx, s, i, k); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	for range 2 {
		list := s.List("")
		var sum int64
		for _, g := range list {
			sum += g.Stored()
			if _, err := readAll(s, g.ID); err != nil {
				t.Errorf("%+v: %v", g, err)
			}
		}
		if n := len(files(t, dir)); n != len(list) || sum != onDisk(t, dir) {
			t.Errorf("%d segments of %d bytes, %d files of %d", len(list), sum, n, onDisk(t, dir))
		}
		must(t, s.Close())
		s = open(t, dir, r, blobs.Options{})
	}
}

// oneOfAll does one of the things that a store can do. That a segment is gone
// meanwhile is no error, nor that there is no room.
func oneOfAll(ctx context.Context, s *blobs.Store, i, k int) error {
	subject := fmt.Sprint("camera ", rand.IntN(3))
	list := s.List("")
	var some blobs.Segment
	if len(list) > 0 {
		some = list[rand.IntN(len(list))]
	}
	var err error
	switch rand.IntN(9) {
	case 0:
		err = s.Keep(ctx, some.ID, k%2 == 0)
	case 1:
		err = s.Delete(ctx, some.ID)
	case 2:
		_, err = s.Tidy(ctx, noon.Add(2*time.Hour))
	case 3:
		err = s.Forget(ctx, subject)
	case 4:
		_, err = readAll(s, some.ID)
	default:
		var w *blobs.Writer
		if w, err = s.Create(ctx, subject, "day", noon.Add(time.Duration(k)*10*time.Minute)); err == nil {
			_, err = w.Write(content(uint64(i), rand.IntN(300_000)))
			if e := w.Close(); err == nil {
				err = e
			} else {
				w.Crash()
			}
		}
	}
	if errors.Is(err, blobs.ErrNotFound) || errors.Is(err, storage.ErrFull) {
		return nil
	}
	return err
}
