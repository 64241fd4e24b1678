package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The program runs from end to end and its report has a line for each task.
func TestQuickRun(t *testing.T) {
	if testing.Short() {
		t.Skip("it syncs to the disk some hundred times")
	}
	path := filepath.Join(t.TempDir(), "storage.md")
	var out, log bytes.Buffer
	if code := run([]string{"-quick", "-rounds", "2", "-out", path, "-dir", t.TempDir()}, &out, &log); code != 0 {
		t.Fatalf("code %d: %s", code, log.String())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks() {
		if !strings.Contains(string(text), "| "+task.name+" |") {
			t.Errorf("no line for %q", task.name)
		}
	}
	if n := strings.Count(string(text), " random read of 4 KiB"); n != 1 {
		t.Errorf("%d lines for reads of recordings", n)
	}
	if strings.Contains(string(text), "NaN") {
		t.Errorf("a figure is missing:\n%s", text)
	}
}

func report1(factor, noise float64, recorded media) string {
	measured := make(map[string]*samples)
	for _, task := range tasks() {
		measured[task.name] = &samples{stock: {100, 102, 98}, sealed: {100 * factor, 102 * factor, 98 * factor}, again: {100 * noise, 102 * noise, 98 * noise}}
	}
	return report(measured, recorded, 3, 10)
}

// quick is a machine that meets the targets of recordings.
func quick() media {
	three := func(x float64) []float64 { return []float64{x, x * 1.02, x * 0.98} }
	return media{seal: three(900), wall: three(700), middle: three(0.05), slow: three(0.2)}
}

// A target that is missed is said to be, and a restless machine makes no verdict.
func TestVerdicts(t *testing.T) {
	for _, c := range []struct {
		factor, noise float64
		want          string
	}{
		{1.01, 1, "Every target is met."},
		{1.4, 1, "Targets that are not met: 4. Lines that are void: 0."},
		{1.01, 1.5, "Targets that are not met: 0. Lines that are void: 8."},
	} {
		if got := report1(c.factor, c.noise, quick()); !strings.Contains(got, c.want) {
			t.Errorf("factor %v, noise %v: want %q in\n%s", c.factor, c.noise, c.want, got)
		}
	}
}

func TestVerdictsOfRecordings(t *testing.T) {
	for what, spoil := range map[string]func(*media){
		"slow sealing":   func(m *media) { m.seal = []float64{399, 390, 800} },
		"slow reads":     func(m *media) { m.middle = []float64{1.1, 1.2, 0.2} },
		"some slow ones": func(m *media) { m.slow = []float64{1.1, 1.2, 0.2} },
	} {
		m := quick()
		spoil(&m)
		if got := report1(1, 1, m); !strings.Contains(got, "Targets that are not met: 1.") {
			t.Errorf("%s: a target is missed, and nothing said of it in\n%s", what, got)
		}
	}
}
