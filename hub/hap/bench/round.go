package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/ingle-home/ingle/hub/hap/haptest"
	"github.com/ingle-home/ingle/internal/measure"
)

// sessions is how many controllers ask or listen at once.
const sessions = 8

// effort is how often each thing is done in a round.
type effort struct {
	starts, setups, verifies int
	settle                   time.Duration // between start and the look at the idle memory
	warm, single             int           // requests of one value
	hundred, database        int           // requests of 100 values, of everything
	rushWarm, rush           int           // requests of each of the sessions
	events                   int
	changes                  int // a multiple of twice the lamps
}

func full() effort {
	return effort{
		starts: 3, setups: 8, verifies: 60, settle: 2 * time.Second,
		warm: 1000, single: 3000, hundred: 600, database: 150,
		rushWarm: 500, rush: 1500, events: 8, changes: 5000,
	}
}

func quick() effort {
	return effort{
		starts: 1, setups: 1, verifies: 3, settle: 10 * time.Millisecond,
		warm: 10, single: 30, hundred: 5, database: 3,
		rushWarm: 5, rush: 30, events: 1, changes: 5000,
	}
}

// measureAll does all rounds. Ours comes first in the first, third, … of them.
func measureAll(ctx context.Context, sides [2]*side, e effort, rounds int) ([]result, error) {
	for _, s := range sides {
		fmt.Fprintf(s.log, "bench: %s: pairing once, so that the store knows everything\n", s.name)
		if err := s.blame("first start", s.prepare(ctx)); err != nil {
			return nil, err
		}
	}
	var all [][2]sample
	for n := range rounds {
		var both [2]sample
		for i := range sides {
			turn := (i + n) % 2
			begun := time.Now()
			found, err := sides[turn].round(ctx, e)
			if err := sides[turn].blame(fmt.Sprint("round ", n+1), err); err != nil {
				return nil, err
			}
			both[turn] = found
			fmt.Fprintf(sides[turn].log, "bench: round %d of %d: %s: %.0f s\n", n+1, rounds, sides[turn].name, time.Since(begun).Seconds())
		}
		all = append(all, both)
	}
	return gather(all), nil
}

// prepare starts a side for the first time and pairs with it.
func (s *side) prepare(ctx context.Context) error {
	if _, err := s.start(ctx); err != nil {
		return err
	}
	_, err := s.pair(ctx)
	return errors.Join(err, s.stop())
}

// round measures everything about one side.
func (s *side) round(ctx context.Context, e effort) (found sample, err error) {
	found = sample{}
	if err := s.starts(ctx, e, found); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	if err := pause(ctx, e.settle); err != nil {
		return nil, err
	}
	if found[rssIdle], err = measure.Resident(s.cmd.Process.Pid); err != nil {
		return nil, err
	}
	for _, step := range []func(context.Context, effort, sample) error{s.pairings, s.requests, s.rushes, s.events, s.changes} {
		if err := step(ctx, e, found); err != nil {
			return nil, err
		}
	}
	found[rssLoad], err = measure.Resident(s.cmd.Process.Pid)
	return found, err
}

// starts leaves the last one running.
func (s *side) starts(ctx context.Context, e effort, found sample) error {
	var took []time.Duration
	for i := range e.starts {
		if i > 0 {
			if err := s.stop(); err != nil {
				return err
			}
		}
		d, err := s.start(ctx)
		if err != nil {
			return err
		}
		took = append(took, d)
	}
	found[coldStart] = milliseconds(median(took))
	return nil
}

// pairings takes the pairing of the last round away and makes new ones.
func (s *side) pairings(ctx context.Context, e effort, found sample) error {
	var took []time.Duration
	for range e.setups {
		if err := s.leave(ctx); err != nil {
			return err
		}
		d, err := s.pair(ctx)
		if err != nil {
			return err
		}
		took = append(took, d)
	}
	found[pairSetup] = milliseconds(median(took))
	took = nil
	for range e.verifies {
		l, d, err := s.enter(ctx)
		if err != nil {
			return err
		}
		l.close()
		took = append(took, d)
	}
	found[pairVerify] = milliseconds(median(took))
	return nil
}

// requests times single requests on one session, with both programs on one processor.
func (s *side) requests(ctx context.Context, e effort, found sample) (err error) {
	l, _, err := s.enter(ctx)
	if err != nil {
		return err
	}
	defer l.close()
	m, err := l.want(200, "GET", "/accessories", nil)
	if err != nil {
		return err
	}
	found[databaseSize] = float64(len(m.body)) / 1000
	lamps, _, err := lampsIn(m.body)
	if err != nil {
		return err
	}
	one := workload{[][]byte{get(lamps[:1])}, 200}
	took, err := one.time1(l, e.warm, e.single)
	if err != nil {
		return err
	}
	found[get1Apart] = microseconds(median(took))
	apart, err := s.together()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, apart()) }()
	if took, err = one.time1(l, e.warm, e.single); err != nil {
		return err
	}
	found[get1], found[get1Slow] = microseconds(median(took)), microseconds(quantile(took, 0.99))
	for key, of := range map[string]struct {
		workload
		n int
	}{
		get100:   {workload{[][]byte{get(lamps)}, 200}, e.hundred},
		database: {workload{[][]byte{haptest.Request("GET", "/accessories", nil)}, 200}, e.database},
		put1:     {workload{[][]byte{put(lamps[:1], "value", true), put(lamps[:1], "value", false)}, 204}, e.single},
	} {
		if took, err = of.time1(l, of.n/3, of.n); err != nil {
			return err
		}
		found[key] = microseconds(median(took))
	}
	return nil
}

// rushes measures what requests cost the server when several sessions ask at once.
func (s *side) rushes(ctx context.Context, e effort, found sample) error {
	links, lamps, _, err := s.crowd(ctx)
	defer closeAll(links)
	if err != nil {
		return err
	}
	for key, w := range map[string]workload{
		cpuGet1:  {[][]byte{get(lamps[:1])}, 200},
		cpuPut1:  {[][]byte{put(lamps[:1], "value", true), put(lamps[:1], "value", false)}, 204},
		cpuGet20: {[][]byte{get(lamps[:20])}, 200},
	} {
		cost, err := s.cost(ctx, w, links, e.rushWarm, e.rush)
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		found[key] = microseconds(cost)
	}
	return nil
}

// crowd opens the sessions and looks around with the first of them.
func (s *side) crowd(ctx context.Context) (links []*link, lamps []lamp, on map[lamp]bool, err error) {
	for range sessions {
		l, _, err := s.enter(ctx)
		if err != nil {
			return links, nil, nil, err
		}
		links = append(links, l)
	}
	m, err := links[0].want(200, "GET", "/accessories", nil)
	if err != nil {
		return links, nil, nil, err
	}
	lamps, on, err = lampsIn(m.body)
	return links, lamps, on, err
}

func closeAll(links []*link) {
	for _, l := range links {
		l.close()
	}
}

// events times single changes. A write must change something to be an event, so what is written
// depends on what was read before.
func (s *side) events(ctx context.Context, e effort, found sample) error {
	links, lamps, on, err := s.crowd(ctx)
	defer closeAll(links)
	if err != nil {
		return err
	}
	writer, _, err := s.enter(ctx)
	if err != nil {
		return err
	}
	defer writer.close()
	a, err := subscribe(links, lamps[:1])
	if err != nil {
		return err
	}
	defer a.dismiss()
	is := on[lamps[0]]
	took, err := a.delays(ctx, e.events, func() error {
		is = !is
		return workload{[][]byte{put(lamps[:1], "value", is)}, 204}.repeat(writer, 1)
	})
	if err != nil {
		return err
	}
	found[eventOfWrite] = milliseconds(median(took))
	took, err = a.delays(ctx, e.events, func() error { return s.ask(ctx, "/emit?count=1") })
	found[eventOfDevice] = milliseconds(median(took))
	return err
}

// changes lets the devices change faster than anybody could be told: every lamp an even number of
// times, so that in the end it is as it was.
func (s *side) changes(ctx context.Context, e effort, found sample) error {
	links, lamps, on, err := s.crowd(ctx)
	defer closeAll(links)
	if err != nil {
		return err
	}
	a, err := subscribe(links, lamps)
	if err != nil {
		return err
	}
	defer a.dismiss()
	if err := pause(ctx, quiet); err != nil {
		return err
	}
	before, err := measure.CPU(s.cmd.Process.Pid)
	if err != nil {
		return err
	}
	if err := s.ask(ctx, fmt.Sprintf("/emit?count=%d&all=1", e.changes)); err != nil {
		return err
	}
	f, err := a.drain(ctx, on, time.Second)
	after, err2 := measure.CPU(s.cmd.Process.Pid)
	if err := errors.Join(err, err2); err != nil {
		return err
	}
	found[changesCPU] = milliseconds(after - before)
	found[changesMsgs], found[changesValues] = float64(f.messages)/sessions, float64(f.values)/sessions
	found[changesWrong] = float64(f.wrong(on))
	return s.unchanged(ctx, on)
}

// unchanged reads the lamps once more.
func (s *side) unchanged(ctx context.Context, on map[lamp]bool) error {
	reader, _, err := s.enter(ctx)
	if err != nil {
		return err
	}
	defer reader.close()
	m, err := reader.want(200, "GET", "/accessories", nil)
	if err != nil {
		return err
	}
	_, now, err := lampsIn(m.body)
	if err == nil && !maps.Equal(on, now) {
		err = errors.New("lamps that changed an even number of times are not as they were")
	}
	return err
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
func microseconds(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
