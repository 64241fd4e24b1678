package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	seeded "math/rand/v2"
	"os"
	"runtime"
	"slices"
	"syscall"
	"time"

	"github.com/ingle-home/ingle/storage/blobs"
	"github.com/ingle-home/ingle/storage/records"
	"github.com/ingle-home/ingle/storage/vault"
)

const (
	frame = 1 << 20 // bytes of one write
	piece = 4096    // bytes of one read
	looks = 2000    // reads of a round
)

// media is what recordings are measured by, a figure per round: MB/s, and ms.
type media struct{ seal, wall, middle, slow []float64 }

// measureMedia records size bytes in each round, on one processor, and reads pieces of them.
func measureMedia(ctx context.Context, dir string, rounds int, size int64, log io.Writer) (m media, err error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	folder, err := os.MkdirTemp(dir, "ingle-bench-")
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	v, _, err := vault.Create(folder, rand.Text())
	if err != nil {
		return m, err
	}
	defer v.Close()
	rows, err := records.Open(folder, v, blobs.Personal()...)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	store, err := blobs.Open(ctx, folder, rows, blobs.Options{})
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	for n := range rounds {
		if err := m.round(ctx, store, size); err != nil {
			return m, err
		}
		fmt.Fprintf(log, "recording %d of %d\n", n+1, rounds)
	}
	return m, nil
}

func (m *media) round(ctx context.Context, store *blobs.Store, size int64) error {
	w, err := store.Create(ctx, "porch", "clip", time.Now())
	if err != nil {
		return err
	}
	clear := make([]byte, frame)
	rand.Read(clear)
	began, busy := time.Now(), processor()
	for range size / frame {
		if _, err := w.Write(clear); err != nil {
			return errors.Join(err, w.Close())
		}
	}
	m.seal = append(m.seal, float64(size)/1e6/(processor()-busy).Seconds())
	m.wall = append(m.wall, float64(size)/1e6/time.Since(began).Seconds())
	if err := w.Close(); err != nil {
		return err
	}
	return errors.Join(m.read(ctx, store, w.ID(), size), store.Delete(ctx, w.ID()))
}

func (m *media) read(ctx context.Context, store *blobs.Store, id string, size int64) error {
	r, err := store.Open(ctx, id)
	if err != nil {
		return err
	}
	defer r.Close()
	took, into := make([]float64, looks), make([]byte, piece)
	for i := range took {
		began := time.Now()
		if _, err := r.ReadAt(into, seeded.Int64N(size-piece)); err != nil {
			return err
		}
		took[i] = float64(time.Since(began)) / 1e6
	}
	slices.Sort(took)
	m.middle, m.slow = append(m.middle, median(took)), append(m.slow, took[len(took)*99/100])
	return nil
}

// processor is how long this process has kept processors busy, in user's code and the system's.
func processor() time.Duration {
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		return 0 // there is no other error than a wrong address
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}
