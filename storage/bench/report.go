package main

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/mattn/go-sqlite3"

	"github.com/ingle-home/ingle/internal/measure"
)

const introduction = `# A sealed database against a stock one

This file is written by %[1]s (%[2]s does the same alone).

| | |
|---|---|
| date | %[3]s |
| machine | %[4]s, %[5]d processors, %[6]s |
| versions | %[7]s, SQLite %[8]s |
| rounds | %[9]d, with %[10]d rows |

| what | stock | sealed | ratio | lowest–highest | target | stock again | met |
|---|--:|--:|--:|--:|--:|--:|---|
`

const recordings = `
Recordings, made and read %[1]d times on one processor. They lie in the system's cache: what is measured is the sealing, not the disk.

| what | median | lowest–highest | target | met |
|---|--:|--:|--:|---|
`

const method = `
## How it is measured

Stock is mattn/go-sqlite3 as it is; sealed is the same library on [storage/vfs](../../storage/vfs/vfs.go), with
the settings of [storage/records](../../storage/records/database.go) on both sides. In a round all tasks are
done on a new file by stock, by sealed and by stock again; who begins changes from round to round. Times are medians of the
rounds, a ratio is the median of the rounds' ratios. "Stock again" is the ratio of the two stock runs: outside
0.75–1.35 the machine was too restless, and the line is void. [bench](../../storage/bench/main.go) is the program.

Sealing a recording is counted by the time that the processor is busy, which does not depend on who else is; by the clock the
disk counts too. It includes the copying and the writing to the file. A read of 4 KiB opens the 64 KiB around it.

The wal-index of a sealed database lies in memory and its file is locked once, for one process; stock asks the kernel for
locks at every read. That is why reads by key can be faster sealed. What sealing costs is the opening of each page that the cache
misses, so index ranges show it most: their rows lie all over the file.
`

// task is what one line of the report is about. target 0: only shown.
type task struct {
	name   string
	target float64
}

func tasks() []task {
	return []task{
		{batchInsert, 1.3}, {fullCommit, 1.3}, {normal, 0}, {pointRead, 1.6}, {scan, 1.8},
		{indexRange, 1.5}, {rangeSmall, 4}, {rangeLarge, 1.3}, {integrity, 0}, {size, 1.02},
	}
}

// What a control may be; outside of it a line is void.
const (
	quietest = 0.75
	loudest  = 1.35
)

func report(measured map[string]*samples, recorded media, rounds, rows int) string {
	var b strings.Builder
	version, _, _ := sqlite3.Version()
	processor, kernel := measure.Machine()
	fmt.Fprintf(&b, introduction, "`make bench`", fmt.Sprintf("`go run ./storage/bench -rounds %d -out docs/bench/storage.md`", rounds),
		time.Now().UTC().Format("2 January 2006"), processor, runtime.NumCPU(), kernel, runtime.Version(), version, rounds, rows)
	missed, void := 0, 0
	for _, t := range tasks() {
		s := measured[t.name]
		ratios, control := ratios(s[sealed], s[stock]), median(ratios(s[again], s[stock]))
		target, met := "", ""
		if t.target > 0 {
			target, met = fmt.Sprintf("≤ %.4g", t.target), "yes"
			switch {
			case control < quietest || control > loudest:
				met = "void"
				void++
			case median(ratios) > t.target:
				met = "**no**"
				missed++
			}
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %.3g | %.3g–%.3g | %s | %.3g | %s |\n", t.name, figure(t, median(s[stock])), figure(t, median(s[sealed])),
			median(ratios), slices.Min(ratios), slices.Max(ratios), target, control, met)
	}
	missed += recorded.lines(&b)
	switch {
	case missed == 0 && void == 0:
		b.WriteString("\nEvery target is met.\n")
	default:
		fmt.Fprintf(&b, "\nTargets that are not met: %d. Lines that are void: %d.\n", missed, void)
	}
	b.WriteString(method)
	return b.String()
}

// lines writes the table of recordings and says how many targets were missed.
func (m media) lines(b *strings.Builder) (missed int) {
	fmt.Fprintf(b, recordings, len(m.seal))
	for _, line := range []struct {
		what, form string
		figures    []float64
		target     string
		met        bool
	}{
		{"sealed into a file, in a second of the processor", "%.0f MB", m.seal, "≥ 400 MB", median(m.seal) >= 400},
		{"the same, in a second of the clock", "%.0f MB", m.wall, "", true},
		{"a random read of 4 KiB, half of them faster", "%.3f ms", m.middle, "≤ 1 ms", median(m.middle) <= 1},
		{"the same, 99 of 100 faster", "%.3f ms", m.slow, "≤ 1 ms", median(m.slow) <= 1},
	} {
		met := "yes"
		switch {
		case line.target == "":
			met = ""
		case !line.met:
			met = "**no**"
			missed++
		}
		fmt.Fprintf(b, "| %s | "+line.form+" | "+line.form+"–"+line.form+" | %s | %s |\n", line.what,
			median(line.figures), slices.Min(line.figures), slices.Max(line.figures), line.target, met)
	}
	return missed
}

func ratios(of, to []float64) []float64 {
	r := make([]float64, len(of))
	for i := range r {
		r[i] = of[i] / to[i]
	}
	return r
}

func median(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	if len(x) == 0 {
		return math.NaN()
	}
	return (x[(len(x)-1)/2] + x[len(x)/2]) / 2
}

func figure(t task, x float64) string {
	if t.name == size {
		return fmt.Sprintf("%.2f MB", x/1e6)
	}
	return fmt.Sprintf("%.4g ms", x/1e6)
}
