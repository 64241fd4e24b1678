// Package devicetest is what every driver must pass. A driver's own test starts its simulator and
// hands it over:
//
//	devicetest.Run(t, devicetest.Suite{Driver: x.New(), Start: start, Command: cmd, Level: devicetest.Private, Quality: "quality.toml"})
//
// Each check has a name. quality.toml says of each name "done" or "exempt: reason", and Run compares
// that with what it saw. A driver that hangs is named and left behind; the suite itself never hangs.
package devicetest

import (
	"context"
	"errors"
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
	// Quality is the path of quality.toml; empty compares nothing.
	Quality string
	// Now is the clock that drivers get; nil is the real one.
	Now func() time.Time
}

// Finding is one thing that a check found wrong.
type Finding struct{ Check, What string }

// String gives the check and what it found.
func (f Finding) String() string { return f.Check + ": " + f.What }

// Run runs the suite and reports every finding as an error of t.
func Run(t *testing.T, s Suite) {
	t.Helper()
	findings, ran := Findings(t, s)
	for _, f := range findings {
		t.Error(f)
	}
	if s.Quality != "" {
		for _, f := range compareQuality(s.Quality, s.Level, findings, ran) {
			t.Error(f)
		}
	}
}

// Findings runs the suite without judging: what it found wrong, and the names of the checks that had
// something to test. t is only passed to Start.
func Findings(t *testing.T, s Suite) (found []Finding, ran []string) {
	for _, c := range checks() {
		if c.level > s.Level {
			continue
		}
		r := &run{suite: s, t: t, world: NewWorld()}
		if skipped := r.do(c); skipped {
			continue
		}
		ran = append(ran, c.name)
		for _, err := range r.errs {
			found = append(found, Finding{c.name, err})
		}
	}
	return found, ran
}

type check struct {
	name  string
	level Level
	run   func(*run)
}

// run is one check under way.
type run struct {
	suite   Suite
	t       *testing.T
	world   *World
	config  device.Config
	errs    []string
	skipped bool
}

func (r *run) do(c check) (skipped bool) {
	r.config = r.world.fill(r.suite.Start(r.t, r.world), r.suite.Now)
	if err := guard(limit, "the check", func() error { c.run(r); return nil }); err != nil {
		r.errs = []string{err.Error()} // the check may still be writing to the old slice
	}
	r.world.close()
	return r.skipped
}

func (r *run) failf(format string, args ...any) {
	r.errs = append(r.errs, fmt.Sprintf(format, args...))
}

// open opens the thing, or says that it could not.
func (r *run) open() device.Session {
	ctx, cancel := context.WithTimeout(context.Background(), openTime)
	defer cancel()
	var s device.Session
	err := guard(openTime+grace, "Open", func() (err error) { s, err = r.suite.Driver.Open(ctx, r.config); return err })
	if err != nil {
		r.failf("Open: %v", err)
		return nil
	}
	if s == nil {
		r.failf("Open gave neither a session nor an error")
	}
	return s
}

// running opens the thing and runs it while body runs; then it ends it and waits.
func (r *run) running(report func(trait.Reading) error, body func(device.Session)) {
	s := r.open()
	if s == nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- protect("Run", func() error { return s.Run(ctx, report) }) }()
	body(s)
	cancel()
	select {
	case err := <-ended:
		var lost *panicked
		if errors.As(err, &lost) {
			r.failf("%v", err)
		}
	case <-time.After(grace):
		r.failf("Run ignores its context: it did not end within %v", grace)
	}
}
