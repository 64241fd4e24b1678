package backup_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ingle-home/ingle/storage"
	"github.com/ingle-home/ingle/storage/backup"
	"golang.org/x/sys/unix"
)

// A backup that cannot be made leaves nothing, and never replaces another.
func TestFailed(t *testing.T) {
	a := newHub(t)
	out := t.TempDir()
	path := filepath.Join(out, "home.ingle-backup")
	ctx, cancel := context.WithCancel(within(t))
	for _, at := range []string{"copied", "written"} {
		source := a.source().At(func(step string) {
			if step == at {
				cancel()
			}
		})
		if _, err := backup.Make(ctx, source, path, false, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("ended at %s: %v", at, err)
		}
		ctx, cancel = context.WithCancel(within(t))
	}
	cancel()
	if _, err := backup.Make(within(t), a.source(), filepath.Join(out, "missing", "x"), false, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("into a folder that is not there: %v", err)
	}
	must(t, os.WriteFile(path, []byte("mine"), 0o600))
	if _, err := backup.Make(within(t), a.source(), path, false, nil); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over a file: %v", err)
	}
	if got := names(t, out); !slices.Equal(got, []string{"home.ingle-backup"}) {
		t.Errorf("left over: %v", got)
	}
	late := filepath.Join(out, "late")
	source := a.source().At(func(step string) {
		if step == "tried" {
			must(t, os.WriteFile(late, []byte("theirs"), 0o600))
		}
	})
	if _, err := backup.Make(within(t), source, late, false, nil); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over a file that came meanwhile: %v", err)
	}
	if raw, err := os.ReadFile(late); err != nil || string(raw) != "theirs" {
		t.Errorf("that file: %q, %v", raw, err)
	}
	for _, name := range names(t, a.dir) {
		if strings.HasPrefix(name, "backup.") {
			t.Errorf("left over: %s", name)
		}
	}
}

// Somebody who is forgotten while the databases are copied ends the copying and waits for
// nothing: a backup of before would bring them back.
func TestForgottenMeanwhile(t *testing.T) {
	a := newHub(t)
	for n := range 20 { // the copy may be faster
		path := filepath.Join(t.TempDir(), "x")
		done := make(chan error, 1)
		var once sync.Once
		_, err := backup.Make(within(t), a.source(), path, false, func(int64, int64) {
			once.Do(func() {
				started := make(chan struct{})
				go func() {
					close(started)
					done <- a.store.Forget(context.Background(), fmt.Sprintf("person/%s-%02d", marker, n))
				}()
				<-started
				select { // it waits for the copy, which waits here
				case err := <-done:
					t.Error("it did not wait:", err)
				case <-time.After(20 * time.Millisecond):
				}
			})
		})
		must(t, <-done)
		if errors.Is(err, context.Canceled) {
			if _, err := os.Stat(path); err == nil {
				t.Error("a backup that was ended has its name")
			}
			return
		}
		must(t, err)
	}
	t.Error("no backup was ended by a forgetting")
}

// Somebody who is forgotten at any step before a backup has its name is not in one.
func TestForgottenAtAnyStep(t *testing.T) {
	for n, step := range []string{"copied", "written", "tried"} {
		a := newHub(t)
		path, reached := filepath.Join(t.TempDir(), "x"), false
		source := a.source().At(func(at string) {
			if at == step {
				reached = true
				must(t, a.store.Forget(context.Background(), fmt.Sprintf("person/%s-%02d", marker, n)))
			}
		})
		if _, err := backup.Make(within(t), source, path, false, nil); !errors.Is(err, context.Canceled) || !reached {
			t.Errorf("%s (reached: %v): %v", step, reached, err)
		}
		if got := names(t, filepath.Dir(path)); len(got) > 0 {
			t.Errorf("%s: left over: %v", step, got)
		}
	}
}

// A full disk, on either side, is told as such and leaves nothing behind.
func TestFullDisk(t *testing.T) {
	a := newHub(t)
	path := a.made(t, false)
	small := t.TempDir()
	if err := unix.Mount("tmpfs", small, "tmpfs", 0, "size=120k"); err != nil {
		t.Skipf("needs the right to mount a small tmpfs (run as root to see it): %v", err)
	}
	t.Cleanup(func() { must(t, unix.Unmount(small, unix.MNT_DETACH)) })
	if _, err := backup.Make(within(t), a.source(), filepath.Join(small, "x"), false, nil); !errors.Is(err, storage.ErrFull) {
		t.Errorf("a backup to it: %v", err)
	}
	if got := names(t, small); len(got) > 0 {
		t.Errorf("it left %v", got)
	}
	if err := restore(within(t), path, small, a.code); !errors.Is(err, storage.ErrFull) {
		t.Errorf("a restore to it: %v", err)
	}
	if got := names(t, small); !slices.Equal(got, []string{"lock"}) {
		t.Errorf("it left %v", got)
	}
}

// A commit every few milliseconds does not make the copy begin again and again.
func TestProgress(t *testing.T) {
	a := newHub(t)
	stop := commit(t, a.store)
	last, calls := int64(-1), 0
	_, err := backup.Make(within(t), a.source(), filepath.Join(t.TempDir(), "x"), false, func(done, of int64) {
		if calls++; done < last {
			t.Errorf("from %d back to %d of %d", last, done, of)
		}
		last = done
	})
	must(t, err)
	if stop(); calls < 4 {
		t.Errorf("progress was told %d times", calls)
	}
}
