package all_test

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// copied is where the copy lies: inside the module, so that it compiles, and under testdata, so that
// ./... does not see it.
const copied = "testdata/copied"

// TestTheBlueprintCanBeCopied does what its README says: copy the folder, replace the import paths
// and the ID, run the tests.
func TestTheBlueprintCanBeCopied(t *testing.T) {
	remove := func() {
		if err := os.RemoveAll("testdata"); err != nil {
			t.Error(err)
		}
	}
	remove() // of a run that was killed
	t.Cleanup(remove)
	copyBlueprint(t)
	// The linker needs a while on a Raspberry Pi that has nothing built yet.
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	for _, args := range [][]string{
		{"vet", "./" + copied, "./" + copied + "/sim", "./" + copied + "/sim/cmd"},
		{"test", "-count=1", "-timeout=2m", "./" + copied},
		{"build", "-o", os.DevNull, "./" + copied + "/sim/cmd"},
	} {
		cmd := exec.CommandContext(ctx, "go", args...)
		cmd.WaitDelay = 5 * time.Second
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("go %v: %v\n%s", args, err, out)
		}
	}
}

func copyBlueprint(t *testing.T) {
	t.Helper()
	const from = "../_blueprint"
	copies := 0
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		to := filepath.Join(copied, name)
		if d.IsDir() {
			return os.MkdirAll(to, 0o755)
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		raw = bytes.ReplaceAll(raw, []byte("accessories/_blueprint"), []byte("accessories/all/"+copied))
		raw = bytes.ReplaceAll(raw, []byte(`"blueprint"`), []byte(`"copied"`))
		copies++
		return os.WriteFile(to, raw, 0o644)
	})
	if err != nil || copies < 8 {
		t.Fatalf("%d files copied: %v", copies, err)
	}
}
