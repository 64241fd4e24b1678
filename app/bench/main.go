// Command bench measures the app as somebody in front of it has it: how soon there is something to see,
// what it takes while nothing happens and while cameras move, and how long a change of the home takes to
// the screen.
//
//	go run ./app/bench -out docs/bench/app.md
//
// The app and the hub are built as they are given to people and run as processes of their own: the app on
// a virtual display that draws in software, the hub with its demo home, whose things speak their real
// protocols. What the display shows is read from its memory (glass.go), so that looking costs next to
// nothing and takes no time. It needs Linux, Xvfb, xdotool, dbus-daemon, ffmpeg and what builds the app.
// Progress goes to stderr.
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
	"syscall"
	"time"

	"github.com/ingle-home/ingle/internal/measure"
)

// options are how the program was called.
type options struct {
	starts int
	out    string
	app    string // a built app, or empty
	hub    string // a built hub, or empty
	quick  bool
}

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, out, log io.Writer) int {
	var o options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(log)
	flags.IntVar(&o.starts, "starts", 5, "how often the app is started")
	flags.StringVar(&o.out, "out", "", "file for the table; empty for stdout")
	flags.StringVar(&o.app, "app", "", "a built app; empty to build one")
	flags.StringVar(&o.hub, "hub", "", "a built hub; empty to build one")
	flags.BoolVar(&o.quick, "quick", false, "so short that the figures mean nothing: to see that it works")
	if err := flags.Parse(args); err != nil || o.starts < 1 || flags.NArg() > 0 {
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := o.measure(ctx, out, log); err != nil {
		fmt.Fprintln(log, "bench:", err)
		return 1
	}
	return 0
}

// span is how long something is looked at.
func (o options) span(d time.Duration) time.Duration {
	if o.quick {
		return d / 10
	}
	return d
}

// measure does all parts and writes the table.
func (o options) measure(ctx context.Context, out, log io.Writer) error {
	busy := measure.Warn(log)
	dir, err := os.MkdirTemp("", "ingle-bench-app-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if o.app == "" {
		o.app = filepath.Join(dir, "ingle")
		if err := build(ctx, log, o.app, "."); err != nil {
			return err
		}
	}
	if o.hub == "" {
		o.hub = filepath.Join(dir, "ingle-hub")
		if err := build(ctx, log, o.hub, "./hub"); err != nil {
			return err
		}
	}
	b := &bench{options: o, dir: dir, log: log}
	results, err := b.all(ctx)
	if err != nil {
		return err
	}
	return measure.Write(o.out, out, report(results, busy, o))
}

// build builds a program of this repository as it is given to people.
func build(ctx context.Context, log io.Writer, path, pkg string) error {
	fmt.Fprintf(log, "bench: building %s\n", pkg)
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-tags", "accessibility", "-ldflags", "-s -w", "-buildvcs=false", "-o", path, pkg)
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", pkg, err, said)
	}
	return nil
}
