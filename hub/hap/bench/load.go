package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ingle-home/ingle/hub/hap/haptest"
	"github.com/ingle-home/ingle/internal/measure"
)

// lamp is the On characteristic of one lightbulb.
type lamp struct{ aid, iid uint64 }

// lampsIn finds the lamps in the answer to GET /accessories, and whether they are on.
func lampsIn(body []byte) (lamps []lamp, on map[lamp]bool, err error) {
	var all struct {
		Accessories []struct {
			AID      uint64
			Services []struct {
				Type            string
				Characteristics []struct {
					IID   uint64
					Type  string
					Value any
				}
			}
		}
	}
	if err := json.Unmarshal(body, &all); err != nil {
		return nil, nil, fmt.Errorf("GET /accessories: %w", err)
	}
	on = map[lamp]bool{}
	for _, a := range all.Accessories {
		for _, s := range a.Services {
			for _, c := range s.Characteristics {
				if s.Type == "43" && c.Type == "25" {
					found := lamp{a.AID, c.IID}
					lamps = append(lamps, found)
					on[found] = truth(c.Value)
				}
			}
		}
	}
	if len(lamps) != 100 || len(all.Accessories) != 150 {
		return nil, nil, fmt.Errorf("%d accessories with %d lamps, 150 with 100 were due", len(all.Accessories), len(lamps))
	}
	return lamps, on, nil
}

// truth reads a bool as HAP allows it to be written.
func truth(v any) bool { return v == true || v == float64(1) }

// get is a request for the values of lamps.
func get(lamps []lamp) []byte {
	var ids []string
	for _, l := range lamps {
		ids = append(ids, fmt.Sprintf("%d.%d", l.aid, l.iid))
	}
	return haptest.Request("GET", "/characteristics?id="+strings.Join(ids, ","), nil)
}

// put is a request that writes one member, "value" or "ev", of lamps.
func put(lamps []lamp, member string, value bool) []byte {
	var entries []string
	for _, l := range lamps {
		entries = append(entries, fmt.Sprintf(`{"aid":%d,"iid":%d,"%s":%t}`, l.aid, l.iid, member, value))
	}
	return haptest.Request("PUT", "/characteristics", []byte(`{"characteristics":[`+strings.Join(entries, ",")+`]}`))
}

// workload is requests that are made one after the other, again and again, and the status of each.
type workload struct {
	requests [][]byte
	status   int
}

// time1 makes n requests on one session, after as many for warming up as warm says.
func (w workload) time1(l *link, warm, n int) ([]time.Duration, error) {
	if err := w.repeat(l, warm); err != nil {
		return nil, err
	}
	if err := l.within(endurance); err != nil {
		return nil, err
	}
	took := make([]time.Duration, n)
	for i := range n {
		begun := time.Now()
		m, err := l.exchange(w.requests[i%len(w.requests)])
		took[i] = time.Since(begun)
		if err = w.check(m, err); err != nil {
			return nil, err
		}
	}
	return took, nil
}

func (w workload) repeat(l *link, n int) error {
	if err := l.within(endurance); err != nil {
		return err
	}
	for i := range n {
		if err := w.check(l.exchange(w.requests[i%len(w.requests)])); err != nil {
			return err
		}
	}
	return nil
}

func (w workload) check(m message, err error) error {
	if err == nil && m.status != w.status {
		err = fmt.Errorf("status %d, %d was due: %s", m.status, w.status, m.body)
	}
	return err
}

// cost is the processor time that the server needs for one request, with all links asking at once.
func (s *side) cost(ctx context.Context, w workload, links []*link, warm, n int) (time.Duration, error) {
	rush := func(n int) error {
		work, _ := errgroup.WithContext(ctx)
		for _, l := range links {
			work.Go(func() error { return w.repeat(l, n) })
		}
		return work.Wait()
	}
	if err := rush(warm); err != nil {
		return 0, err
	}
	before, err := measure.CPU(s.cmd.Process.Pid)
	err = errors.Join(err, rush(n))
	after, err2 := measure.CPU(s.cmd.Process.Pid)
	return (after - before) / time.Duration(n*len(links)), errors.Join(err, err2)
}
