package wipe_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/privacy/receipt"
	"github.com/ingle-home/ingle/hub/privacy/wipe"
)

// full is a folder with all that a hub has.
func full(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"keys.json", "keys.twin.json", "boot-1.cred", "core-1.db", "core-1.db-wal", "telemetry-1.db", "door.json", "tries.json", "lock",
		"media/one", "restore.old/core-1.db", "restore.strange", "backup.copy/core-1.db", ".ingle-1"} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte("Vexillina"), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func note() wipe.Note {
	return wipe.Note{Seed: make([]byte, ed25519.SeedSize), Receipt: receipt.Receipt{
		ID: "r-abc", Scope: "everything", Begun: time.Now().UTC(),
		Counts: []receipt.Count{{Kind: "person", Where: "hub", Before: 2, After: 2}, {Kind: "on-device", Where: "device", Before: 1, After: 1}},
		Places: []receipt.Place{{Holder: "store", Outcome: receipt.Gone}},
	}}
}

// A real process that forgets everything is killed by a signal at each step; the next start completes it,
// with one receipt.
func TestKilledAtEachStep(t *testing.T) {
	for _, step := range []string{"", "keys", "restored", "store", "receipt"} {
		dir := full(t)
		if err := wipe.Begin(dir, note()); err != nil {
			t.Fatal(err)
		}
		killedAt(t, dir, step)
		half := filepath.Join(dir, "receipts", ".ingle-1") // as of a power cut in the middle of the receipt
		if err := errors.Join(os.MkdirAll(filepath.Dir(half), 0o700), os.WriteFile(half, []byte("{"), 0o600)); err != nil {
			t.Fatal(err)
		}
		if !wipe.Begun(dir) {
			t.Fatalf("%s: the journal went too soon", step)
		}
		for range 2 { // the second time there is nothing to do
			if err := wipe.Finish(t.Context(), dir, wipe.Watch{}); err != nil {
				t.Fatalf("%s: %v", step, err)
			}
		}
		judge(t, step, dir)
	}
}

// The child process that forgets, and is killed at a step.
const (
	envDir  = "INGLE_WIPES"
	envStep = "INGLE_DIES_AT"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(envDir); dir != "" {
		err := wipe.Finish(context.Background(), dir, wipe.Watch{Reached: func(now string) {
			if now == os.Getenv(envStep) {
				_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
				select {}
			}
		}})
		fmt.Fprintln(os.Stderr, "it was not killed:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// killedAt runs it until a step.
func killedAt(t *testing.T, dir, step string) {
	t.Helper()
	if step == "" {
		return
	}
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), envDir+"="+dir, envStep+"="+step)
	said, err := child.CombinedOutput()
	if s, ok := child.ProcessState.Sys().(syscall.WaitStatus); err == nil || !ok || s.Signal() != syscall.SIGKILL {
		t.Fatalf("%s: it ended with %v: %s", step, err, said)
	}
}

// What could not be removed is no receipt, and what somebody still knows the names of is searched.
func TestWhatIsLeftIsNotSigned(t *testing.T) {
	dir := full(t)
	if err := wipe.Begin(dir, note()); err != nil {
		t.Fatal(err)
	}
	back := wipe.Watch{Reached: func(step string) {
		if step == "store" { // as if it had not gone
			if err := os.WriteFile(filepath.Join(dir, "core-1.db"), nil, 0o600); err != nil {
				t.Error(err)
			}
		}
	}}
	if err := wipe.Finish(t.Context(), dir, back); err == nil || !wipe.Begun(dir) {
		t.Fatalf("a file is left, and it is over: %v", err)
	}
	if all, err := wipe.Receipts(dir); err != nil || len(all) > 0 {
		t.Fatalf("%d receipts, %v", len(all), err)
	}
	found := receipt.Search{Words: 2, Bytes: 300, Found: 1}
	if err := wipe.Finish(t.Context(), dir, wipe.Watch{Look: func(context.Context) (receipt.Search, error) { return found, nil }}); err != nil {
		t.Fatal(err)
	}
	all, err := wipe.Receipts(dir)
	if err != nil || len(all) != 1 {
		t.Fatalf("%d receipts, %v", len(all), err)
	}
	if v, err := receipt.Verify(all[0]); err != nil || v.Search != found {
		t.Errorf("%+v, %v", v, err)
	}
}

func judge(t *testing.T, step, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != "lock" && e.Name() != "receipts" {
			t.Errorf("%s: there is %s", step, e.Name())
		}
	}
	all, err := wipe.Receipts(dir)
	files, ferr := os.ReadDir(filepath.Join(dir, "receipts"))
	if err := errors.Join(err, ferr); err != nil || len(all) != 1 || len(files) != 1 {
		t.Fatalf("%s: %d receipts in %v, %v", step, len(all), files, err)
	}
	v, err := receipt.Verify(all[0])
	if err != nil || !v.Done || !v.Emptied || v.Counts[0].After != 0 || v.Counts[1].After != 1 {
		t.Errorf("%s: %+v, %v", step, v, err)
	}
}

// A folder that nobody asked to wipe is left alone.
func TestNothingWithoutAJournal(t *testing.T) {
	dir := full(t)
	if err := wipe.Finish(t.Context(), dir, wipe.Watch{}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "keys.json")); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "forgetting.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := wipe.Finish(t.Context(), dir, wipe.Watch{}); err == nil {
		t.Error("half a journal was believed")
	}
	if _, err := os.Stat(filepath.Join(dir, "keys.json")); err != nil {
		t.Error(err)
	}
}

// A folder in which somebody began a hub may have been theirs before: what is not the hub's stays.
func TestWhatIsNotTheHubsStays(t *testing.T) {
	dir, elsewhere := full(t), t.TempDir()
	precious := filepath.Join(elsewhere, "precious")
	theirs := []string{"taxes.pdf", "restored photos/one.jpg", "keys.kdbx", "mediation.txt"}
	for _, name := range theirs {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte("theirs"), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.WriteFile(precious, nil, 0o600), os.RemoveAll(filepath.Join(dir, "media")), os.Symlink(elsewhere, filepath.Join(dir, "media"))); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(wipe.Begin(dir, note()), wipe.Finish(t.Context(), dir, wipe.Watch{})); err != nil {
		t.Fatal(err)
	}
	for _, path := range append(theirs, precious) {
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Lstat(filepath.Join(dir, "media")); err == nil {
		t.Error("the link is still there")
	}
}
