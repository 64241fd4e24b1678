package main

import (
	"strings"
	"testing"
)

func TestGather(t *testing.T) {
	// The rounds' ratios are 4, 2 and 8: their median is not that of the medians, 30 to 8.
	rounds := [][2]sample{
		{{get1: 5, cpuGet1: 1, eventOfWrite: 1}, {get1: 20, cpuGet1: 4, eventOfWrite: 250}},
		{{get1: 15, cpuGet1: 2, eventOfWrite: 3}, {get1: 30, cpuGet1: 5, eventOfWrite: 250}},
		{{get1: 8, cpuGet1: 3, eventOfWrite: 2}, {get1: 64, cpuGet1: 6, eventOfWrite: 250}},
	}
	found := map[string]result{}
	for _, r := range gather(rounds) {
		found[r.key] = r
	}
	if r := found[get1]; r.ours != 8 || r.theirs != 30 || r.ratio != 4 || r.low != 2 || r.high != 8 || !r.met() {
		t.Errorf("%+v", r)
	}
	if r := found[cpuGet1]; r.ratio != 0.4 || r.met() {
		t.Errorf("%+v", r)
	}
	if r := found[eventOfWrite]; r.ours != 2 || r.met() {
		t.Errorf("2 ms are not below 2 ms: %+v", r)
	}
	text := report(t.Context(), gather(rounds), options{rounds: 3})
	for _, line := range []string{
		"| GET of 1, p50 | 8 µs | 30 µs | 4× | 2–8 | ≥ 3× faster | yes |",
		"| processor time of a GET of 1, 8 sessions | 2 µs | 5 µs | 0.40 of it | 0.25–0.50 | ≤ 0.3 of it | **no** |",
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("no line %q in\n%s", line, text)
		}
	}
}

func TestQuantile(t *testing.T) {
	all := []float64{9, 1, 5, 3, 7}
	if m, top, low := median(all), quantile(all, 1), quantile(all, 0); m != 5 || top != 9 || low != 1 {
		t.Errorf("median %v, from %v to %v", m, low, top)
	}
	if m := median([]float64{4, 1, 2, 9}); m != 3 {
		t.Errorf("median of an even number: %v", m)
	}
	if all[0] != 9 {
		t.Error("what was measured came out in another order")
	}
}

func TestFlood(t *testing.T) {
	a, b := lamp{2, 9}, lamp{3, 9}
	f := flood{last: []map[lamp]bool{{a: true, b: false}, {a: true}}}
	if n := f.wrong(map[lamp]bool{a: true, b: true}); n != 2 {
		t.Errorf("%d wrong, one was told wrongly and one not at all", n)
	}
}
