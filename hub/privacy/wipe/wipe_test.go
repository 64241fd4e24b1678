package wipe_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"os"
	"path/filepath"
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

// errCut is a power cut: what comes after it does not happen.
var errCut = errors.New("cut")

// Cut at any step it is completed by the next start, with one receipt.
func TestCutAtEachStep(t *testing.T) {
	for _, step := range []string{"", "keys", "restored", "store", "receipt"} {
		dir := full(t)
		if err := wipe.Begin(dir, note()); err != nil {
			t.Fatal(err)
		}
		cutAt(t, dir, step)
		if !wipe.Begun(dir) {
			t.Fatalf("%s: the journal went too soon", step)
		}
		for range 2 { // the second time there is nothing to do
			if err := wipe.Finish(t.Context(), dir, nil); err != nil {
				t.Fatalf("%s: %v", step, err)
			}
		}
		judge(t, step, dir)
	}
}

// cutAt runs it until a step.
func cutAt(t *testing.T, dir, step string) {
	t.Helper()
	if step == "" {
		return
	}
	defer func() {
		if r := recover(); r != errCut {
			t.Fatalf("it was not cut at %s: %v", step, r)
		}
	}()
	_ = wipe.Finish(context.Background(), dir, func(now string) {
		if now == step {
			panic(errCut)
		}
	})
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
	if err != nil || len(all) != 1 {
		t.Fatalf("%s: %d receipts, %v", step, len(all), err)
	}
	v, err := receipt.Verify(all[0])
	if err != nil || !v.Done || v.Counts[0].After != 0 || v.Counts[1].After != 1 {
		t.Errorf("%s: %+v, %v", step, v, err)
	}
}

// A folder that nobody asked to wipe is left alone.
func TestNothingWithoutAJournal(t *testing.T) {
	dir := full(t)
	if err := wipe.Finish(t.Context(), dir, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "keys.json")); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "forgetting.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := wipe.Finish(t.Context(), dir, nil); err == nil {
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
	if err := errors.Join(wipe.Begin(dir, note()), wipe.Finish(t.Context(), dir, nil)); err != nil {
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
