package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
)

// largeHouse has many cameras, half of them watched, and all of them recorded all the time.
func (b *bench) largeHouse(ctx context.Context) (all []result, err error) {
	e := b.effort()
	box, addresses, err := b.cameras(ctx, e.many, 4)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, box.stop()) }()
	r, store := &running{}, filepath.Join(b.dir, "store")
	var servers []server
	p, err := self(ctx, &servers, append([]string{"-as=ingle", "-store=" + store, "-profile=" + b.profile}, addresses...)...)
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
	s := sample{}
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
	if err := r.stop(); err != nil {
		return nil, err
	}
	stored, err := size(store)
	return shown(e, s, after.minus(before), stored), err
}

// shown is what the large house showed.
func shown(e effort, s sample, t tally, stored float64) []result {
	group := fmt.Sprintf("%d cameras, %d viewers, and each camera recorded all the time; %v", e.many, e.watched, e.scale)
	gaps := float64(t.Gaps+t.Dropped+t.Connections+t.Torn) + s.bad
	all := []result{
		{name: "processor time, all together, of one processor", unit: "%", ours: []float64{s.cpu * float64(e.watched)}, limit: 60},
		{name: "gaps: packets and pictures lost, clips torn, cameras called again", ours: []float64{gaps}, limit: exactly},
		{name: "pictures that arrive at viewers", unit: "%", ours: []float64{s.share}},
		{name: "recorded, from the start to the end", unit: "MB", ours: []float64{stored}},
		{name: "resident memory", unit: "MB", ours: []float64{s.total * float64(e.watched)}},
		{name: "from the camera to the viewer, half of the pictures faster", unit: "ms", ours: []float64{s.p50}},
		{name: "the same, 99 of 100 faster", unit: "ms", ours: []float64{s.p99}},
	}
	for i := range all {
		all[i].group = group
	}
	return all
}

// size is how much lies in a folder, MB.
func size(dir string) (float64, error) {
	var all int64
	err := filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err == nil {
			all += info.Size()
		}
		return err
	})
	return float64(all) / 1e6, err
}
