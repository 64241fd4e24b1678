// Command bench measures Ingle's HomeKit server against HAP-NodeJS, side by side on one machine.
//
//	go run ./hub/hap/bench -rounds 5 -out docs/bench/homekit.md
//
// Both serve the same home from a store that knows it: hub/hap/benchbridge and peer/bridge.js. In each
// round both are started, measured and ended, one after the other, and the one that comes first changes
// from round to round, so that whatever the machine does besides meets both. What counts is the median
// of the rounds' ratios. The controller that asks is the same for both: the pairing of hub/hap/haptest
// over a connection that costs as little as it can (link.go).
//
// It runs in a network of its own with nothing but loopback, since both announce themselves. It needs
// Linux, node 20 or newer, the packages of peer/ (npm ci --ignore-scripts) and the right to make a
// network namespace. Progress goes to stderr.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/ingle-home/ingle/internal/measure"
)

const module = "github.com/ingle-home/ingle"

// options are how the program was called.
type options struct {
	rounds int
	out    string
	ingle  string // the built benchbridge
	peer   string // the folder of bridge.js
	quick  bool
}

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, out, log io.Writer) int {
	var o options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(log)
	flags.IntVar(&o.rounds, "rounds", 5, "how often each server is measured")
	flags.StringVar(&o.out, "out", "", "file for the table; empty for stdout")
	flags.StringVar(&o.ingle, "ingle", "", "a built hub/hap/benchbridge; empty to build one")
	flags.StringVar(&o.peer, "peer", "", "folder of bridge.js with its packages; empty for that of the source")
	flags.BoolVar(&o.quick, "quick", false, "so few requests that the figures mean nothing: to see that it works")
	if err := flags.Parse(args); err != nil || flags.NArg() > 0 || o.rounds < 1 {
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := o.start(ctx, out, log); err != nil {
		fmt.Fprintln(log, "bench:", err)
		return 1
	}
	return 0
}

// start builds what is missing, then goes on in a network of its own.
func (o options) start(ctx context.Context, out, log io.Writer) error {
	if measure.Apart() {
		return o.measure(ctx, out, log)
	}
	dir, err := os.MkdirTemp("", "ingle-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if o.peer == "" {
		folder, err := exec.CommandContext(ctx, "go", "list", "-f", "{{.Dir}}", module+"/hub/hap/bench").Output()
		if err != nil {
			return fmt.Errorf("where the source is: %w", err)
		}
		o.peer = filepath.Join(strings.TrimSpace(string(folder)), "peer")
	}
	if err := o.checkPeer(ctx); err != nil {
		return err
	}
	if o.ingle == "" {
		fmt.Fprintln(log, "bench: building hub/hap/benchbridge")
		o.ingle = filepath.Join(dir, "benchbridge")
		build := exec.CommandContext(ctx, "go", "build", "-o", o.ingle, module+"/hub/hap/benchbridge")
		if said, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("build benchbridge: %w\n%s", err, said)
		}
	}
	args := []string{
		fmt.Sprintf("-rounds=%d", o.rounds), "-out=" + o.out, "-ingle=" + o.ingle, "-peer=" + o.peer,
		fmt.Sprintf("-quick=%t", o.quick),
	}
	return measure.RunApart(ctx, args, out, log)
}

// checkPeer says what is missing before anything is measured.
func (o options) checkPeer(ctx context.Context) error {
	version, err := exec.CommandContext(ctx, "node", "--version").Output()
	if err != nil {
		return fmt.Errorf("node is needed: %w", err)
	}
	var major int
	if _, err := fmt.Sscanf(string(version), "v%d", &major); err != nil || major < 20 {
		return fmt.Errorf("node 20 or newer is needed, this is %s", strings.TrimSpace(string(version)))
	}
	if _, err := os.Stat(filepath.Join(o.peer, "node_modules", "@homebridge", "hap-nodejs")); err != nil {
		return fmt.Errorf("HAP-NodeJS is not installed; run: npm ci --ignore-scripts --prefix %s", o.peer)
	}
	return nil
}

// measure does all rounds and writes the table.
func (o options) measure(ctx context.Context, out, log io.Writer) error {
	dir, err := os.MkdirTemp("", "ingle-bench-stores-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	e := full()
	if o.quick {
		e = quick()
	}
	sides := [2]*side{
		{name: "Ingle", command: []string{o.ingle}, store: filepath.Join(dir, "ingle"), log: log},
		{name: "HAP-NodeJS", command: []string{"node", filepath.Join(o.peer, "bridge.js")}, store: filepath.Join(dir, "peer"), log: log},
	}
	results, err := measureAll(ctx, sides, e, o.rounds)
	if err != nil {
		return err
	}
	return measure.Write(o.out, out, report(ctx, results, o))
}
