package records_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ingle-home/ingle/storage/records"
	"github.com/ingle-home/ingle/storage/vault"
	"github.com/ingle-home/ingle/storage/vfs/vfstest"
)

// both opens the store in dir with its vault, which a rotation needs.
func both(dir string) (*records.Store, *vault.Vault, error) {
	v, err := vault.OpenRecovery(dir, os.Getenv(envCode))
	if err != nil {
		return nil, nil, fmt.Errorf("vault: %w", err)
	}
	s, err := records.Open(dir, v)
	return s, v, err
}

func openBoth(t testing.TB, dir string) (*records.Store, *vault.Vault) {
	t.Helper()
	s, v, err := both(dir)
	must(t, err)
	t.Cleanup(func() { s.Close() })
	return s, v
}

// pages gives the deciphered pages of the open databases of an epoch.
func pages(t *testing.T, s *records.Store, dir string, epoch int) []byte {
	t.Helper()
	var all bytes.Buffer
	for table, role := range map[string]string{"record": "core", "reading": "telemetry"} {
		f, err := vfstest.Open(records.VFSName(s, table), filepath.Join(dir, fmt.Sprintf("%s-%d.db", role, epoch)), vfstest.ReadWriteCreate|vfstest.MainDB)
		must(t, err)
		page := make([]byte, 4096)
		for at := int64(0); f.Read(page, at) == nil; at += 4096 {
			all.Write(page)
		}
		must(t, f.Close())
	}
	return all.Bytes()
}

// folder gives the bytes of every file but those that SQLite holds open.
func folder(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	entries, err := os.ReadDir(dir)
	must(t, err)
	for _, e := range entries {
		raw, err := os.ReadFile(filepath.Join(dir, e.Name()))
		must(t, err)
		files[e.Name()] = raw
	}
	return files
}

// deks gives the data key as each slot of the keys holds it, sealed.
func deks(t *testing.T, keys []byte) (all []string) {
	t.Helper()
	var f struct {
		Slots []struct{ DEK struct{ CT string } }
	}
	must(t, json.Unmarshal(keys, &f))
	for _, s := range f.Slots {
		if len(s.DEK.CT) < 32 {
			t.Fatalf("control: a slot holds %q", s.DEK.CT)
		}
		all = append(all, s.DEK.CT)
	}
	if len(all) < 2 {
		t.Fatalf("control: %d slots", len(all))
	}
	return all
}

// What was forgotten is nowhere after a rotation: not in a file, not in a page
// that the new key opens, and the old key is gone with what it opened.
func TestRotateAfterForgetting(t *testing.T) {
	t.Parallel()
	dir, ctx := home(t), within(t)
	s, v := openBoth(t, dir)
	plantTwo(t, s)
	var sealed, wrapped []byte
	must(t, records.Writer(s, "record").QueryRow("SELECT body FROM record WHERE id='mia-7f3a 7'").Scan(&sealed))
	must(t, records.Writer(s, "record").QueryRow("SELECT wrapped FROM subject_key WHERE subject='mia-7f3a'").Scan(&wrapped))
	must(t, s.Close())
	before := folder(t, dir)

	s, v = openBoth(t, dir)
	if plain := pages(t, s, dir, 1); !bytes.Contains(plain, sealed) || !bytes.Contains(plain, wrapped) || bytes.Count(plain, []byte("mia-7f3a")) < 600 {
		t.Fatal("control: the subject is not in the pages")
	}
	must(t, s.Forget(ctx, "mia-7f3a"))
	if stale, err := s.Stale(ctx); err != nil || !stale {
		t.Errorf("after forgetting: stale %v, %v", stale, err)
	}
	must(t, s.Rotate(ctx, v))
	if stale, err := s.Stale(ctx); err != nil || stale {
		t.Errorf("after the rotation: stale %v, %v", stale, err)
	}
	if v.Epoch() != 2 {
		t.Errorf("epoch %d", v.Epoch())
	}
	plain := pages(t, s, dir, 2)
	for what, secret := range map[string][]byte{"body": sealed, "wrapped key": wrapped, "name": []byte("mia-7f3a")} {
		if n := bytes.Count(plain, secret); n != 0 {
			t.Errorf("the %s is in the new pages %d times", what, n)
		}
	}
	if n := bytes.Count(plain, []byte("noor-91c2")); n < 600 {
		t.Errorf("control: the other subject is there %d times", n)
	}
	others(t, s, ctx)
	must(t, s.Close())
	nothingOf(t, before, folder(t, dir))

	s, _ = openBoth(t, dir)
	others(t, s, ctx)
	must(t, s.Close())
	oldKeys(t, dir, before)
}

func others(t *testing.T, s *records.Store, ctx context.Context) {
	t.Helper()
	if got, err := s.Query(ctx, records.Query{Subject: "noor-91c2"}); err != nil || len(got) != 300 || string(got[7].Body) != "near the noor-91c2" {
		t.Errorf("%d readings of the other subject, %v", len(got), err)
	}
	if got, err := s.List(ctx, "place"); err != nil || len(got) != 300 {
		t.Errorf("%d records, %v", len(got), err)
	}
}

// nothingOf looks for what the old files held in the new ones.
func nothingOf(t *testing.T, before, after map[string][]byte) {
	t.Helper()
	if len(after) != 4 {
		t.Errorf("%d files are left", len(after))
	}
	for name, raw := range after {
		for _, old := range deks(t, before["keys.json"]) {
			if strings.HasPrefix(name, "keys") && strings.Contains(string(raw), old) {
				t.Errorf("%s holds the old data key", name)
			}
		}
		for _, old := range []string{"core-1.db", "telemetry-1.db"} {
			if len(before[old]) < 4096 {
				t.Fatalf("control: %s has %d bytes", old, len(before[old]))
			}
			for at := 0; at < len(before[old]); at += 4096 {
				if bytes.Contains(raw, before[old][at:at+32]) {
					t.Errorf("%s holds page %d of %s", name, at/4096+1, old)
				}
			}
		}
	}
}

// oldKeys puts the keys of before back: they open nothing of the new files and
// cost none of them.
func oldKeys(t *testing.T, dir string, before map[string][]byte) {
	t.Helper()
	now := folder(t, dir)
	for _, name := range []string{"keys.json", "keys.twin.json"} {
		must(t, os.WriteFile(filepath.Join(dir, name), before[name], 0o600))
	}
	if _, err := openStore(dir); !errors.Is(err, records.ErrDamaged) {
		t.Errorf("the keys of the epoch before: %v", err)
	}
	for _, name := range []string{"core-2.db", "telemetry-2.db"} {
		if raw, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !bytes.Equal(raw, now[name]) {
			t.Errorf("%s changed: %v", name, err)
		}
	}
}

// Rotations, one after the other, while others write and read.
func TestRotateInUse(t *testing.T) {
	t.Parallel()
	dir, ctx := home(t), within(t)
	s, v := openBoth(t, dir)
	var work sync.WaitGroup
	ended := make(chan struct{})
	wrote := 0
	work.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-ended:
				return
			default:
			}
			r := records.Record{Kind: "n", ID: fmt.Sprint(i), Subject: "mia", At: at(i), Body: []byte("n")}
			if err := errors.Join(s.Put(ctx, r), s.Append(ctx, r)); err != nil {
				t.Error(err)
				return
			}
			if got, err := s.Get(ctx, "n", fmt.Sprint(i)); err != nil || string(got.Body) != "n" {
				t.Errorf("record %d: %v", i, err)
				return
			}
			wrote = i + 1
		}
	})
	for range 4 {
		must(t, s.Rotate(ctx, v))
	}
	close(ended)
	work.Wait()
	must(t, s.Close())
	if err := s.Rotate(ctx, v); err == nil {
		t.Error("a closed store was rotated")
	}
	s, v = openBoth(t, dir)
	got, err := s.List(ctx, "n")
	must(t, err)
	rows, err := s.Query(ctx, records.Query{Kind: "n"})
	if err != nil || len(got) != wrote || len(rows) != wrote || v.Epoch() != 5 {
		t.Errorf("%d records and %d readings of %d, epoch %d, %v", len(got), len(rows), wrote, v.Epoch(), err)
	}
}

// What comes while readings are copied is there afterwards, once; who erases waits.
func TestRotateLosesNothingThatCameMeanwhile(t *testing.T) {
	t.Parallel()
	dir, ctx := home(t), within(t)
	s, v := openBoth(t, dir)
	plantTwo(t, s)
	forgotten := make(chan error, 1)
	records.AtStep(s, func(step string) {
		if step != "copied telemetry" {
			return
		}
		go func() { forgotten <- s.Forget(ctx, "noor-91c2") }()
		for i := range 700 {
			r := records.Record{Kind: "late", ID: fmt.Sprint(i), Subject: "sam-44", At: at(i), Body: []byte("late")}
			must(t, s.Append(ctx, r))
			if i%100 == 0 {
				must(t, s.Put(ctx, r))
				must(t, s.Flush(ctx))
			}
		}
		if got, err := s.Query(ctx, records.Query{Subject: "noor-91c2"}); err != nil || len(got) != 300 {
			t.Errorf("forgotten while readings are copied: %d left, %v", len(got), err)
		}
	})
	must(t, s.Rotate(ctx, v))
	must(t, <-forgotten)
	must(t, s.Close())
	s, v = openBoth(t, dir)
	late, err := s.Query(ctx, records.Query{Subject: "sam-44"})
	if err != nil || len(late) != 700 || string(late[0].Body) != "late" || v.Epoch() != 2 {
		t.Errorf("%d late readings, %v", len(late), err)
	}
	seen := map[string]bool{}
	for _, r := range late {
		seen[r.ID] = true
	}
	if kept, err := s.List(ctx, "late"); err != nil || len(kept) != 7 || len(seen) != 700 {
		t.Errorf("%d late records and %d different readings, %v", len(kept), len(seen), err)
	}
	for who, want := range map[string]int{"mia-7f3a": 300, "noor-91c2": 0} {
		if got, err := s.Query(ctx, records.Query{Subject: who}); err != nil || len(got) != want {
			t.Errorf("%d readings of %s, %v", len(got), who, err)
		}
	}
}

// A rotation that cannot be finished leaves the store as it was.
func TestRotateFails(t *testing.T) {
	t.Parallel()
	dir, ctx := home(t), within(t)
	s, v := openBoth(t, dir)
	plantTwo(t, s)
	for _, step := range records.Steps()[:4] {
		ctx, cancel := context.WithCancel(ctx)
		records.AtStep(s, func(now string) {
			if now == step {
				cancel()
				_ = os.Rename(filepath.Join(dir, "keys.json"), filepath.Join(dir, "away")) // for the last step, which asks no context
				_ = os.Rename(filepath.Join(dir, "keys.twin.json"), filepath.Join(dir, "away too"))
			}
		})
		if err := s.Rotate(ctx, v); err == nil {
			t.Errorf("%s: no error", step)
		}
		must(t, os.Rename(filepath.Join(dir, "away"), filepath.Join(dir, "keys.json")))
		must(t, os.Rename(filepath.Join(dir, "away too"), filepath.Join(dir, "keys.twin.json")))
		if epochs := epochsIn(t, dir); len(epochs) != 1 || !epochs["1"] || v.Epoch() != 1 {
			t.Errorf("%s: files of epochs %v, epoch %d", step, epochs, v.Epoch())
		}
	}
	records.AtStep(s, nil)
	ctx2 := within(t)
	if got, err := s.Query(ctx2, records.Query{Subject: "mia-7f3a"}); err != nil || len(got) != 300 {
		t.Errorf("%d readings, %v", len(got), err)
	}
	must(t, s.Rotate(ctx2, v))
}

func epochsIn(t *testing.T, dir string) map[string]bool {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "*.db*"))
	must(t, err)
	epochs := map[string]bool{}
	for _, path := range found {
		_, rest, _ := strings.Cut(filepath.Base(path), "-")
		epoch, _, _ := strings.Cut(rest, ".")
		epochs[epoch] = true
	}
	return epochs
}

// What a person keeps beside the store stays, whatever its name begins with; what a
// rotation left goes.
func TestOnlyOurOwnEpochsGo(t *testing.T) {
	t.Parallel()
	dir := home(t)
	must(t, open(t, dir).Close())
	theirs := []string{"core-3.db.bak", "core-3.db copy", "core-03.db", "telemetry-2.db.gz", "core-old.db", "core-2.db-wal.old", "mycore-2.db", "core--2.db"}
	ours := []string{"core-2.db", "core-2.db-wal", "telemetry-2.db", "telemetry-17.db-wal"}
	for _, name := range slices.Concat(theirs, ours) {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600))
	}
	must(t, os.Mkdir(filepath.Join(dir, "core-9.db"), 0o700))
	must(t, open(t, dir).Close())
	for _, name := range append(theirs, "core-9.db") {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Errorf("a person's own: %v", err)
		}
	}
	for _, name := range ours {
		if _, err := os.Stat(filepath.Join(dir, name)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is there: %v", name, err)
		}
	}
}

// A store that is closed while it is sealed anew gives the rotation up: when Close returns nothing of it
// is on the disk or under way, and what was there is there. After its commit it is finished first.
func TestCloseWhileRotating(t *testing.T) {
	t.Parallel()
	for _, at := range records.Steps() {
		dir, ctx := home(t), within(t)
		s, v := openBoth(t, dir)
		plantTwo(t, s)
		epoch := v.Epoch()
		reached, goOn := make(chan struct{}), make(chan struct{})
		records.AtStep(s, func(step string) {
			if step == at {
				close(reached)
				<-goOn
			}
		})
		rotated, closed := make(chan error, 1), make(chan error, 1)
		go func() { rotated <- s.Rotate(ctx, v) }()
		<-reached
		go func() { closed <- s.Close() }()
		select {
		case err := <-closed:
			t.Fatalf("at %q: it is closed before the rotation ended: %v", at, err)
		case <-time.After(50 * time.Millisecond):
		}
		close(goOn)
		must(t, <-closed)
		done := v.Epoch() == epoch+1
		if err := <-rotated; (err == nil) != done {
			t.Errorf("at %q: epoch %d after %d, %v", at, v.Epoch(), epoch, err)
		}
		if err := s.Rotate(ctx, v); err == nil {
			t.Errorf("at %q: a closed store was sealed anew", at)
		}
		for name := range folder(t, dir) {
			if strings.HasPrefix(name, "core-") && !strings.HasPrefix(name, fmt.Sprintf("core-%d.", v.Epoch())) {
				t.Errorf("at %q, in epoch %d: %s is left", at, v.Epoch(), name)
			}
		}
		s, _ = openBoth(t, dir)
		if n := records.Rows(t, s, "record"); n == 0 {
			t.Errorf("at %q: the records are gone", at)
		}
		must(t, s.Close())
	}
}
