// Command bench measures a sealed database beside a stock one, on one machine.
//
//	go run ./storage/bench -rounds 9 -out docs/bench/storage.md
//
// In each round the same tasks are done three times, on new files: with stock
// mattn/go-sqlite3, with storage/vfs below it, and with the stock one again. Who
// comes first changes from round to round. What counts is the median of the rounds'
// ratios; the second stock run shows what the noise is, and where that is large a
// figure is void. Then recordings are made and read with storage/blobs, as often. The machine
// should have nothing else to do. Progress goes to stderr.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

// side is one of the three that do the same in a round.
type side int

const (
	stock side = iota
	sealed
	again // stock, a second time
	sides
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, out, log io.Writer) int {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(log)
	rounds := flags.Int("rounds", 9, "how often each side is measured")
	path := flags.String("out", "", "file for the table; empty for stdout")
	dir := flags.String("dir", os.TempDir(), "folder on the disk that is to be measured")
	quick := flags.Bool("quick", false, "so few rows that the figures mean nothing: to see that it works")
	if err := flags.Parse(args); err != nil || flags.NArg() > 0 || *rounds < 1 {
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	rows, recording := 206_000, int64(128<<20)
	if *quick {
		rows, recording = 2_000, 4<<20
	}
	measured, err := compare(ctx, *dir, *rounds, rows, log)
	var recorded media
	if err == nil {
		recorded, err = measureMedia(ctx, *dir, *rounds, recording, log)
	}
	if err == nil {
		text := report(measured, recorded, *rounds, rows)
		if *path == "" {
			_, err = io.WriteString(out, text)
		} else {
			err = os.WriteFile(*path, []byte(text), 0o644)
		}
	}
	if err != nil {
		fmt.Fprintln(log, "bench:", err)
		return 1
	}
	return 0
}

// samples of one task: a figure per side and round, nanoseconds or bytes.
type samples [sides][]float64

func compare(ctx context.Context, dir string, rounds, rows int, log io.Writer) (map[string]*samples, error) {
	measured := make(map[string]*samples)
	for n := range rounds {
		for i := range int(sides) {
			who := side((n + i) % int(sides)) // whoever starts a round has it colder
			folder, err := os.MkdirTemp(dir, "ingle-bench-")
			if err != nil {
				return nil, err
			}
			figures, err := work(ctx, filepath.Join(folder, "x.db"), who == sealed, rows)
			if err = errors.Join(err, os.RemoveAll(folder)); err != nil {
				return nil, err
			}
			for task, figure := range figures {
				if measured[task] == nil {
					measured[task] = new(samples)
				}
				measured[task][who] = append(measured[task][who], figure)
			}
		}
		fmt.Fprintf(log, "round %d of %d\n", n+1, rounds)
	}
	return measured, nil
}
