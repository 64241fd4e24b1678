package backup_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/ingle-home/ingle/storage"
	"github.com/ingle-home/ingle/storage/backup"
	"github.com/ingle-home/ingle/storage/records"
	"github.com/ingle-home/ingle/storage/vault"
)

// child makes, restores or undoes and kills itself at the step that it was told.
func child(role string) error {
	dir, path, code, end := os.Getenv(envDir), os.Getenv(envFile), os.Getenv(envOpen), os.Getenv(envStep)
	step := func(at string) {
		fmt.Println(at)
		if at == end {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	lock, err := storage.Acquire(dir)
	if err != nil {
		return err
	}
	defer lock.Release()
	if role == "undo" {
		return backup.UndoAt(dir, step)
	}
	if role == "restore" {
		b, err := backup.Open(path, dir, code)
		if err != nil {
			return err
		}
		defer b.Close()
		b.At(step)
		return b.Restore(context.Background(), nil)
	}
	v, err := vault.OpenRecovery(dir, code)
	if err != nil {
		return err
	}
	defer v.Close()
	s, err := records.Open(dir, v, "person")
	if err != nil {
		return err
	}
	defer s.Close()
	_, err = backup.Make(context.Background(), backup.Source{Dir: dir, Vault: v, Store: s}.At(step), path, true, nil)
	return err
}

// run gives the steps that a child came to.
func run(t *testing.T, role, dir, path, code, end string) []string {
	t.Helper()
	cmd := exec.CommandContext(within(t), os.Args[0])
	cmd.Env = append(os.Environ(), envRole+"="+role, envDir+"="+dir, envFile+"="+path, envOpen+"="+code, envStep+"="+end)
	var problem strings.Builder
	cmd.Stderr = &problem
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || problem.Len() > 0 {
		t.Fatalf("%s until %s: %v: %s", role, end, err, problem.String())
	}
	steps := strings.Fields(strings.ReplaceAll(string(out), " ", "_"))
	for i := range steps {
		steps[i] = strings.ReplaceAll(steps[i], "_", " ")
	}
	if end != "" && (err == nil || steps[len(steps)-1] != end) {
		t.Fatalf("%s was not killed at %q: %v", role, end, steps)
	}
	return steps
}

// A backup that is killed anywhere leaves no file of its name, and the next one is whole.
func TestKilledWhileMaking(t *testing.T) {
	a := newHub(t)
	a.record(t)
	a.close()
	out := t.TempDir()
	steps := run(t, "make", a.dir, filepath.Join(out, "whole"), a.code, "")
	if len(steps) < 3 {
		t.Fatalf("steps: %v", steps)
	}
	for n, step := range steps {
		path := filepath.Join(out, fmt.Sprint(n))
		run(t, "make", a.dir, path, a.code, step)
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s: a backup that nobody tried has its name", step)
		}
		run(t, "make", a.dir, path, a.code, "")
		b := t.TempDir()
		must(t, restore(within(t), path, b, a.code))
		if got := opened(t, b, a.code); len(got) != 2*rows {
			t.Errorf("%s: %d rows", step, len(got))
		}
	}
	for _, name := range append(names(t, a.dir), names(t, out)...) {
		if strings.HasPrefix(name, "backup.") || strings.HasSuffix(name, ".part") {
			t.Errorf("left over: %s", name)
		}
	}
}

// A restore that is killed anywhere leaves the old store or the new one, whole, and
// never none: in an empty folder, and over a store.
func TestKilledWhileRestoring(t *testing.T) {
	a := newHub(t)
	path := a.made(t, false)
	must(t, a.store.Put(within(t), records.Record{Kind: "person", ID: "later", Subject: "person/later", Body: []byte("x")}))
	a.close()
	fresh, old := 2*rows, 2*rows+1
	all := t.TempDir()
	twin := func(name string) string {
		dir := filepath.Join(all, name)
		must(t, os.CopyFS(dir, os.DirFS(a.dir)))
		return dir
	}
	steps := run(t, "restore", twin("whole"), path, a.code, "")
	if len(steps) < 10 {
		t.Fatalf("steps: %v", steps)
	}
	var seen []int
	for n, step := range steps {
		dir := twin(fmt.Sprint(n))
		run(t, "restore", dir, path, a.code, step)
		must(t, backup.Finish(dir))
		got := len(opened(t, dir, a.code))
		if got != fresh && got != old {
			t.Errorf("%s: %d rows, which is neither the old nor the new", step, got)
		}
		seen = append(seen, got)
		want := old
		if n >= slices.Index(steps, "ready") {
			want = fresh
		}
		if got != want {
			t.Errorf("%s: %d rows, want %d", step, got, want)
		}
		if want == fresh {
			if got := len(opened(t, filepath.Join(dir, "restore.old"), a.code)); got != old {
				t.Errorf("%s: %d rows aside", step, got)
			}
		}
	}
	if !slices.Contains(seen, fresh) || !slices.Contains(seen, old) {
		t.Errorf("seen only %v", seen)
	}
}
