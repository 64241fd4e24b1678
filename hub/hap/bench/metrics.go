package main

import (
	"cmp"
	"fmt"
	"slices"
)

// Keys of what is measured.
const (
	coldStart     = "cold start"
	rssIdle       = "rss idle"
	rssLoad       = "rss load"
	pairSetup     = "pair-setup"
	pairVerify    = "pair-verify"
	get1          = "get 1"
	get1Slow      = "get 1 p99"
	get1Apart     = "get 1 apart"
	get100        = "get 100"
	database      = "accessories"
	databaseSize  = "accessories size"
	put1          = "put 1"
	cpuGet1       = "cpu get 1"
	cpuPut1       = "cpu put 1"
	cpuGet20      = "cpu get 20"
	eventOfWrite  = "event of write"
	eventOfDevice = "event of device"
	changesCPU    = "changes cpu"
	changesMsgs   = "changes messages"
	changesValues = "changes values"
	changesWrong  = "changes wrong"
)

// goal says how a metric is judged.
type goal int

const (
	shown   goal = iota // not at all
	faster              // the peer's figure is at least limit times ours
	share               // ours is at most limit times the peer's
	below               // ours alone is below limit
	exactly             // ours alone is limit
)

// metric is one line of the table. Less is better in all of them.
type metric struct {
	key, name, unit string
	goal            goal
	limit           float64
}

// metrics are all lines, in the order of the table; the limits are those that were set for the server.
func metrics() []metric {
	return []metric{
		{coldStart, "cold start, 149 accessories known, store open", "ms", faster, 10},
		{rssIdle, "resident memory, idle", "MB", share, 1.0 / 5},
		{rssLoad, "resident memory, after everything below", "MB", shown, 0},
		{pairSetup, "pair-setup, wait for three answers, p50", "ms", faster, 8},
		{pairVerify, "pair-verify, connect and wait for two answers, p50", "ms", faster, 12},
		{get1, "GET of 1, p50", "µs", faster, 3},
		{get1Slow, "GET of 1, p99", "µs", faster, 1},
		{get1Apart, "GET of 1, p50, both processors", "µs", shown, 0},
		{get100, "GET of 100, p50", "µs", faster, 3},
		{database, "GET /accessories, p50", "µs", faster, 10},
		{databaseSize, "GET /accessories, body", "kB", shown, 0},
		{put1, "PUT of 1, p50", "µs", shown, 0},
		{cpuGet1, "processor time of a GET of 1, 8 sessions", "µs", share, 0.3},
		{cpuPut1, "processor time of a PUT of 1, 8 sessions", "µs", share, 0.3},
		{cpuGet20, "processor time of a GET of 20, 8 sessions", "µs", share, 0.3},
		{eventOfDevice, "first event of a change at a device, 8 subscribers, p50", "ms", below, 2},
		{eventOfWrite, "first event of a controller's write, 8 other subscribers, p50", "ms", below, 2},
		{changesCPU, "5,000 changes of 100 lamps, 8 subscribers: processor time", "ms", share, 0.3},
		{changesMsgs, "5,000 changes: messages to each subscriber", "", shown, 0},
		{changesValues, "5,000 changes: values to each subscriber", "", shown, 0},
		{changesWrong, "5,000 changes: wrong last values", "", exactly, 0},
	}
}

// sample is what one round found out about one side.
type sample map[string]float64

// result is one metric over all rounds.
type result struct {
	metric
	ours, theirs     float64 // medians
	ratio, low, high float64 // the median of the rounds' ratios, the worst and the best
}

// gather makes a result of each metric; rounds[i] are the samples of ours and theirs.
func gather(rounds [][2]sample) []result {
	var all []result
	for _, m := range metrics() {
		var ours, theirs, ratios []float64
		for _, r := range rounds {
			ours, theirs = append(ours, r[0][m.key]), append(theirs, r[1][m.key])
			ratio := r[0][m.key] / r[1][m.key]
			if m.goal != share {
				ratio = 1 / ratio
			}
			ratios = append(ratios, ratio)
		}
		all = append(all, result{m, median(ours), median(theirs), median(ratios), slices.Min(ratios), slices.Max(ratios)})
	}
	return all
}

// met tells whether the goal is reached.
func (r result) met() bool {
	switch r.goal {
	case faster:
		return r.ratio >= r.limit
	case share:
		return r.ratio <= r.limit
	case below:
		return r.ours < r.limit
	case exactly:
		return r.ours == r.limit
	}
	return true
}

// target is the goal in words.
func (r result) target() string {
	switch r.goal {
	case faster:
		return fmt.Sprintf("≥ %g× faster", r.limit)
	case share:
		return fmt.Sprintf("≤ %g of it", r.limit)
	case below:
		return fmt.Sprintf("< %g %s", r.limit, r.unit)
	case exactly:
		return fmt.Sprintf("%g", r.limit)
	}
	return ""
}

// median is the middle of all, or half way between the two in the middle.
func median[T ~int64 | ~float64](all []T) T {
	sorted := slices.Sorted(slices.Values(all))
	n := len(sorted)
	return sorted[(n-1)/2]/2 + sorted[n/2]/2
}

// quantile is the value that the part q of all does not exceed.
func quantile[T cmp.Ordered](all []T, q float64) T {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[int(q*float64(len(sorted)-1)+0.5)]
}
