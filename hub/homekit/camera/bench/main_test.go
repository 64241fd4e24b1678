package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ingle-home/ingle/internal/measure"
)

// TestMain is the program itself when it runs once more in a network of its own.
func TestMain(m *testing.M) {
	if measure.Apart() {
		os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

func needNetwork(t *testing.T) {
	t.Helper()
	flags := "-n"
	if os.Getuid() != 0 {
		flags = "-rn"
	}
	if out, err := exec.Command("unshare", flags, "true").CombinedOutput(); err != nil {
		t.Skipf("no network namespace can be made here: %v: %s", err, out)
	}
}

// TestRound does once what needs no go2rtc, for a moment, with small pictures.
func TestRound(t *testing.T) {
	needNetwork(t)
	table := filepath.Join(t.TempDir(), "bench", "cameras.md")
	var out, log bytes.Buffer
	if code := run([]string{"-quick", "-rounds", "1", "-parts", "ffmpeg,scale", "-out", table}, nil, &out, &log); code != 0 {
		t.Fatalf("%d: %s", code, log.String())
	}
	text, err := os.ReadFile(table)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"2 cameras, a viewer each", "| processor time of a viewer, of one processor | ", "| ≤ 0.75 of it | ", "3 cameras, 2 viewers", "these figures mean nothing", "load before the start"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%q is not in the table:\n%s", want, text)
		}
	}
	if strings.Contains(string(text), "%!") {
		t.Errorf("a figure has no form:\n%s", text)
	}
}

// TestLargeHouse watches sixteen cameras for ten minutes with INGLE_SOAK, and no picture may be missing.
func TestLargeHouse(t *testing.T) {
	if os.Getenv("INGLE_SOAK") == "" {
		t.Skip("INGLE_SOAK=1 watches sixteen cameras for ten minutes")
	}
	needNetwork(t)
	var out, log bytes.Buffer
	if code := run([]string{"-parts", "scale", "-scale", (10 * time.Minute).String()}, nil, &out, &log); code != 0 {
		t.Fatalf("%d: %s", code, log.String())
	}
	t.Log(out.String())
	if !strings.Contains(out.String(), "Every target is met.") {
		t.Error("a target is not met")
	}
}

func TestWrongUse(t *testing.T) {
	for _, args := range [][]string{{"-rounds", "0"}, {"-rounds", "many"}, {"left over"}} {
		var out, log bytes.Buffer
		if code := run(args, nil, &out, &log); code != 2 {
			t.Errorf("%q: %d", args, code)
		}
	}
}

// A target is judged by the median, gaps by the worst.
func TestTargets(t *testing.T) {
	for _, c := range []struct {
		result
		met bool
	}{
		{result{ours: []float64{4, 1, 3}, limit: 3}, true},
		{result{ours: []float64{4, 1, 3.1}, limit: 3}, false},
		{result{ours: []float64{1, 2, 9}, theirs: []float64{2, 4, 9}, share: true, limit: 0.5}, true},
		{result{ours: []float64{1, 8, 9}, theirs: []float64{2, 9, 9}, share: true, limit: 0.5}, false},
		{result{ours: []float64{0, 0, 0}, limit: exactly}, true},
		{result{ours: []float64{0, 0, 1}, limit: exactly}, false},
	} {
		if c.result.met() != c.met {
			t.Errorf("%+v: met %t", c.result, !c.met)
		}
	}
}

// Stamps are found alone and in aggregates; what is cut short is not read.
func TestWholeUnits(t *testing.T) {
	for payload, want := range map[string][]string{
		"\x65abc":                       {"\x65abc"},
		"\x18\x00\x02\x67a\x00\x01\x68": {"\x67a", "\x68"},
		"\x18\x00\x09\x67a":             nil,
		"\x18\x00":                      nil,
	} {
		var got []string
		for _, nal := range whole([]byte(payload)) {
			got = append(got, string(nal))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q holds %q, want %q", payload, got, want)
		}
	}
}
