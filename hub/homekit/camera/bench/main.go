// Command bench measures how Ingle passes cameras on to HomeKit, against ffmpeg and go2rtc on one machine.
//
//	go run ./hub/homekit/camera/bench -rounds 3 -out docs/bench/cameras.md
//
// The cameras are accessories/rtsp/sim. Each program that is measured runs in a process of its own, one
// after the other, and which comes first changes from round to round. Ingle is the part of the hub that a
// picture passes: the driver, the fan-out and the HomeKit server (ingle.go). Who watches is the same for
// all: this program, which decrypts every packet and reads from each picture when the camera sent it. How
// long a first picture takes is asked of go2rtc as a controller, as somebody else's.
//
// It runs in a network of its own with nothing but loopback. It needs Linux, ffmpeg with libx264, the right
// to make a network namespace and, where no -go2rtc is given, the source of e2e to build one. Progress goes
// to stderr.
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
	"time"

	"github.com/ingle-home/ingle/internal/measure"
)

const module = "github.com/ingle-home/ingle"

// options are how the program was called.
type options struct {
	as      string // what this process is; empty for the one that measures
	rounds  int
	out     string
	go2rtc  string // the built program
	quick   bool
	parts   string
	scale   time.Duration
	profile string
	role    role
}

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

func run(args []string, in io.Reader, out, log io.Writer) int {
	var o options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(log)
	flags.IntVar(&o.rounds, "rounds", 3, "how often each program is measured")
	flags.StringVar(&o.out, "out", "", "file for the table; empty for stdout")
	flags.StringVar(&o.go2rtc, "go2rtc", "", "a built go2rtc v1.9.14; empty to build one")
	flags.BoolVar(&o.quick, "quick", false, "so short that the figures mean nothing: to see that it works")
	flags.StringVar(&o.parts, "parts", "ffmpeg,go2rtc,first,scale", "what is measured")
	flags.DurationVar(&o.scale, "scale", 75*time.Second, "how long sixteen cameras are watched")
	flags.StringVar(&o.profile, "profile", "", "file for a profile of Ingle's processor time, of the last run")
	flags.StringVar(&o.as, "as", "", "for its own processes")
	o.role.flags(flags)
	if err := flags.Parse(args); err != nil || o.rounds < 1 || o.as == "" && flags.NArg() > 0 {
		return 2
	}
	o.role.addresses, o.role.profile = flags.Args(), o.profile
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := o.start(ctx, in, out, log); err != nil {
		fmt.Fprintln(log, "bench:", err)
		return 1
	}
	return 0
}

// start does what this process is for.
func (o options) start(ctx context.Context, in io.Reader, out, log io.Writer) error {
	switch o.as {
	case "cameras":
		return o.role.cameras(ctx, in, out)
	case "ingle":
		return o.role.ingle(ctx, in, out)
	}
	if measure.Apart() {
		return o.measure(ctx, out, log)
	}
	dir, err := os.MkdirTemp("", "ingle-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if o.go2rtc == "" && (o.has("go2rtc") || o.has("first")) {
		fmt.Fprintln(log, "bench: building go2rtc")
		if o.go2rtc, err = buildPeer(ctx, dir); err != nil {
			return err
		}
	}
	args := []string{
		fmt.Sprintf("-rounds=%d", o.rounds), "-out=" + o.out, "-go2rtc=" + o.go2rtc, "-parts=" + o.parts,
		fmt.Sprintf("-quick=%t", o.quick), "-scale=" + o.scale.String(), "-profile=" + o.profile,
	}
	return measure.RunApart(ctx, args, out, log)
}

// has tells whether a part is to be measured.
func (o options) has(part string) bool { return strings.Contains(","+o.parts+",", ","+part+",") }

// buildPeer builds go2rtc in the module that pins it.
func buildPeer(ctx context.Context, dir string) (string, error) {
	source, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if err != nil {
		return "", fmt.Errorf("where the source is: %w", err)
	}
	path := filepath.Join(dir, "go2rtc")
	build := exec.CommandContext(ctx, "go", "build", "-o", path, "github.com/AlexxIT/go2rtc")
	build.Dir = filepath.Join(strings.TrimSpace(string(source)), "e2e")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build go2rtc: %w\n%s", err, said)
	}
	return path, nil
}

// measure does all parts and writes the table.
func (o options) measure(ctx context.Context, out, log io.Writer) error {
	busy := measure.Warn(log)
	dir, err := os.MkdirTemp("", "ingle-bench-cameras-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &bench{options: o, dir: dir, log: log}
	results, err := b.all(ctx)
	if err != nil {
		return err
	}
	return measure.Write(o.out, out, report(ctx, results, busy, o))
}
