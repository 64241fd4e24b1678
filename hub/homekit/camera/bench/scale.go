package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// largeHouse has many cameras, half of them watched, and on each somebody who takes all pictures.
func (b *bench) largeHouse(ctx context.Context) (all []result, err error) {
	e := b.effort()
	box, addresses, err := b.cameras(ctx, e.many, 4)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, box.stop()) }()
	r := &running{}
	var servers []server
	p, err := self(ctx, &servers, append([]string{"-as=ingle", "-recorders", "-profile=" + b.profile}, addresses...)...)
	if err != nil {
		return nil, err
	}
	r.programs = []*process{p}
	for _, s := range servers[:e.watched] {
		if err := r.watch(ctx, s); err != nil {
			return nil, r.blame(err)
		}
	}
	if err := r.seen(ctx); err != nil {
		return nil, r.blame(err)
	}
	if err := pause(ctx, e.warm); err != nil {
		return nil, r.blame(err)
	}
	var before, after tally
	err = p.ask(&before)
	s, watched := sample{}, time.Now()
	if err == nil {
		s, err = r.measure(ctx, e.scale)
	}
	if err == nil {
		err = p.ask(&after)
	}
	if err != nil {
		return nil, r.blame(err)
	}
	fmt.Fprintf(b.log, "bench: the large house: %+v, %+v\n", s, after)
	return b.house(e, s, before, after, time.Since(watched)), r.stop()
}

// house is what the large house showed.
func (b *bench) house(e effort, s sample, before, after tally, lasted time.Duration) []result {
	group := fmt.Sprintf("%d cameras, %d viewers, and on each camera somebody who takes every picture and keeps none; %.0f s",
		e.many, e.watched, lasted.Seconds())
	taken := 100 * float64(after.Recorded-before.Recorded) / (fps * lasted.Seconds() * float64(e.many))
	gaps := float64(after.Gaps-before.Gaps+after.Dropped-before.Dropped+after.Connections-before.Connections) + s.bad
	all := []result{
		{name: "processor time, all together, of one processor", unit: "%", ours: []float64{s.cpu * float64(e.watched)}, limit: 60},
		{name: "gaps: lost packets and pictures, cameras called again", ours: []float64{gaps}, limit: exactly},
		{name: "pictures that arrive at viewers", unit: "%", ours: []float64{s.share}},
		{name: "pictures that arrive where all are taken", unit: "%", ours: []float64{taken}},
		{name: "resident memory", unit: "MB", ours: []float64{s.total * float64(e.watched)}},
		{name: "from the camera to the viewer, half of the pictures faster", unit: "ms", ours: []float64{s.p50}},
		{name: "the same, 99 of 100 faster", unit: "ms", ours: []float64{s.p99}},
	}
	for i := range all {
		all[i].group = group
	}
	return all
}
