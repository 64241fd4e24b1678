package backup_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ingle-home/ingle/storage"
	"github.com/ingle-home/ingle/storage/backup"
	"github.com/ingle-home/ingle/storage/blobs"
	"github.com/ingle-home/ingle/storage/cuttest"
	"github.com/ingle-home/ingle/storage/records"
	"github.com/ingle-home/ingle/storage/vault"
)

// folder is what storage/powercut may find where a restore was cut short: how many rows in
// its place, and with each how many aside; -1 for whatever there is.
type folder struct {
	Code string
	Rows map[int]int
}

const (
	restoredRows = 3
	replacedRows = 4
	filmSize     = 10_000
)

// restoreWhileCut restores, undoes, and restores over what is aside.
func restoreWhileCut(t cuttest.Teller, dir, aside string) error {
	lock, err := storage.Acquire(dir)
	if err != nil {
		return err
	}
	defer lock.Release()
	code, path := "", filepath.Join(aside, "home.ingle-backup")
	if code, err = backedUp(dir, path); err != nil {
		return err
	}
	restoring := func() error {
		b, err := backup.Open(path, dir, code)
		if err != nil {
			return err
		}
		defer b.Close()
		return b.Restore(context.Background(), nil)
	}
	undone := map[int]int{replacedRows: restoredRows}
	done := map[int]int{restoredRows: replacedRows}
	for _, step := range []struct {
		before map[int]int // and what may be there until it is done
		do     func() error
	}{
		{map[int]int{replacedRows: -1, restoredRows: replacedRows}, restoring},
		{done, func() error { return backup.NoteOpened(dir) }},
		{map[int]int{restoredRows: replacedRows, replacedRows: restoredRows}, func() error { return backup.Undo(dir) }},
		{undone, func() error { return backup.NoteOpened(dir) }},
		{map[int]int{replacedRows: -1, restoredRows: replacedRows}, restoring},
		{done, func() error { return nil }},
	} {
		if err := t.Say(folder{code, step.before}); err != nil {
			return err
		}
		if err := step.do(); err != nil {
			return err
		}
	}
	return t.Say(folder{code, done})
}

// backedUp makes a store with a recording, a backup of both, and one row more. The
// recording is lost then.
func backedUp(dir, path string) (code string, err error) {
	v, code, err := vault.Create(dir, password)
	if err != nil {
		return "", err
	}
	defer v.Close()
	s, err := records.Open(dir, v)
	if err != nil {
		return "", err
	}
	defer s.Close()
	ctx := context.Background()
	for n := range replacedRows {
		if n == restoredRows {
			if err := filmed(ctx, dir, s); err != nil {
				return "", err
			}
			if _, err := backup.Make(ctx, backup.Source{Dir: dir, Vault: v, Store: s}, path, true, nil); err != nil {
				return "", err
			}
			if err := os.RemoveAll(filepath.Join(dir, "media")); err != nil {
				return "", err
			}
		}
		if err := s.Put(ctx, records.Record{Kind: "row", ID: fmt.Sprint(n), Subject: "mia", Body: []byte("x")}); err != nil {
			return "", err
		}
	}
	return code, nil
}

// filmed keeps a recording.
func filmed(ctx context.Context, dir string, s *records.Store) error {
	clips, err := blobs.Open(ctx, dir, s, blobs.Options{})
	if err != nil {
		return err
	}
	defer clips.Close()
	w, err := clips.Create(ctx, "mia", "clip", time.Now())
	if err != nil {
		return err
	}
	_, err = w.Write(make([]byte, filmSize))
	return errors.Join(err, w.Close())
}

func judgeRestored(dir string, said folder) error {
	if err := backup.Finish(dir); err != nil {
		return err
	}
	here, err := countRows(dir, said.Code)
	if err != nil {
		return err
	}
	films, _ := filepath.Glob(filepath.Join(dir, "media", strings.Repeat("?", 32)))
	if here == restoredRows && len(films) != 1 {
		return fmt.Errorf("%d recordings", len(films))
	}
	for _, film := range films {
		if info, err := os.Stat(film); err != nil || info.Size() < filmSize {
			return fmt.Errorf("a recording is cut short: %v, %v", info, err)
		}
	}
	beside, ok := said.Rows[here]
	if !ok {
		return fmt.Errorf("%d rows, want %v", here, said.Rows)
	}
	if beside < 0 {
		return nil
	}
	if n, err := countRows(filepath.Join(dir, "restore.old"), said.Code); err != nil || n != beside {
		return fmt.Errorf("%d rows aside, want %d: %w", n, beside, err)
	}
	return nil
}

func countRows(dir, code string) (int, error) {
	v, err := vault.OpenRecovery(dir, code)
	if err != nil {
		return 0, err
	}
	defer v.Close()
	s, err := records.Open(dir, v)
	if err != nil {
		return 0, err
	}
	defer s.Close()
	rows, err := s.List(context.Background(), "row")
	return len(rows), err
}
