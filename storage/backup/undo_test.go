package backup_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ingle-home/ingle/storage/backup"
	"github.com/ingle-home/ingle/storage/records"
)

// later is one row more than there was when the backup was made.
func (h *hub) later(t testing.TB) {
	t.Helper()
	must(t, h.store.Put(within(t), records.Record{Kind: "person", ID: "later", Subject: "person/later", Body: []byte("x")}))
}

// What a restore replaced comes back, and what was restored comes back after it.
func TestUndo(t *testing.T) {
	a := newHub(t)
	path := a.made(t, false)
	a.later(t)
	a.close()
	if err := backup.Undo(a.dir); !errors.Is(err, backup.ErrNothing) {
		t.Errorf("without a restore: %v", err)
	}
	must(t, restore(within(t), path, a.dir, a.code))
	if aside := backup.AsideIn(a.dir); aside == nil || !aside.SameHome || aside.Undone || aside.Databases == 0 || !aside.Until().IsZero() {
		t.Errorf("aside there is %+v", aside)
	}
	for n, want := range []int{2*rows + 1, 2 * rows, 2*rows + 1} {
		must(t, backup.Undo(a.dir))
		if got := len(opened(t, a.dir, a.code)); got != want {
			t.Errorf("undone %d times there are %d rows, want %d", n+1, got, want)
		}
		if aside := backup.AsideIn(a.dir); aside == nil || !aside.Undone || aside.Opened {
			t.Errorf("aside there is %+v", aside)
		}
	}
}

// With the store of another home its recordings go, and come back.
func TestUndoOfAnotherHome(t *testing.T) {
	a, b := newHub(t), newHub(t, strange)
	film := a.record(t)
	path := b.made(t, false)
	a.close()
	must(t, restore(within(t), path, a.dir, b.code))
	if slices.Contains(names(t, a.dir), "media") {
		t.Fatal("recordings of another home stayed")
	}
	must(t, os.MkdirAll(filepath.Join(a.dir, "media"), 0o700))
	theirs := filepath.Join(a.dir, "media", strings.Repeat("0", 32))
	must(t, os.WriteFile(theirs, []byte("x"), 0o600))
	must(t, backup.Undo(a.dir))
	if got := opened(t, a.dir, a.code); len(got) != 2*rows {
		t.Errorf("%d rows", len(got))
	}
	if _, err := os.Stat(theirs); err == nil {
		t.Error("recordings of another home stayed")
	}
	media, err := os.ReadDir(filepath.Join(a.dir, "media"))
	must(t, err)
	if info, err := media[0].Info(); err != nil || len(media) != 1 || info.Size() < int64(len(film)) {
		t.Errorf("recordings: %v, %v", media, err)
	}
	must(t, backup.Undo(a.dir))
	if raw, err := os.ReadFile(theirs); err != nil || !bytes.Equal(raw, []byte("x")) {
		t.Errorf("the other home's recording: %q, %v", raw, err)
	}
}

// The days count from when a clock was believed after a hub had opened what took its place, and one
// that was wrong then makes them count anew.
func TestAsideGoesAfterSomeDays(t *testing.T) {
	a := newHub(t)
	path := a.made(t, false)
	a.close()
	must(t, restore(within(t), path, a.dir, a.code))
	now := time.Date(2026, 11, 1, 3, 0, 0, 0, time.UTC)
	must(t, backup.Expire(a.dir, now.AddDate(10, 0, 0)))
	if err := restore(within(t), path, a.dir, a.code); !errors.Is(err, backup.ErrUnopened) || backup.AsideIn(a.dir) == nil {
		t.Fatalf("before a hub opened it: %v", err)
	}
	wrong := now.AddDate(5, 0, 0)
	must(t, backup.NoteOpened(a.dir))
	if aside := backup.AsideIn(a.dir); !aside.Opened || !aside.Until().IsZero() {
		t.Errorf("opened, and no clock was believed yet: %+v", aside)
	}
	must(t, backup.Expire(a.dir, wrong))
	must(t, backup.NoteOpened(a.dir)) // the second start changes nothing
	must(t, backup.Expire(a.dir, wrong.AddDate(0, 0, 3)))
	if until := backup.AsideIn(a.dir).Until(); !until.Equal(wrong.Add(backup.Kept)) {
		t.Errorf("it is kept until %v", until)
	}
	must(t, backup.Expire(a.dir, now))
	if until := backup.AsideIn(a.dir).Until(); !until.Equal(now.Add(backup.Kept)) {
		t.Errorf("after the clock was put right it is kept until %v", until)
	}
	must(t, backup.Expire(a.dir, now.Add(backup.Kept-time.Second)))
	if backup.AsideIn(a.dir) == nil {
		t.Fatal("it went too early")
	}
	must(t, backup.Expire(a.dir, now.Add(backup.Kept)))
	if got := names(t, a.dir); backup.AsideIn(a.dir) != nil || slices.Contains(got, "restore.drop") {
		t.Errorf("it stays: %v", got)
	}
	if got := opened(t, a.dir, a.code); len(got) != 2*rows {
		t.Errorf("%d rows", len(got))
	}
}

// Half of a store is never brought back: what was being removed when the power went is gone.
func TestRemovalCutShort(t *testing.T) {
	a := newHub(t)
	path := a.made(t, false)
	a.close()
	must(t, restore(within(t), path, a.dir, a.code))
	must(t, os.Rename(filepath.Join(a.dir, "restore.old"), filepath.Join(a.dir, "restore.drop")))
	if err := backup.Undo(a.dir); !errors.Is(err, backup.ErrNothing) {
		t.Errorf("undone: %v", err)
	}
	if got := names(t, a.dir); slices.Contains(got, "restore.drop") {
		t.Errorf("it stays: %v", got)
	}
}

// A restore over one that was opened, and undoing, killed anywhere, leave the one or the other, whole.
func TestKilledWhileUndoing(t *testing.T) {
	a := newHub(t)
	path := a.made(t, false)
	a.later(t)
	a.close()
	fresh, old := 2*rows, 2*rows+1
	all := t.TempDir()
	must(t, restore(within(t), path, a.dir, a.code))
	twin := func(name string) string {
		dir := filepath.Join(all, name)
		must(t, os.CopyFS(dir, os.DirFS(a.dir)))
		return dir
	}
	steps := run(t, "undo", twin("whole"), path, a.code, "")
	if len(steps) < 10 {
		t.Fatalf("steps: %v", steps)
	}
	for n, step := range steps {
		dir := twin(fmt.Sprint(n))
		run(t, "undo", dir, path, a.code, step)
		must(t, backup.Finish(dir))
		here, aside := fresh, old
		if n >= slices.Index(steps, "ready") {
			here, aside = old, fresh
		}
		if got := len(opened(t, dir, a.code)); got != here {
			t.Errorf("%s: %d rows, want %d", step, got, here)
		}
		if got := len(opened(t, filepath.Join(dir, "restore.old"), a.code)); got != aside {
			t.Errorf("%s: %d rows aside, want %d", step, got, aside)
		}
		if a := backup.AsideIn(dir); a == nil || !a.Undone {
			t.Errorf("%s: aside there is %+v", step, a)
		}
	}
	must(t, backup.Undo(a.dir))
	must(t, backup.NoteOpened(a.dir))
	for n, step := range []string{"checked", "settled", "ready"} {
		dir := twin("again " + fmt.Sprint(n))
		run(t, "restore", dir, path, a.code, step)
		must(t, backup.Finish(dir))
		want := old
		if step == "ready" {
			want = fresh
		}
		if got := len(opened(t, dir, a.code)); got != want {
			t.Errorf("%s: %d rows, want %d", step, got, want)
		}
	}
}
