package archive_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/archive"
	"github.com/ingle-home/ingle/hub/home"
)

func TestThePastOfOneTrait(t *testing.T) {
	store := newSafe(t).open(t)
	r := archive.Readings{Store: store}
	a, other := home.Accessory{ID: "watch", Person: "mia"}, home.Accessory{ID: "watch-2", Person: "noor"}
	start := time.Now().Add(-time.Hour).Truncate(time.Second)
	const many = 4500 // several pages
	for i := range many {
		at := start.Add(time.Duration(i) * 100 * time.Millisecond)
		check(t, r.Keep(t.Context(), a, trait.Steps.Of(i, at)))
		if i%500 == 0 {
			check(t, r.Keep(t.Context(), other, trait.Steps.Of(-1, at)))
			check(t, r.Keep(t.Context(), a, trait.Heart.Of(-1, at)))
			check(t, r.Keep(t.Context(), a, trait.SOS.Of(true, at)))
		}
	}
	steps := func(from, to time.Time) (list []archive.Past) {
		check(t, r.Of(t.Context(), "watch", trait.Steps.Any(), from, to, func(p []archive.Past) error {
			list = append(append([]archive.Past{}, p...), list...)
			return nil
		}))
		return list
	}
	for _, c := range []struct{ from, to int }{{0, many}, {10, 20}, {0, 1}, {many, many + 10}, {100, 4200}} {
		list := steps(start.Add(time.Duration(c.from)*100*time.Millisecond), start.Add(time.Duration(c.to)*100*time.Millisecond))
		want := max(0, min(c.to, many)-c.from)
		if len(list) != want {
			t.Fatalf("%d to %d: %d readings", c.from, c.to, len(list))
		}
		for i, p := range list {
			if string(p.Value) != strconv.Itoa(c.from+i) || p.Person != "mia" || p.Accessory != "watch" {
				t.Fatalf("%d to %d: the %dth is %+v", c.from, c.to, i, p)
			}
		}
	}
	calls := 0
	check(t, r.Of(t.Context(), "watch", trait.SOS.Any(), start, start.Add(100*time.Second), func(p []archive.Past) error {
		calls += len(p)
		return nil
	}))
	if calls != 2 { // at 0 s and 50 s; the one at 100 s is not in it
		t.Errorf("%d calls for help", calls)
	}
}
