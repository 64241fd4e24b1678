package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"
)

// quiet is longer than either server holds an event back after another one.
const quiet = 400 * time.Millisecond

// arrival is a message that a subscriber got.
type arrival struct {
	by     int
	at     time.Time
	values []change
	err    error
}

type change struct {
	lamp
	on bool
}

// audience is subscribers that listen.
type audience struct {
	links    []*link
	arrivals chan arrival
	reading  sync.WaitGroup
}

// subscribe has every link ask for the events of lamps and listen from then on.
func subscribe(links []*link, lamps []lamp) (*audience, error) {
	a := &audience{links: links, arrivals: make(chan arrival, 64<<10)}
	w := workload{[][]byte{put(lamps, "ev", true)}, 204}
	for _, l := range links {
		if err := w.repeat(l, 1); err != nil {
			return nil, err
		}
		if err := l.within(endurance); err != nil {
			return nil, err
		}
	}
	for i, l := range links {
		a.reading.Go(func() { a.listen(i, l) })
	}
	return a, nil
}

// listen notes the time of each event before it is looked into.
func (a *audience) listen(by int, l *link) {
	for {
		m, err := l.next()
		at := time.Now()
		var values []change
		if err == nil {
			values, err = changesIn(m)
		}
		a.arrivals <- arrival{by, at, values, err}
		if err != nil {
			return
		}
	}
}

// dismiss closes the links and waits until nobody listens any more.
func (a *audience) dismiss() {
	for _, l := range a.links {
		l.close()
	}
	a.reading.Wait()
}

func changesIn(m message) ([]change, error) {
	var body struct {
		Characteristics []struct {
			AID, IID uint64
			Value    any
		}
	}
	if !m.event {
		return nil, errors.New("an answer where only events were due")
	}
	if err := json.Unmarshal(m.body, &body); err != nil {
		return nil, fmt.Errorf("event: %w", err)
	}
	var all []change
	for _, c := range body.Characteristics {
		all = append(all, change{lamp{c.AID, c.IID}, truth(c.Value)})
	}
	return all, nil
}

// delays causes changes one by one, each after some quiet, and tells how long after the cause every
// subscriber heard of it.
func (a *audience) delays(ctx context.Context, n int, cause func() error) ([]time.Duration, error) {
	var all []time.Duration
	for range n {
		if err := pause(ctx, quiet); err != nil {
			return nil, err
		}
		begun := time.Now()
		if err := cause(); err != nil {
			return nil, err
		}
		for heard := 0; heard < len(a.links); {
			got, err := a.next(ctx, patience)
			if err != nil {
				return nil, err
			}
			if got.at.Before(begun) { // what another change caused
				continue
			}
			heard++
			all = append(all, got.at.Sub(begun))
		}
	}
	return all, nil
}

var errSilence = errors.New("no event came")

func (a *audience) next(ctx context.Context, within time.Duration) (arrival, error) {
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case got := <-a.arrivals:
		return got, got.err
	case <-timer.C:
		return arrival{}, errSilence
	case <-ctx.Done():
		return arrival{}, ctx.Err()
	}
}

// flood is what came of many changes at once.
type flood struct {
	messages, values int
	last             []map[lamp]bool // of each subscriber
}

// drain takes in events until every subscriber knows how the lamps are and none has come for some
// time. HAP-NodeJS puts the newest value of a characteristic first in a message, and Ingle has one of
// each, so the first one counts.
func (a *audience) drain(ctx context.Context, on map[lamp]bool, silence time.Duration) (flood, error) {
	f := flood{last: make([]map[lamp]bool, len(a.links))}
	for i := range f.last {
		f.last[i] = map[lamp]bool{}
	}
	for {
		rest := silence
		if f.wrong(on) > 0 {
			rest = patience
		}
		got, err := a.next(ctx, rest)
		if errors.Is(err, errSilence) {
			return f, nil
		}
		if err != nil {
			return f, err
		}
		f.messages++
		f.values += len(got.values)
		for i := len(got.values) - 1; i >= 0; i-- {
			f.last[got.by][got.values[i].lamp] = got.values[i].on
		}
	}
}

// wrong counts the lamps that a subscriber believes to be what they are not.
func (f flood) wrong(on map[lamp]bool) int {
	n := 0
	for _, last := range f.last {
		for l, is := range on {
			if told, ok := last[l]; !ok || told != is {
				n++
			}
		}
	}
	return n
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
