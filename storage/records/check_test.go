package records_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/ingle-home/ingle/storage/records"
)

const stored = 200 // records in each database of a test of damage

// large is a closed store with enough in it for some pages of each kind.
func large(t *testing.T) string {
	t.Helper()
	dir, ctx := home(t), within(t)
	s := open(t, dir)
	rs := make([]records.Record, stored)
	for i := range rs {
		rs[i] = records.Record{Kind: "note", ID: fmt.Sprintf("%04d", i), Subject: "mia", At: at(i), Body: note(i)}
		must(t, s.Append(ctx, rs[i]))
	}
	must(t, s.Put(ctx, rs...))
	must(t, s.Close())
	return dir
}

func note(i int) []byte { return bytes.Repeat([]byte(strconv.Itoa(i)+" "), 150) }

func flip(t *testing.T, path string, page int) {
	t.Helper()
	raw, err := os.ReadFile(path)
	must(t, err)
	raw[page*4096+1000] ^= 4
	must(t, os.WriteFile(path, raw, 0o600))
}

func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := make(map[string]string)
	for _, name := range []string{"core-1.db", "telemetry-1.db"} {
		raw, err := os.ReadFile(filepath.Join(dir, name))
		must(t, err)
		found[name] = string(raw)
	}
	return found
}

// readable counts what a store gives of either database, and fails on wrong data
// and on errors that are not of damage.
func readable(t *testing.T, s *records.Store) (core, telemetry int) {
	t.Helper()
	ctx := within(t)
	right := func(r records.Record, err error, i int) int {
		if err == nil && bytes.Equal(r.Body, note(i)) {
			return 1
		}
		if !errors.Is(err, records.ErrDamaged) {
			t.Errorf("record %d: %v", i, err)
		}
		return 0
	}
	for i := range stored {
		r, err := s.Get(ctx, "note", fmt.Sprintf("%04d", i))
		core += right(r, err, i)
		found, err := s.Query(ctx, records.Query{Kind: "note", ID: fmt.Sprintf("%04d", i)})
		if err == nil && len(found) == 1 {
			r = found[0]
		} else if err == nil {
			err = fmt.Errorf("%d readings", len(found))
		}
		telemetry += right(r, err, i)
	}
	return core, telemetry
}

// A damaged page is told at the start, and all that lies elsewhere can be read; the
// store takes nothing new and changes no byte.
func TestDamagedPage(t *testing.T) {
	t.Parallel()
	whole := large(t)
	for _, name := range []string{"core-1.db", "telemetry-1.db"} {
		pages := len(contents(t, whole)[name]) / 4096
		for _, page := range []int{0, 2, pages / 2, pages - 1} {
			t.Run(fmt.Sprint(name, " page ", page+1), func(t *testing.T) {
				dir := home(t)
				for file, raw := range contents(t, whole) {
					must(t, os.WriteFile(filepath.Join(dir, file), []byte(raw), 0o600))
				}
				flip(t, filepath.Join(dir, name), page)
				before := contents(t, dir)
				_, err := openStore(dir)
				var damage *records.Damage
				if !errors.As(err, &damage) || damage.File != name || damage.Database+"-1.db" != name || !errors.Is(err, records.ErrDamaged) {
					t.Fatalf("opening: %v", err)
				}
				s := openDamaged(t, dir)
				if err := s.Damage(); !errors.As(err, &damage) || damage.File != name {
					t.Errorf("the damage: %v", err)
				}
				core, telemetry := readable(t, s)
				sound := map[string]int{"core-1.db": telemetry, "telemetry-1.db": core}[name]
				if page > 2 && core+telemetry == 0 {
					t.Error("nothing at all can be read")
				}
				// Without core there is no subject key either.
				if sound != stored && name != "core-1.db" {
					t.Errorf("%d of %d can be read in the other database", sound, stored)
				}
				t.Logf("readable: core %d, telemetry %d of %d", core, telemetry, stored)
				refusesChanges(t, s)
				must(t, s.Close())
				for file, raw := range contents(t, dir) {
					if raw != before[file] {
						t.Errorf("%s was changed", file)
					}
				}
			})
		}
	}
	s := openDamaged(t, whole)
	if core, telemetry := readable(t, s); core != stored || telemetry != stored || s.Damage() != nil {
		t.Errorf("control: a whole store: %d and %d of %d, %v", core, telemetry, stored, s.Damage())
	}
	refusesChanges(t, s)
}

func refusesChanges(t *testing.T, s *records.Store) {
	t.Helper()
	ctx := within(t)
	_, sweep := s.Sweep(ctx, at(9999))
	for what, err := range map[string]error{
		"put":    s.Put(ctx, records.Record{Kind: "note", ID: "new"}),
		"append": s.Append(ctx, records.Record{Kind: "note", ID: "new"}),
		"delete": s.Delete(ctx, "note", "0001"),
		"forget": s.Forget(ctx, "mia"),
		"sweep":  sweep,
	} {
		if !errors.Is(err, records.ErrReadOnly) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// Opened for its remains, a store still shows what only its log holds, and leaves
// the log alone.
func TestDamagedWithLog(t *testing.T) {
	t.Parallel()
	dir, ctx := home(t), within(t)
	c := start(t, "commits", dir)
	for range 10 {
		c.says(t)
	}
	c.kill()
	logs := func() (found string) {
		for _, name := range []string{"core-1.db-wal", "telemetry-1.db-wal"} {
			raw, err := os.ReadFile(filepath.Join(dir, name))
			must(t, err)
			found += string(raw)
		}
		return found
	}
	before := logs()
	s := openDamaged(t, dir)
	list, err := s.List(ctx, "pair")
	if err != nil || len(list) < 20 {
		t.Errorf("%d records of 20, %v", len(list), err)
	}
	must(t, s.Close())
	if logs() != before {
		t.Error("the log was changed")
	}
}

func openDamaged(t *testing.T, dir string) *records.Store {
	t.Helper()
	s, err := openStoreWith(dir, records.OpenDamaged)
	must(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

func TestBothDamaged(t *testing.T) {
	t.Parallel()
	dir := large(t)
	flip(t, filepath.Join(dir, "core-1.db"), 0)
	flip(t, filepath.Join(dir, "telemetry-1.db"), 0)
	s, err := openStoreWith(dir, records.OpenDamaged)
	if err == nil {
		s.Close()
	}
	if !errors.Is(err, records.ErrDamaged) || !strings.Contains(err.Error(), "core-1.db") || !strings.Contains(err.Error(), "telemetry-1.db") {
		t.Errorf("both first pages: %v", err)
	}
}

// Check finds a page that was damaged while the store was open, though connections
// may have it in their cache.
func TestCheck(t *testing.T) {
	t.Parallel()
	dir, ctx := large(t), within(t)
	s := open(t, dir)
	last, of := -1, 0
	err := s.Check(ctx, func(done, all int) {
		if done < last || done > all {
			t.Errorf("progress went from %d to %d of %d", last, done, all)
		}
		last, of = done, all
	})
	if err != nil || last != of || of < 2*stored*400/4096 {
		t.Fatalf("a whole store: %v, %d of %d pages", err, last, of)
	}
	// Another process writes: closing the file in this one would drop SQLite's lock.
	path := filepath.Join(dir, "telemetry-1.db")
	out, err := exec.CommandContext(ctx, "dd", "if=/dev/urandom", "of="+path, "bs=1", "seek=20480", "count=16", "conv=notrunc").CombinedOutput()
	if err != nil {
		t.Fatalf("dd: %v: %s", err, out)
	}
	var damage *records.Damage
	if err := s.Check(ctx, nil); !errors.As(err, &damage) || damage.File != "telemetry-1.db" {
		t.Errorf("a damaged page: %v", err)
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if err := s.Check(ended, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("an ended context: %v", err)
	}
}

// Forgetting someone does not wait for a check that takes minutes: it ends it.
func TestForgetEndsCheck(t *testing.T) {
	t.Parallel()
	ctx := within(t)
	s := open(t, large(t))
	checked := make(chan error, 1)
	begun := make(chan struct{}, 1)
	go func() {
		for {
			select {
			case begun <- struct{}{}:
			default:
			}
			if err := s.Check(ctx, nil); err != nil {
				checked <- err
				return
			}
		}
	}()
	<-begun
	for {
		must(t, s.Forget(ctx, "somebody"))
		select {
		case err := <-checked:
			if !errors.Is(err, context.Canceled) {
				t.Errorf("a check that was cut short: %v", err)
			}
			return
		default:
		}
	}
}
