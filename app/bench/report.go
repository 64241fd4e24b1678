package main

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/ingle-home/ingle/internal/measure"
)

// limit is what a figure must not pass.
type limit struct {
	at    float64
	least bool // it must not be below
	none  bool // it is only shown
}

func most(at float64) limit  { return limit{at: at} }
func least(at float64) limit { return limit{at: at, least: true} }
func shown() limit           { return limit{none: true} }

// result is one line of the table.
type result struct {
	name, unit string
	limit      limit
	values     []float64 // of which the median counts
}

func (r result) met() bool {
	v := part(r.values, 0.5)
	return r.limit.none || r.limit.least && v >= r.limit.at || !r.limit.least && v <= r.limit.at
}

func (r result) target() string {
	switch {
	case r.limit.none:
		return ""
	case r.limit.least:
		return strings.TrimSpace(fmt.Sprintf("≥ %g %s", r.limit.at, r.unit))
	}
	return strings.TrimSpace(fmt.Sprintf("≤ %g %s", r.limit.at, r.unit))
}

const introduction = `# The app: how soon, how much, how fast

This file is written by ` + "`make bench`" + `, which builds and installs what it needs and measures on this machine
(` + "`go run ./app/bench -starts %d -out docs/bench/app.md`" + ` does the same alone).

| | |
|---|---|
| date | %s |
| machine | %s, %d processors, %s; load before the start %.1f |
| versions | %s |
| starts | %d |
`

const method = `
## How it is measured

- The app is built as it is given to people. It runs in a window of 1060 by 740 on Xvfb, whose OpenGL is Mesa's in software, so a
  graphics card is cheaper. The hub runs beside it on the same processors, with its [demo home](../../hub/demo.go): two cameras of 1280 ×
  720 and 15 pictures a second, a watch and a toy, simulators that speak their real protocols.
- What the window shows is read from the display's memory every 2 ms ([glass.go](../../app/bench/glass.go)). First pixels are there when more than
  a window's bare ground is; Home is there with the pictures of both cameras. Where several figures were taken, the median counts and the
  lowest and the highest stand beside it.
- Nothing happens on the page with the list of devices. Processor time is the app's alone, user and kernel, all threads; memory is VmRSS, with
  Mesa's and the fonts' pages in it.
- The watch reports its battery over its own connection; from before that to the first pixel on its page that differs, everything on the way
  is counted: the hub's driver, its bus, the API's stream, the app and the drawing.
- Pictures of a camera are counted when its picture differs, on the page that looks closely at it; what differs within 25 ms is the same
  picture, which reaches the display in pieces. The hub takes them from the camera's H.264, as it does for any camera.
- Four live cameras are the demo's two and two simulated RTSP cameras of 640 × 360, all at Home.
`

// report is the whole document.
func report(results []result, busy float64, o options) string {
	var b strings.Builder
	processor, kernel := measure.Machine()
	fmt.Fprintf(&b, introduction, o.starts, time.Now().UTC().Format("2 January 2006"), processor, runtime.NumCPU(), kernel, busy, runtime.Version(), o.starts)
	if o.quick {
		b.WriteString("\n**Made with -quick: these figures mean nothing.**\n")
	}
	if busy > 1 {
		b.WriteString("\n**The machine was busy with other things: times and processor times are worse than they are.**\n")
	}
	b.WriteString("\n| what | measured | from–to | target | |\n|---|--:|--:|---|---|\n")
	missed := 0
	for _, r := range results {
		verdict := "met"
		switch {
		case r.limit.none:
			verdict = ""
		case !r.met():
			verdict = "**not met**"
			missed++
		}
		spread := ""
		if len(r.values) > 1 {
			spread = digits(slices.Min(r.values)) + "–" + digits(slices.Max(r.values))
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", r.name, strings.TrimSpace(digits(part(r.values, 0.5))+" "+r.unit), spread, r.target(), verdict)
	}
	if missed == 0 {
		b.WriteString("\nEvery target is met.\n")
	} else {
		fmt.Fprintf(&b, "\nTargets that are not met: %d.\n", missed)
	}
	b.WriteString(method)
	return b.String()
}

// part is the value that a part of all does not pass: 0.5 is the median.
func part(all []float64, of float64) float64 {
	if len(all) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(all))
	return sorted[min(len(sorted)-1, int(math.Ceil(of*float64(len(sorted))))-1)]
}

// digits are as many as mean something.
func digits(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}
