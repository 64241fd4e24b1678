package holdings_test

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/archive"
	"github.com/ingle-home/ingle/hub/holdings"
	"github.com/ingle-home/ingle/hub/home"
	"github.com/ingle-home/ingle/storage/records"
	"github.com/ingle-home/ingle/storage/vaulttest"
)

func TestMain(m *testing.M) { os.Exit(vaulttest.Main(m.Run)) }

// places are a real store with what a watch reported, and made recordings and apps.
func places(t *testing.T, now time.Time) holdings.Places {
	t.Helper()
	dir := t.TempDir()
	must(t, vaulttest.Give(dir))
	v, err := vaulttest.Open(dir)
	must(t, err)
	rows, err := records.Open(dir, v, archive.Personal()...)
	must(t, errors.Join(err, v.Close()))
	t.Cleanup(func() { must(t, rows.Close()) })
	p := holdings.Places{Readings: archive.Readings{Store: rows},
		Clips: func(context.Context) ([]wire.Clip, error) {
			return []wire.Clip{{At: now, Size: 5}, {At: now.Add(-time.Hour), Size: 6}}, nil
		},
		Apps: func(context.Context) ([]wire.App, error) { return []wire.App{{ID: "a"}, {ID: "b"}}, nil },
	}
	watch := home.Accessory{ID: "a-watch", Kind: "watch", Person: "p-mia"}
	for i := range 5 {
		at := now.Add(time.Duration(i-5) * time.Minute)
		must(t, p.Readings.Keep(t.Context(), watch, trait.Where.Of(trait.Place{Lat: 52.5, Accuracy: 9}, at)))
		must(t, p.Readings.Keep(t.Context(), watch, trait.Steps.Of(100*i, at)))
	}
	must(t, p.Readings.Keep(t.Context(), watch, trait.Heart.Of(72, now)))
	must(t, p.Readings.Keep(t.Context(), watch, trait.SOS.Of(true, now)))
	must(t, p.Readings.Keep(t.Context(), watch, trait.Battery.Of(70, now)))
	return p
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestEverythingIsCounted(t *testing.T) {
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	p := places(t, now)
	list, err := p.Count(t.Context())
	must(t, err)
	ago := func(d time.Duration) *time.Time { at := now.Add(-d); return &at }
	want := []wire.Holding{{What: "recordings", Count: 2, Size: 11, Oldest: ago(time.Hour)}, {What: "positions", Count: 5, Oldest: ago(5 * time.Minute), Days: 7},
		{What: "heart", Count: 1, Oldest: ago(0), Days: 7}, {What: "steps", Count: 5, Oldest: ago(5 * time.Minute), Days: 7},
		{What: "alarms", Count: 1, Oldest: ago(0)}, {What: "readings", Count: 1, Oldest: ago(0), Days: 7}, {What: "apps", Count: 2}}
	if len(list) != len(want) {
		t.Fatalf("%+v", list)
	}
	for i, h := range list {
		w := want[i]
		if h.What != w.What || h.Count != w.Count || h.Size != w.Size || h.Days != w.Days || (h.Oldest == nil) != (w.Oldest == nil) || h.Oldest != nil && !h.Oldest.Equal(*w.Oldest) {
			t.Errorf("%+v, want %+v", h, w)
		}
	}
	must(t, p.Readings.Store.Forget(t.Context(), "person/p-mia"))
	if list, err = p.Count(t.Context()); err != nil || list[1].Count+list[3].Count != 0 || list[1].Oldest != nil {
		t.Errorf("after she was forgotten: %+v, %v", list, err)
	}
	p.Clips = func(context.Context) ([]wire.Clip, error) { return nil, wire.Refuse(503, "clips.closed") }
	if list, err = p.Count(t.Context()); err != nil || list[0].What != "positions" {
		t.Errorf("recordings that stay away: %+v, %v", list, err)
	}
}
