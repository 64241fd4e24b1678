// Package devicetest is what every driver must pass. A driver's own test starts its simulator and
// hands it over:
//
//	devicetest.Run(t, devicetest.Suite{Driver: x.New(), Start: start, Command: cmd, Level: devicetest.Private, Quality: "quality.toml"})
//
// Each check has a name. quality.toml says of each name "done" or "exempt: reason"; Run does not run
// what is exempt, and holds the rest against what it saw. Every call into the driver has a watchdog:
// a driver that hangs is named and left behind, and the suite ends there.
package devicetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/trait"
)

// Level says how much of the suite runs.
type Level uint8

// The levels; each includes the one before.
const (
	Base    Level = iota // opens, reports, obeys and ends as the seam says
	Private              // keeps to the household's network and forgets on request
)

// Suite is one driver with a simulator to test it against.
type Suite struct {
	Driver device.Driver
	Level  Level
	// Start starts a simulator (and ends it with t.Cleanup) and gives the config for it; Run fills in
	// Net, Log and Now. It is called once for each check.
	Start func(t *testing.T, w *World) device.Config
	// Command is one that the simulator obeys; the zero Command for things that obey none.
	Command trait.Command
	// Wrong makes a config that the device refuses. Without it every secret is replaced by a wrong one.
	Wrong func(device.Config) device.Config
	// Quality is the path of quality.toml; empty runs everything and compares nothing.
	Quality string
	// Now is the clock that drivers get; nil is the real one.
	Now func() time.Time

	limits *limits // nil: the seam's own
}

// Finding is one thing that a check found wrong.
type Finding struct{ Check, What string }

// String gives the check and what it found.
func (f Finding) String() string { return f.Check + ": " + f.What }

// Run runs the suite and reports every finding as an error of t.
func Run(t *testing.T, s Suite) {
	t.Helper()
	for _, f := range Findings(t, s) {
		t.Error(f)
	}
}

// Findings runs the suite without judging, and gives what it found wrong. t is passed to Start.
func Findings(t *testing.T, s Suite) []Finding {
	q, found := readQuality(s.Quality, s.Level)
	for _, c := range checks() {
		if c.level > s.Level || q.exempt(c.name) {
			continue
		}
		r := newRun(t, s)
		c.run(r)
		r.world.close()
		for _, what := range r.wrong {
			found = append(found, Finding{c.name, what})
		}
		if r.skipped && q.done(c.name) {
			found = append(found, Finding{"quality", c.name + " is said to be done, and there was nothing to test"})
		}
		if r.hung {
			return append(found, Finding{c.name, "the checks that follow did not run"})
		}
	}
	return found
}

type check struct {
	name  string
	level Level
	run   func(*run)
}

// run is one check under way. Only the goroutine of the suite touches it: calls into the driver hand
// their results over, so that one that was left behind writes nowhere.
type run struct {
	suite   Suite
	limits  limits
	world   *World
	config  device.Config
	wrong   []string
	skipped bool // there was nothing to test
	hung    bool // a call was left behind: what follows would prove nothing
}

func newRun(t *testing.T, s Suite) *run {
	w := NewWorld()
	r := &run{suite: s, limits: seam(), world: w, config: w.fill(s.Start(t, w), s.Now)}
	if s.limits != nil {
		r.limits = *s.limits
	}
	return r
}

func (r *run) failf(format string, args ...any) {
	r.wrong = append(r.wrong, fmt.Sprintf(format, args...))
}
