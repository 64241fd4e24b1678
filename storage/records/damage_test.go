package records_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/ingle-home/ingle/storage"
	"github.com/ingle-home/ingle/storage/records"
	"golang.org/x/sys/unix"
)

// filled is a closed store with something in both databases.
func filled(t *testing.T) string {
	t.Helper()
	dir, ctx := home(t), within(t)
	s := open(t, dir)
	must(t, s.Put(ctx, records.Record{Kind: "room", ID: "hall", Body: []byte("Hall")}))
	must(t, s.Append(ctx, records.Record{Kind: "place", ID: "watch"}))
	must(t, s.Close())
	return dir
}

// A store never starts empty because a file of it is gone or not its own.
func TestFilesThatDoNotBelong(t *testing.T) {
	t.Parallel()
	other := filled(t)
	for name, spoil := range map[string]func(dir string) error{
		"nothing":           func(dir string) error { return nil },
		"core gone":         func(dir string) error { return os.Remove(filepath.Join(dir, "core-1.db")) },
		"core emptied":      func(dir string) error { return os.Truncate(filepath.Join(dir, "core-1.db"), 0) },
		"telemetry gone":    func(dir string) error { return os.Remove(filepath.Join(dir, "telemetry-1.db")) },
		"telemetry emptied": func(dir string) error { return os.Truncate(filepath.Join(dir, "telemetry-1.db"), 0) },
		"files exchanged": func(dir string) error {
			core, telemetry := filepath.Join(dir, "core-1.db"), filepath.Join(dir, "telemetry-1.db")
			return errors.Join(os.Rename(core, core+"x"), os.Rename(telemetry, core), os.Rename(core+"x", telemetry))
		},
		"garbage": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "core-1.db"), make([]byte, 8192), 0o600)
		},
		"core of another start, same vault": func(dir string) error {
			raw, err := os.ReadFile(filepath.Join(other, "core-1.db"))
			if err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(dir, "core-1.db"), raw, 0o600)
		},
	} {
		dir := filled(t)
		must(t, spoil(dir))
		// The last is what sealed pages cannot see: a valid file of the same keys.
		want := name != "nothing" && name != "core of another start, same vault"
		before := sizes(t, dir)
		for range 2 { // nor does the first start make what the second takes for a home
			s, err := openStore(dir)
			if err == nil {
				s.Close()
			}
			if (err != nil) != want || want && !errors.Is(err, records.ErrDamaged) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if after := sizes(t, dir); want && !maps.Equal(before, after) {
			t.Errorf("%s: %v became %v", name, before, after)
		}
	}
}

// A core whose log is gone before its pages were moved out of it is one page without
// a table: no new home begins there.
func TestCoreWithoutItsLog(t *testing.T) {
	t.Parallel()
	dir, lost := home(t), home(t)
	s := open(t, dir)
	must(t, s.Put(within(t), records.Record{Kind: "room", ID: "hall"}))
	for _, name := range []string{"core-1.db", "telemetry-1.db"} {
		out, err := exec.CommandContext(t.Context(), "cp", filepath.Join(dir, name), lost).CombinedOutput() // not by this process: its locks would go
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	before := sizes(t, lost)
	for i := range 2 {
		s, err := openStore(lost)
		if err == nil {
			s.Close()
		}
		if !errors.Is(err, records.ErrDamaged) {
			t.Errorf("start %d: %v", i+1, err)
		}
	}
	if s, err := openStoreWith(lost, records.OpenDamaged); !errors.Is(err, records.ErrDamaged) {
		if err == nil {
			s.Close()
		}
		t.Errorf("for reading only: %v", err)
	}
	if after := sizes(t, lost); before["core-1.db"] != after["core-1.db"] {
		t.Errorf("%v became %v", before, after)
	}
	// Without telemetry it looks like one that a crash left when it was made: only who knows that
	// there was a home can tell.
	must(t, os.Remove(filepath.Join(lost, "telemetry-1.db")))
	before = sizes(t, lost)
	for range 2 {
		s, err := openStoreWith(lost, records.Reopen)
		if err == nil {
			s.Close()
		}
		if !errors.Is(err, records.ErrDamaged) {
			t.Errorf("reopened: %v", err)
		}
	}
	if after := sizes(t, lost); !maps.Equal(before, after) {
		t.Errorf("%v became %v", before, after)
	}
	s, err := openStoreWith(filled(t), records.Reopen)
	must(t, err)
	must(t, s.Close())
}

// sizes are those of the databases in a folder.
func sizes(t *testing.T, dir string) map[string]int64 {
	t.Helper()
	all := map[string]int64{}
	found, err := filepath.Glob(filepath.Join(dir, "*.db"))
	must(t, err)
	for _, path := range found {
		info, err := os.Stat(path)
		must(t, err)
		all[filepath.Base(path)] = info.Size()
	}
	return all
}

func TestFilesArePrivate(t *testing.T) {
	t.Parallel()
	dir, ctx := home(t), within(t)
	s := open(t, dir)
	must(t, s.Put(ctx, records.Record{Kind: "room", ID: "hall"}))
	entries, err := os.ReadDir(dir)
	must(t, err)
	for _, e := range entries {
		if info, err := e.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", e.Name(), info.Mode(), err)
		}
	}
	if len(entries) < 6 {
		t.Errorf("only %d files", len(entries))
	}
}

func TestPragmas(t *testing.T) {
	t.Parallel()
	s := open(t, home(t))
	for table, want := range map[string][]string{"record": {"2", "1"}, "reading": {"1", "2"}} {
		for i, pragma := range []string{"synchronous", "secure_delete"} {
			var got string
			must(t, records.Writer(s, table).QueryRow("PRAGMA "+pragma).Scan(&got))
			if got != want[i] {
				t.Errorf("%s: %s=%s, want %s", table, pragma, got, want[i])
			}
		}
	}
}

// On a disk that became read-only a store says so at the start, and all of it can be
// read, log and all.
func TestReadOnlyDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=30m"); err != nil {
		t.Skipf("needs the right to mount a small tmpfs (run as root to see it): %v", err)
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
	must(t, giveKeys(dir))
	first, err := storage.Acquire(dir)
	must(t, err)
	must(t, first.Release())
	c := start(t, "commits", dir)
	for range 10 {
		c.says(t)
	}
	c.kill()
	must(t, unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""))

	lock, err := storage.Acquire(dir)
	must(t, err)
	defer lock.Release()
	if _, err := storage.Acquire(dir); !errors.Is(err, storage.ErrInUse) {
		t.Errorf("a second lock: %v", err)
	}
	if _, err := openStore(dir); !errors.Is(err, storage.ErrReadOnlyDisk) {
		t.Errorf("opening: %v", err)
	}
	s := openDamaged(t, dir)
	list, err := s.List(within(t), "pair")
	if err != nil || len(list) < 20 || s.Damage() != nil {
		t.Errorf("%d records of 20, %v, %v", len(list), err, s.Damage())
	}
	refusesChanges(t, s)
	must(t, s.Close())
	must(t, unix.Mount("", dir, "", unix.MS_REMOUNT, ""))
	s = open(t, dir)
	if again, err := s.List(within(t), "pair"); err != nil || len(again) != len(list) {
		t.Errorf("once it is writable: %d records, %v", len(again), err)
	}
	must(t, s.Close())
}

// TestFullDisk fills a file system of 3 MiB. The store lives in a child, so that
// nothing keeps the file system busy afterwards.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=3m"); err != nil {
		t.Skipf("needs the right to mount a small tmpfs (run as root to see it): %v", err)
	}
	t.Cleanup(func() { unix.Unmount(dir, 0) })
	must(t, giveKeys(dir))
	c := start(t, "full", dir)
	stored := c.says(t)
	if err := c.cmd.Wait(); err != nil {
		t.Errorf("the child: %v", err)
	}
	t.Logf("%s records were stored before the disk was full", stored)

	ctx, s := within(t), open(t, dir)
	list, err := s.List(ctx, "note")
	must(t, err)
	if fmt.Sprint(len(list)) != stored {
		t.Errorf("%d records, want %s", len(list), stored)
	}
	must(t, s.Close())
}

// childFills puts records until the disk is full, checks what then holds, and
// says how many were acknowledged.
func childFills(dir string) error {
	s, err := openStore(dir)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	n := 0
	for {
		err := s.Put(ctx, records.Record{Kind: "note", ID: fmt.Sprintf("%06d", n), Subject: "mia", Body: make([]byte, 20000)})
		if errors.Is(err, storage.ErrFull) {
			break
		}
		if err != nil {
			return fmt.Errorf("want ErrFull: %w", err)
		}
		n++
	}
	list, err := s.List(ctx, "note")
	if err != nil || len(list) != n {
		return fmt.Errorf("on a full disk: %d of %d records, %w", len(list), n, err)
	}
	for err = nil; err == nil; {
		err = s.Append(ctx, records.Record{Kind: "place", ID: "w", Body: make([]byte, 400)})
	}
	if !errors.Is(err, storage.ErrFull) {
		return fmt.Errorf("append: want ErrFull: %w", err)
	}
	if err := s.Flush(ctx); !errors.Is(err, storage.ErrFull) {
		return fmt.Errorf("flush: want ErrFull: %w", err)
	}
	fmt.Println(n)
	if err := s.Close(); !errors.Is(err, storage.ErrFull) {
		return fmt.Errorf("close with rows that do not fit: want ErrFull: %w", err)
	}
	return nil
}
