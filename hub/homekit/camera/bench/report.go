package main

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/ingle-home/ingle/internal/measure"
)

// exactly is the limit of what must be 0.
const exactly = -1

// result is one line of the table. Less is better in all that have a limit.
type result struct {
	group, peer string
	name, unit  string
	ours        []float64 // of the rounds or tries
	theirs      []float64 // nil without a peer
	share       bool      // the limit is of ours as a part of theirs
	limit       float64   // 0: only shown
}

// versus is judged by the median of the rounds' ratios.
func versus(name, unit string, ours, theirs []sample, of func(sample) float64, limit float64) result {
	r := alone(name, unit, ours, theirs, of, limit)
	r.share = true
	return r
}

// alone is judged by our figure; the other's is shown beside it.
func alone(name, unit string, ours, theirs []sample, of func(sample) float64, limit float64) result {
	r := result{name: name, unit: unit, limit: limit}
	for i := range ours {
		r.ours, r.theirs = append(r.ours, of(ours[i])), append(r.theirs, of(theirs[i]))
	}
	return r
}

func (r result) ratios() []float64 {
	var all []float64
	for i := range r.theirs {
		all = append(all, r.ours[i]/r.theirs[i])
	}
	return all
}

func (r result) met() bool {
	switch {
	case r.limit == exactly:
		return slices.Max(r.ours) == 0
	case r.share:
		return median(r.ratios()) <= r.limit
	}
	return median(r.ours) <= r.limit
}

func (r result) target() string {
	switch {
	case r.limit == 0:
		return ""
	case r.limit == exactly:
		return "0"
	case r.share:
		return fmt.Sprintf("≤ %g of it", r.limit)
	}
	return strings.TrimSpace(fmt.Sprintf("≤ %g %s", r.limit, r.unit))
}

const introduction = `# Cameras in HomeKit: Ingle beside ffmpeg and go2rtc

This file is written by %[1]s, which builds and installs what it needs and measures on this machine
(%[2]s does the same alone).

| | |
|---|---|
| date | %[3]s |
| machine | %[4]s, %[5]d processors, %[6]s; load before the start %.1[7]f |
| versions | %[8]s, ffmpeg %[9]s, go2rtc %[10]s |
| rounds | %[11]d |
`

const method = `
## How it is measured

- The cameras are [simulated](../../accessories/rtsp/sim/sim.go): RTSP with digest login, H.264 in 1920 × 1080, 30
  pictures and 4 Mbit a second, by TCP. They run in a process of their own.
- Ingle is the part of the hub that a picture passes: the driver, the fan-out and a HomeKit server for each camera
  ([ingle.go](../../hub/homekit/camera/bench/ingle.go)), in one process. ffmpeg is started as homebridge's camera
  plugins do it, with the fewest delays: one process for each viewer, no transcoding, SRTP in packets of 1378 bytes.
  go2rtc serves the same camera as its own HomeKit camera.
- In a round each side is started, measured and ended while the other one is not running; which comes first changes from
  round to round. The figures are medians of the rounds, a ratio is the median of the rounds' ratios; beside it
  stand the lowest and the highest.
- Who watches is the same for all: [this program](../../hub/homekit/camera/bench/viewer.go) pairs, starts a stream and decrypts
  every packet. Processor time is that of the measured programs alone, user and kernel, after some seconds of warming up.
- Switches of threads tell how often a program is woken; they depend less than processor time on what else the machine does. A
  camera sends a picture as a dozen packets, and each may wake a program. With one camera and one viewer, about two fifths of Ingle's
  processor time was Go's scheduler waking threads and laying them to rest (one sample on a busy machine, November 2026).
- One picture in seven carries the time at which the camera sent it; go2rtc removes it. From there to the last packet of the picture's arrival is
  what a program adds; the simulated camera's own sending is in it, the same for all. ffmpeg sends a picture when it
  sees the next one.
- The large house records with [record](../../hub/record/record.go) into a sealed store, as the hub does; ffmpeg, which makes
  a still of each clip, is not counted.
- A first picture is the first byte of a film that go2rtc gives whose controller watches Ingle: connecting, verifying, the
  database, the start of the stream and the making of the film are in it. Before that it asks by multicast DNS where
  the server is; this program answers at once, since go2rtc waits a second where nobody does. It is asked for at any moment between two key
  frames. "Connected" is a camera that somebody else watches, or that is recorded.
- Everything runs in a network namespace that has nothing but loopback. No device of Apple's is there.
`

// report is the whole document.
func report(ctx context.Context, results []result, busy float64, o options) string {
	var b strings.Builder
	processor, kernel := measure.Machine()
	ffmpeg, peer := secondWord(ctx, "ffmpeg", "-version"), secondWord(ctx, o.go2rtc, "-version")
	fmt.Fprintf(&b, introduction, "`make bench`", fmt.Sprintf("`go run ./hub/homekit/camera/bench -rounds %d -out docs/bench/cameras.md`", o.rounds),
		time.Now().UTC().Format("2 January 2006"), processor, runtime.NumCPU(), kernel, busy, runtime.Version(), ffmpeg, peer, o.rounds)
	if o.quick {
		b.WriteString("\n**Made with -quick: these figures mean nothing.**\n")
	}
	if busy > 1 {
		b.WriteString("\n**The machine was busy with other things: times and processor times are worse than they are.**\n")
	}
	missed, group := 0, ""
	for _, r := range results {
		if r.group != group {
			group = r.group
			heading(&b, r)
		}
		met := ""
		switch {
		case r.limit == 0:
		case r.met():
			met = "yes"
		default:
			met = "**no**"
			missed++
		}
		if r.peer == "" {
			fmt.Fprintf(&b, "| %s | %s | %s–%s | %s | %s |\n", r.name, figure(median(r.ours), r.unit),
				digits(slices.Min(r.ours)), digits(slices.Max(r.ours)), r.target(), met)
			continue
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", r.name, figure(median(r.ours), r.unit), figure(median(r.theirs), r.unit), r.ratio(), r.target(), met)
	}
	if missed == 0 {
		b.WriteString("\nEvery target is met.\n")
	} else {
		fmt.Fprintf(&b, "\nTargets that are not met: %d.\n", missed)
	}
	b.WriteString(method)
	return b.String()
}

// heading begins a table.
func heading(b *strings.Builder, r result) {
	fmt.Fprintf(b, "\n%s:\n\n", strings.ToUpper(r.group[:1])+r.group[1:])
	if r.peer == "" {
		b.WriteString("| what | Ingle | from–to | target | met |\n|---|--:|--:|---|---|\n")
		return
	}
	fmt.Fprintf(b, "| what | Ingle | %s | ratio, from–to | target | met |\n|---|--:|--:|--:|---|---|\n", r.peer)
}

// ratio is the median of the ratios with the lowest and the highest.
func (r result) ratio() string {
	all := r.ratios()
	if middle := median(all); math.IsNaN(middle) || math.IsInf(slices.Max(all), 0) {
		return "–"
	}
	return fmt.Sprintf("%.2f, %.2f–%.2f", median(all), slices.Min(all), slices.Max(all))
}

func median(all []float64) float64 {
	sorted := slices.Sorted(slices.Values(all))
	n := len(sorted)
	if n == 0 {
		return math.NaN()
	}
	return sorted[(n-1)/2]/2 + sorted[n/2]/2
}

func figure(v float64, unit string) string {
	if math.IsNaN(v) {
		return "–"
	}
	return strings.TrimSpace(digits(v) + " " + unit)
}

// digits are as many as mean something.
func digits(v float64) string {
	switch {
	case math.IsNaN(v):
		return "–"
	case v == math.Trunc(v) || math.Abs(v) >= 100:
		return fmt.Sprintf("%.0f", v)
	case math.Abs(v) >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}
