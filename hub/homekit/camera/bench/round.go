package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"github.com/ingle-home/ingle/internal/measure"
)

// The cameras: 1080p, so many pictures a second of so many kbit/s.
const (
	fps   = 30
	kbits = 4096
)

// bench measures.
type bench struct {
	options
	dir string
	log io.Writer
}

// effort is how long things are measured.
type effort struct {
	warm, measure, scale time.Duration
	together             int // cameras at once, against ffmpeg
	tries                int // first pictures of each kind
	many, watched        int // cameras of the large house, and those that are watched
	gops                 [2]int
	width                int
}

func (b *bench) effort() effort {
	if b.quick {
		return effort{time.Second, 2 * time.Second, 3 * time.Second, 2, 1, 3, 2, [2]int{1, 2}, 320}
	}
	return effort{5 * time.Second, 12 * time.Second, b.scale, 4, 12, 16, 8, [2]int{2, 10}, 1920}
}

// all measures the parts that were asked for.
func (b *bench) all(ctx context.Context) ([]result, error) {
	var all []result
	for _, part := range []struct {
		name    string
		measure func(context.Context) ([]result, error)
	}{{"ffmpeg", b.againstFFmpeg}, {"go2rtc", b.againstGo2rtc}, {"first", b.firstPictures}, {"scale", b.largeHouse}} {
		if !b.has(part.name) {
			continue
		}
		results, err := part.measure(ctx)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", part.name, err)
		}
		all = append(all, results...)
	}
	return all, nil
}

// sample is what one run found out, for each camera.
type sample struct {
	cpu      float64 // % of one processor
	switches float64 // of threads, a picture
	total    float64 // resident memory, MB
	added    float64 // … by its being watched
	p50, p99 float64 // ms from the camera to the whole picture
	share    float64 // of the pictures, %
	bad      float64 // packets lost or unreadable
}

func (b *bench) againstFFmpeg(ctx context.Context) ([]result, error) {
	e := b.effort()
	ours, theirs, err := b.rounds(ctx, e.together, startIngle, startFFmpeg)
	if err != nil {
		return nil, err
	}
	group := fmt.Sprintf("%d cameras, a viewer each; Ingle in one process, beside `ffmpeg -c copy` in %d", e.together, e.together)
	return compared(group, "ffmpeg", 0.75, ours, theirs, []result{
		alone("memory that a stream adds, key frames 4 s apart", "MB", ours, theirs, func(s sample) float64 { return s.added }, 10),
		alone("from the camera to the viewer, half of the pictures faster", "ms", ours, theirs, func(s sample) float64 { return s.p50 }, 5),
		alone("the same, 99 of 100 faster", "ms", ours, theirs, func(s sample) float64 { return s.p99 }, 60),
	}), nil
}

func (b *bench) againstGo2rtc(ctx context.Context) ([]result, error) {
	ours, theirs, err := b.rounds(ctx, 1, startIngle, startGo2rtc)
	if err != nil {
		return nil, err
	}
	return compared("one camera, one viewer; beside go2rtc's HomeKit camera", "go2rtc", 0.5, ours, theirs, []result{
		alone("from the camera to the viewer, half of the pictures faster", "ms", ours, theirs, func(s sample) float64 { return s.p50 }, 0),
		alone("the same, 99 of 100 faster", "ms", ours, theirs, func(s sample) float64 { return s.p99 }, 0),
	}), nil
}

// compared makes the results that both comparisons have.
func compared(group, peer string, limit float64, ours, theirs []sample, more []result) []result {
	all := []result{
		versus("processor time of a viewer, of one processor", "%", ours, theirs, func(s sample) float64 { return s.cpu }, limit),
		versus("resident memory for each stream, all that the programs have", "MB", ours, theirs, func(s sample) float64 { return s.total }, 0),
	}
	all = append(all, more...)
	all = append(all,
		versus("switches of its threads for a picture", "", ours, theirs, func(s sample) float64 { return s.switches }, 0),
		alone("pictures that arrive", "%", ours, theirs, func(s sample) float64 { return s.share }, 0),
		alone("packets lost or unreadable", "", ours, theirs, func(s sample) float64 { return s.bad }, exactly))
	for i := range all {
		all[i].group, all[i].peer = group, peer
	}
	return all
}

// rounds measures both sides again and again; who begins changes from round to round.
func (b *bench) rounds(ctx context.Context, count int, sides ...start) (ours, theirs []sample, err error) {
	box, addresses, err := b.cameras(ctx, count, 4)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, box.stop()) }()
	var both [2][]sample
	for round := range b.options.rounds {
		for turn := range sides {
			side := (round + turn) % len(sides)
			s, err := b.once(ctx, sides[side], addresses)
			if err != nil {
				return nil, nil, err
			}
			fmt.Fprintf(b.log, "bench: round %d of %d, side %d: %+v\n", round+1, b.options.rounds, side, s)
			both[side] = append(both[side], s)
		}
	}
	return both[0], both[1], nil
}

// cameras starts simulated cameras.
func (b *bench) cameras(ctx context.Context, count, gop int) (*process, []string, error) {
	var addresses []string
	p, err := self(ctx, &addresses, "-as=cameras", fmt.Sprintf("-count=%d", count), fmt.Sprintf("-gop=%d", gop), fmt.Sprintf("-width=%d", b.effort().width))
	return p, addresses, err
}

// once measures one side.
func (b *bench) once(ctx context.Context, begin start, addresses []string) (sample, error) {
	e := b.effort()
	r, err := begin(ctx, b, addresses)
	if err == nil {
		err = r.seen(ctx)
	}
	if err == nil {
		err = pause(ctx, e.warm)
	}
	if err != nil {
		return sample{}, r.blame(err)
	}
	s, err := r.measure(ctx, e.measure)
	if err != nil {
		return sample{}, r.blame(err)
	}
	return s, r.stop()
}

// seen waits until every viewer has seen a picture.
func (r *running) seen(ctx context.Context) error {
	late := time.After(patience)
	for _, v := range r.viewers {
		select {
		case <-v.first:
		case <-late:
			return errors.New("no picture comes")
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// measure watches for so long.
func (r *running) measure(ctx context.Context, long time.Duration) (sample, error) {
	for _, v := range r.viewers {
		v.since()
	}
	before, err := measure.CPU(r.pids()...)
	if err != nil {
		return sample{}, err
	}
	switched, err := switches(r.pids())
	if err != nil {
		return sample{}, err
	}
	began := time.Now()
	if err := pause(ctx, long); err != nil {
		return sample{}, err
	}
	after, err := measure.CPU(r.pids()...)
	if err != nil {
		return sample{}, err
	}
	lasted := time.Since(began)
	switchedLater, err := switches(r.pids())
	if err != nil {
		return sample{}, err
	}
	var all seen
	for _, v := range r.viewers {
		s := v.since()
		all.pictures, all.lost, all.faults = all.pictures+s.pictures, all.lost+s.lost, all.faults+s.faults
		all.took = append(all.took, s.took...)
	}
	total, err := measure.Resident(r.pids()...)
	if err != nil {
		return sample{}, err
	}
	if all.pictures == 0 {
		return sample{}, errors.New("the pictures have stopped")
	}
	slices.Sort(all.took)
	n := float64(len(r.viewers))
	return sample{
		cpu: 100 * (after - before).Seconds() / lasted.Seconds() / n, switches: (switchedLater - switched) / float64(all.pictures), total: total / n, added: (total - r.idle) / n,
		p50: part(all.took, 0.5), p99: part(all.took, 0.99),
		share: 100 * float64(all.pictures) / (fps * lasted.Seconds() * n), bad: float64(all.lost + all.faults),
	}, nil
}

// part is what so many of the pictures did not exceed, in ms; NaN where a program removes what tells when
// a picture was sent.
func part(sorted []time.Duration, of float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	return millis(sorted[int(of*float64(len(sorted)-1)+0.5)])
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
