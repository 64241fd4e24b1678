package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestTheAppIsBuiltForItsPlaces builds the app as desktops and phones run it, and weighs it. Phones' own
// tools are not there: -tags mobile is their driver in a window.
func TestTheAppIsBuiltForItsPlaces(t *testing.T) {
	const most = 32_000_000 // bytes
	for name, flags := range map[string][]string{
		"desktop": {"-tags", "accessibility", "-ldflags", "-s -w"},
		"phone":   {"-tags", "mobile", "-ldflags", "-s -w"},
	} {
		if size := built(t, name, nil, flags...); size > most {
			t.Errorf("%s: the app is %d bytes, at most %d are wanted", name, size, most)
		}
	}
}

// TestTheAppIsBuiltForWindows takes ten minutes the first time.
func TestTheAppIsBuiltForWindows(t *testing.T) {
	const cross = "x86_64-w64-mingw32-gcc"
	if _, err := exec.LookPath(cross); err != nil || !soak() {
		t.Skipf("it builds for minutes: set INGLE_SOAK=1 and install gcc-mingw-w64-x86-64, or run `make windows`")
	}
	built(t, "windows", []string{"GOOS=windows", "GOARCH=amd64", "CC=" + cross}, "-ldflags", "-s -w -H windowsgui")
}

// built builds the app and gives its size in bytes.
func built(t *testing.T, name string, env []string, flags ...string) int64 {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	cmd := exec.Command("go", append(append([]string{"build", "-buildvcs=false", "-o", path}, flags...), ".")...)
	cmd.Dir, cmd.Env = "..", append(append(os.Environ(), "CGO_ENABLED=1"), env...)
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, said)
	}
	about, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s: %d bytes", name, about.Size())
	return about.Size()
}
