package house_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// said is what go test -v says of a package that passes, of one that fails, and of a script that does
// nothing here.
const said = `=== RUN   TestWhole
    a_test.go:3: all is well
--- PASS: TestWhole (0.00s)
=== RUN   TestSide
=== PAUSE TestSide
=== RUN   TestOther
=== PAUSE TestOther
=== CONT  TestSide
    a_test.go:7: there is no chip: [sha256]
=== CONT  TestOther
    a_test.go:9: it syncs
=== NAME  TestSide
--- SKIP: TestSide (0.00s)
--- PASS: TestOther (0.00s)
=== RUN   TestGroup
=== RUN   TestGroup/one
    a_test.go:12: needs strace
--- PASS: TestGroup (0.00s)
    --- SKIP: TestGroup/one (0.00s)
=== RUN   TestMute
--- SKIP: TestMute (0.00s)
PASS
ok  	example/a	0.01s
=== RUN   TestBad
    b_test.go:4: wrong
--- FAIL: TestBad (0.00s)
FAIL
FAIL	example/b	0.01s
arm64: left out, there is no emulator
`

// What go test says without -v stays, and what was left out is noted with its reason.
func TestWhatIsLeftOutIsTold(t *testing.T) {
	notes := filepath.Join(t.TempDir(), "left-out")
	cmd := exec.CommandContext(t.Context(), "awk", "-f", "../../.ci/told", notes)
	cmd.Stdin = strings.NewReader(said)
	shown, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	want := "ok  \texample/a\t0.01s\n    b_test.go:4: wrong\n--- FAIL: TestBad (0.00s)\nFAIL\nFAIL\texample/b\t0.01s\narm64: left out, there is no emulator\n"
	if string(shown) != want {
		t.Errorf("shown: %q", shown)
	}
	noted, err := os.ReadFile(notes)
	if err != nil {
		t.Fatal(err)
	}
	want = "there is no chip: [sha256]\texample/a\tTestSide\nneeds strace\texample/a\tTestGroup/one\nit does not say why\texample/a\tTestMute\nthere is no emulator\t.ci\tarm64\n"
	if string(noted) != want {
		t.Errorf("noted: %q", noted)
	}
}
