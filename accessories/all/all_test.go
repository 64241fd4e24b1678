package all_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/ingle-home/ingle/accessories/all"
)

func TestEveryDriverIsListedOnce(t *testing.T) {
	var ids []string
	for _, d := range all.Drivers() {
		ids = append(ids, d.About().ID)
	}
	slices.Sort(ids)
	if once := slices.Compact(slices.Clone(ids)); len(once) != len(ids) {
		t.Errorf("two drivers share an ID: %v", ids)
	}
	var folders []string
	for _, path := range glob(t, "../*/driver.go") {
		if name := filepath.Base(filepath.Dir(path)); name[0] != '_' {
			folders = append(folders, name)
		}
	}
	if slices.Sort(folders); !slices.Equal(ids, folders) { // a driver's ID is its folder's name
		t.Errorf("listed are %v, and there are %v", ids, folders)
	}
}

func TestEveryDriverSaysHowItIsTested(t *testing.T) {
	for _, path := range glob(t, "../*/driver.go") {
		for _, name := range []string{"README.md", "quality.toml", "conformance_test.go", "wire_test.go", "sim/sim.go", "sim/cmd/main.go"} {
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), name)); err != nil {
				t.Error(err)
			}
		}
	}
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(pattern)
	if err != nil || len(found) == 0 {
		t.Fatalf("%s: %d found, %v", pattern, len(found), err)
	}
	return found
}
