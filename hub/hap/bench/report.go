package main

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"strings"
	"time"

	"github.com/ingle-home/ingle/internal/measure"
)

const introduction = `# Ingle's HomeKit server against HAP-NodeJS

This file is written by %[1]s, which builds and installs what it needs and measures on this machine
(%[2]s does the same with other numbers of rounds).

| | |
|---|---|
| date | %[3]s |
| machine | %[4]s, %[5]d processors, %[6]s |
| versions | %[7]s, node %[8]s, @homebridge/hap-nodejs %[9]s |
| rounds | %[10]d |
`

const method = `
## How it is measured

- Both serve the same home: a bridge, 100 lightbulbs (On, Brightness) and 49 temperature sensors. Ingle is
  [benchbridge](../../hub/hap/benchbridge/main.go) with the hub's sealed store, HAP-NodeJS is
  [bridge.js](../../hub/hap/bench/peer/bridge.js) with its files. Both stores know the home and one controller
  before the first start that counts. The store's key lies beside it: unlocking by password costs a hub about half
  a second more at a start, on purpose.
- In a round each server is started, measured and ended while the other one is not running; which comes first
  changes from round to round. The figures are medians of the rounds, the ratio is the median of the rounds' ratios,
  and beside it stand the lowest and the highest.
- The controller is the same for both ([bench](../../hub/hap/bench/main.go)) and runs on the same machine. In the times
  of requests its own share is included, some microseconds. In those of pairing only the waiting for the server counts.
- Times of single requests depend on whether a sleeping processor has to be woken, so controller and server are kept
  on one processor for them, for both servers alike; the line "both processors" shows the same without that.
- Processor time is that of the server's whole process, user and kernel, with 8 sessions asking at once.
- The first event after some quiet is what a person sees when a lamp is switched: HAP-NodeJS holds every event of a
  lamp back for 250 ms, Ingle only those that follow another one within 250 ms.
- Everything runs in a network namespace that has nothing but loopback.
`

// report is the whole document.
func report(ctx context.Context, results []result, o options) string {
	var b strings.Builder
	processor, kernel := measure.Machine()
	node, peer := versions(ctx, o.peer)
	fmt.Fprintf(&b, introduction, "`make bench`", fmt.Sprintf("`go run ./hub/hap/bench -rounds %d -out docs/bench/homekit.md`", o.rounds),
		time.Now().UTC().Format("2 January 2006"), processor, runtime.NumCPU(), kernel, runtime.Version(), node, peer, o.rounds)
	if o.quick {
		b.WriteString("\n**Made with -quick: these figures mean nothing.**\n")
	}
	b.WriteString("\n| what | Ingle | HAP-NodeJS | ratio | from–to | target | met |\n|---|--:|--:|--:|--:|---|---|\n")
	missed := 0
	for _, r := range results {
		met := ""
		switch {
		case r.goal == shown:
		case r.met():
			met = "yes"
		default:
			met = "**no**"
			missed++
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s |\n", r.name, figure(r.ours, r.unit), figure(r.theirs, r.unit),
			r.times(r.ratio), r.span(), r.target(), met)
	}
	if missed == 0 {
		b.WriteString("\nEvery target is met.\n")
	} else {
		fmt.Fprintf(&b, "\n%d targets are not met.\n", missed)
	}
	b.WriteString(method)
	return b.String()
}

// times is a ratio in the words of its goal.
func (r result) times(ratio float64) string {
	switch {
	case math.IsNaN(ratio) || math.IsInf(ratio, 0):
		return "–"
	case r.goal == share:
		return fmt.Sprintf("%.2f of it", ratio)
	}
	return digits(ratio) + "×"
}

func (r result) span() string {
	if math.IsNaN(r.low) || math.IsInf(r.low, 0) || math.IsInf(r.high, 0) {
		return "–"
	}
	if r.goal == share {
		return fmt.Sprintf("%.2f–%.2f", r.low, r.high)
	}
	return digits(r.low) + "–" + digits(r.high)
}

func figure(v float64, unit string) string { return strings.TrimSpace(digits(v) + " " + unit) }

// digits are as many as mean something.
func digits(v float64) string {
	switch {
	case v == math.Trunc(v) || v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}
