package backup_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/ingle-home/ingle/storage/backup"
	"github.com/ingle-home/ingle/storage/blobs"
	"github.com/ingle-home/ingle/storage/records"
	"github.com/ingle-home/ingle/storage/vault"
)

// What was made on one machine comes back on another by the code alone, row for row
// and with its recordings, while the first went on writing.
func TestRestoredElsewhere(t *testing.T) {
	a := newHub(t)
	film := a.record(t)
	want := content(t, a.store)
	stop := commit(t, a.store)
	path := filepath.Join(t.TempDir(), "home.ingle-backup")
	c, err := backup.Make(within(t), a.source(), path, true, nil)
	must(t, err)
	before, after := stop()
	if after <= before {
		t.Fatal("nobody wrote during the backup: the test shows less than it says")
	}
	if c.Recordings != 1 || c.Databases == 0 || c.Made.IsZero() {
		t.Errorf("the backup says %+v", c)
	}
	must(t, os.RemoveAll(a.dir)) // the machine is gone

	b := filepath.Join(t.TempDir(), "elsewhere")
	must(t, restore(within(t), path, b, a.code))
	v, err := vault.OpenRecovery(b, a.code)
	must(t, err)
	defer v.Close()
	s, err := records.Open(b, v, "person")
	must(t, err)
	defer s.Close()
	if got := content(t, s); !slices.Equal(got, want) {
		t.Errorf("%d rows came back of %d, or others", len(got), len(want))
	}
	counts, err := s.List(within(t), "count")
	must(t, err)
	if len(counts) < before || !unbroken(counts) {
		t.Errorf("%d counts came back, of %d that were there before the backup", len(counts), before)
	}
	if got := watch(t, b, s); !bytes.Equal(got, film) {
		t.Errorf("the recording came back with %d bytes of %d, or others", len(got), len(film))
	}
	for _, name := range names(t, b) {
		if strings.HasPrefix(name, "restore.") {
			t.Errorf("%s was left over", name)
		}
	}
}

// commit writes numbered records until stop, which gives how many there were when it
// began and when it ended.
func commit(t *testing.T, s *records.Store) (stop func() (before, after int)) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var n int
	var writing sync.WaitGroup
	first := make(chan struct{})
	writing.Go(func() {
		for ctx.Err() == nil {
			if err := s.Put(context.WithoutCancel(ctx), records.Record{Kind: "count", ID: fmt.Sprintf("%08d", n), Body: []byte(marker)}); err != nil {
				t.Error(err)
				return
			}
			if n++; n == 20 {
				close(first)
			}
		}
	})
	<-first
	return func() (int, int) {
		cancel()
		writing.Wait()
		return 20, n
	}
}

func unbroken(counts []records.Record) bool {
	for n, r := range counts {
		if r.ID != fmt.Sprintf("%08d", n) {
			return false
		}
	}
	return true
}

func watch(t *testing.T, dir string, s *records.Store) []byte {
	t.Helper()
	ctx := within(t)
	all, err := blobs.Open(ctx, dir, s, blobs.Options{})
	must(t, err)
	defer all.Close()
	list := all.List("")
	if len(list) != 1 || list[0].State != blobs.Complete {
		t.Fatalf("recordings: %+v", list)
	}
	r, err := all.Open(ctx, list[0].ID)
	must(t, err)
	defer r.Close()
	film, err := io.ReadAll(io.NewSectionReader(r, 0, list[0].Size))
	must(t, err)
	return film
}

// Only the code and the password of that day open it, and a wrong secret changes nothing.
func TestSecrets(t *testing.T) {
	a := newHub(t)
	path := a.made(t, false)
	b := t.TempDir()
	for _, secret := range []string{"", "0123-4567-89AB-CDEF-GHJK-MNPQ-RSTV", "quokka umbrella tarmac viola"} {
		if err := restore(within(t), path, b, secret); !errors.Is(err, vault.ErrWrong) {
			t.Errorf("%q: %v", secret, err)
		}
	}
	pipe := filepath.Join(t.TempDir(), "pipe")
	must(t, syscall.Mkfifo(pipe, 0o600))
	for _, other := range []string{pipe, "/dev/zero", t.TempDir()} {
		if err := restore(within(t), other, b, a.code); !errors.Is(err, backup.ErrNotBackup) {
			t.Errorf("%s: %v", other, err)
		}
	}
	if got := names(t, b); !slices.Equal(got, []string{"lock"}) {
		t.Errorf("a wrong code left %v", got)
	}
	must(t, a.vault.ChangePassword("another umbrella tarmac violin", nil, 0))
	must(t, restore(within(t), path, b, password))
	if got := opened(t, b, a.code); len(got) != 2*rows {
		t.Errorf("%d rows", len(got))
	}
}

// Whatever was changed in the file is refused, and what it was to replace stays.
func TestTampered(t *testing.T) {
	a := newHub(t)
	path := a.made(t, false)
	whole, err := os.ReadFile(path)
	must(t, err)
	other, err := os.ReadFile(a.made(t, false))
	must(t, err)
	cases := map[string][]byte{
		"empty":         nil,
		"cut in head":   whole[:30],
		"cut in keys":   whole[:200],
		"cut in chunk":  whole[:len(whole)-1],
		"a chunk less":  whole[:len(whole)-(len(whole)-chunksAt(whole))%sealedChunk],
		"longer":        append(bytes.Clone(whole), 0),
		"joined":        append(bytes.Clone(whole[:chunksAt(whole)]), other[chunksAt(other):]...),
		"chunks turned": turned(whole),
	}
	for n := range 60 {
		at := n * len(whole) / 60
		if n < 20 {
			at = n * chunksAt(whole) / 20 // the head is short and matters
		}
		cases[fmt.Sprintf("bit at %d", at)] = flipped(whole, at)
	}
	changed := filepath.Join(t.TempDir(), "changed")
	b := t.TempDir()
	for name, raw := range cases {
		must(t, os.WriteFile(changed, raw, 0o600))
		if err := restore(within(t), changed, b, a.code); err == nil {
			t.Errorf("%s: it was restored", name)
		}
	}
	if got := names(t, b); !slices.Equal(got, []string{"lock"}) {
		t.Errorf("a damaged backup left %v", got)
	}
	must(t, restore(within(t), path, b, a.code)) // the control
}

const sealedChunk = 64<<10 + 16

// chunksAt is where the first chunk begins.
func chunksAt(file []byte) int {
	return 44 + int(file[40])<<24 + int(file[41])<<16 + int(file[42])<<8 + int(file[43])
}

func flipped(file []byte, at int) []byte {
	file = bytes.Clone(file)
	file[at] ^= 4
	return file
}

func turned(file []byte) []byte {
	file = bytes.Clone(file)
	at := chunksAt(file)
	first := bytes.Clone(file[at : at+sealedChunk])
	copy(file[at:], file[at+sealedChunk:at+2*sealedChunk])
	copy(file[at+sealedChunk:], first)
	return file
}

// What is replaced stays aside until the hub has opened what was restored.
func TestReplaced(t *testing.T) {
	a, b := newHub(t), newHub(t, strange)
	film := b.record(t)
	path := b.made(t, false)
	mine := a.made(t, false)
	for n := range 50 {
		must(t, b.store.Put(within(t), records.Record{Kind: "later", ID: fmt.Sprint(n), Body: []byte("x")}))
	}
	b.close()
	copied := filepath.Join(b.dir, "core-3.db.bak") // a person's own
	must(t, os.WriteFile(copied, []byte("x"), 0o600))

	file, err := backup.Open(path, b.dir, b.code)
	must(t, err)
	if r := file.Replaces(); r == nil || !r.SameHome || r.Databases == 0 || r.Changed.IsZero() {
		t.Errorf("it says that it replaces %+v", r)
	}
	must(t, file.Close())
	must(t, restore(within(t), path, b.dir, b.code))
	if !slices.Contains(names(t, b.dir), "restore.old") {
		t.Fatal("what was replaced is gone")
	}
	if _, err := os.Stat(copied); err != nil {
		t.Errorf("a person's own file: %v", err)
	}
	if err := restore(within(t), mine, b.dir, a.code); !errors.Is(err, backup.ErrUnopened) {
		t.Errorf("a second restore: %v", err)
	}
	v, err := vault.OpenRecovery(b.dir, b.code)
	must(t, err)
	s, err := records.Open(b.dir, v, "person")
	must(t, err)
	if got := watch(t, b.dir, s); !bytes.Equal(got, film) {
		t.Error("the backup had no recordings, and those that were there are gone")
	}
	if r, err := backup.RestoredIn(within(t), s); err != nil || r.Times != 1 || r.Made.IsZero() || r.At.Before(r.Made) {
		t.Errorf("it knows of its restore only %+v, %v", r, err)
	}
	if later, err := s.List(within(t), "later"); err != nil || len(later) > 0 {
		t.Errorf("what came after the backup is there: %d, %v", len(later), err)
	}
	must(t, errors.Join(s.Close(), v.Close(), backup.Settle(b.dir)))

	// A backup of another home takes the recordings of this one away as well.
	must(t, restore(within(t), mine, b.dir, a.code))
	if slices.Contains(names(t, b.dir), "media") {
		t.Error("recordings of another home stayed")
	}
	if got := opened(t, b.dir, a.code); len(got) != 2*rows {
		t.Errorf("%d rows", len(got))
	}
}

// Nothing is in the clear at any step, on either side.
func TestNothingInTheClear(t *testing.T) {
	a := newHub(t)
	a.record(t)
	b, out := t.TempDir(), t.TempDir()
	steps := 0
	look := func(step string) {
		steps++
		for _, dir := range []string{out, b} { // the open databases of a must not be read by its own process
			if found, _ := inClear(t, dir); len(found) > 0 {
				t.Errorf("%s: %v", step, found)
			}
		}
		for _, folder := range []string{"backup.copy", "backup.trial", "media"} {
			dir := filepath.Join(a.dir, folder)
			if _, err := os.Stat(dir); err != nil {
				continue
			}
			if found, n := inClear(t, dir); len(found) > 0 || n == 0 && folder == "backup.copy" {
				t.Errorf("%s: %v of %d bytes", step, found, n)
			}
		}
	}
	path := filepath.Join(out, "home.ingle-backup")
	_, err := backup.Make(within(t), a.source().At(look), path, true, nil)
	must(t, err)
	file, err := backup.Open(path, b, a.code)
	must(t, err)
	defer file.Close()
	file.At(look)
	must(t, file.Restore(within(t), nil))
	if steps < 8 {
		t.Errorf("only %d looks", steps)
	}
	if _, n := inClear(t, out); n == 0 {
		t.Error("the search searches nothing")
	}
	must(t, os.WriteFile(filepath.Join(out, "control"), []byte("x"+marker), 0o600))
	if found, _ := inClear(t, out); len(found) != 1 {
		t.Error("the search does not find a marker")
	}
}

// Whatever stands in front of a file is bounded before it is believed.
func FuzzHead(f *testing.F) {
	f.Add([]byte("IBAK\x01\x01\x10\x00"))
	f.Add(append(append([]byte("IBAK\x01\x01\x10\x00"), make([]byte, 32)...), 0, 0, 0, 2, '{', '}', 'x'))
	f.Add(append(append([]byte("IBAK\x01\x01\x10\x00"), make([]byte, 32)...), 0xff, 0xff, 0xff, 0xff))
	f.Fuzz(func(t *testing.T, file []byte) {
		raw, keys, err := backup.ReadHead(bytes.NewReader(file))
		if err != nil {
			if !errors.Is(err, backup.ErrNotBackup) && !errors.Is(err, backup.ErrDamaged) {
				t.Errorf("another error: %v", err)
			}
			return
		}
		if !bytes.HasPrefix(file, raw) || !bytes.HasSuffix(raw, keys) || len(keys) == 0 || len(keys) > 64<<10 {
			t.Errorf("%d bytes of head, %d of keys", len(raw), len(keys))
		}
	})
}
