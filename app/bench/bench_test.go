package main

import (
	"math"
	"strings"
	"testing"
)

func TestFigures(t *testing.T) {
	if v := part([]float64{5, 1, 4, 2, 3}, 0.5); v != 3 {
		t.Errorf("the median is %v", v)
	}
	if v := part([]float64{3, 1, 2}, 0.95); v != 3 {
		t.Errorf("of three, 95 of 100 are within %v", v)
	}
	if !math.IsNaN(part(nil, 0.5)) {
		t.Error("nothing has a median")
	}
}

func TestEachLineSaysWhetherItIsMet(t *testing.T) {
	text := report([]result{
		{"small", "MB", most(32), []float64{31.9}},
		{"slow", "s", most(1.5), []float64{1.4, 1.6, 1.7}},
		{"smooth", "", least(14), []float64{15}},
		{"jerky", "", least(14), []float64{13.9}},
		{"by the way", "%", shown(), []float64{7}},
	}, 2, options{starts: 5})
	for _, want := range []string{
		"| small | 31.9 MB |  | ≤ 32 MB | met |", "| slow | 1.60 s | 1.40–1.70 | ≤ 1.5 s | **not met** |",
		"| smooth | 15.0 |  | ≥ 14 | met |", "| jerky | 13.9 |  | ≥ 14 | **not met** |", "| by the way | 7.00 % |  |  |  |",
		"Targets that are not met: 2.", "The machine was busy", "`go run ./app/bench -starts 5 -out docs/bench/app.md`",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in the report:\n%s", want, text)
		}
	}
	if strings.Contains(text, "%!") {
		t.Errorf("a figure has no form:\n%s", text)
	}
}
