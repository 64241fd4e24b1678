package upkeep_test

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingle-home/ingle/hub/health"
	"github.com/ingle-home/ingle/hub/upkeep"
	"github.com/ingle-home/ingle/storage/records"
	"github.com/ingle-home/ingle/storage/vault"
)

// memory keeps the notes as a disk does: they outlive the Upkeep.
type memory struct{ notes upkeep.Notes }

func (m *memory) Load(context.Context) (upkeep.Notes, error)   { return m.notes, nil }
func (m *memory) Save(_ context.Context, n upkeep.Notes) error { m.notes = n; return nil }

// house is an Upkeep of a real store, whose clock the test sets.
type house struct {
	*upkeep.Upkeep
	store  *records.Store
	memory *memory
	health *health.List
	now    time.Time
	synced bool
}

func start(t *testing.T, store *records.Store, m *memory, now time.Time) *house {
	t.Helper()
	h := &house{store: store, memory: m, health: health.New(time.Now, nil), now: now}
	var err error
	h.Upkeep, err = upkeep.New(t.Context(), upkeep.Options{Store: store, Memory: m, Faults: h.health, Log: slog.New(slog.DiscardHandler),
		Checked: func(error) {}, Now: func() time.Time { return h.now }, Synced: func() bool { return h.synced }})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func newStore(t *testing.T) *records.Store {
	t.Helper()
	dir := t.TempDir()
	v, _, err := vault.Create(dir, "quiet otters paint seven lanterns")
	if err != nil {
		t.Fatal(err)
	}
	s, err := records.Open(dir, v)
	if err := errors.Join(err, v.Close()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func (h *house) has(t *testing.T, id string) bool {
	t.Helper()
	_, err := h.store.Get(t.Context(), "thing", id)
	if err != nil && !errors.Is(err, records.ErrNotFound) {
		t.Fatal(err)
	}
	return err == nil
}

func (h *house) doubts() bool {
	all := h.health.All()
	return len(all) == 1 && all[0].Code == upkeep.CodeClock
}

func keep(t *testing.T, s *records.Store, id string, expires time.Time) {
	t.Helper()
	if err := s.Put(t.Context(), records.Record{Kind: "thing", ID: id, At: expires.Add(-time.Hour), Expires: expires}); err != nil {
		t.Fatal(err)
	}
}

// A clock that jumps by ten years deletes nothing, in either direction, until somebody vouches for it.
func TestAJumpOfTenYears(t *testing.T) {
	store, m := newStore(t), &memory{}
	today := time.Date(2026, 11, 25, 7, 0, 0, 0, time.UTC)
	keep(t, store, "old", today.Add(-time.Hour))
	keep(t, store, "fresh", today.AddDate(0, 1, 0))
	h := start(t, store, m, today)
	h.Look(t.Context())
	if h.has(t, "old") || !h.has(t, "fresh") || h.doubts() || !m.notes.Believed.Equal(today) {
		t.Fatalf("on a good day: %+v, %+v", m.notes, h.health.All())
	}
	for _, years := range []int{10, -10} {
		h = start(t, store, m, today.AddDate(years, 0, 0)) // as after a power cut
		for range 3 {
			h.Look(t.Context())
		}
		if !h.has(t, "fresh") || !h.doubts() || !m.notes.Believed.Equal(today) {
			t.Fatalf("after %d years: %+v, %+v", years, m.notes, h.health.All())
		}
		h.now = today.Add(time.Minute)
		if h.Look(t.Context()); h.doubts() {
			t.Errorf("set right after %d years it is still in doubt", years)
		}
		m.notes.Believed = today
	}
	h = start(t, store, m, today.AddDate(10, 0, 0))
	h.Look(t.Context())
	if err := h.Confirm(t.Context()); err != nil || h.doubts() {
		t.Fatalf("confirmed: %v, %+v", err, h.health.All())
	}
	if h.Look(t.Context()); h.has(t, "fresh") {
		t.Error("confirmed, what has expired stays")
	}
}

func TestWhatIsBelieved(t *testing.T) {
	newest := time.Date(2026, 11, 25, 7, 0, 0, 0, time.UTC)
	store := newStore(t)
	for name, c := range map[string]struct {
		newest, now  time.Time
		synced, want bool
	}{
		"a new hub":                     {time.Time{}, newest, false, true},
		"the same":                      {newest, newest, false, true},
		"an hour back":                  {newest, newest.Add(-time.Hour), false, true},
		"two days back":                 {newest, newest.AddDate(0, 0, -2), false, false},
		"two days back, by the network": {newest, newest.AddDate(0, 0, -2), true, false},
		"a year in a drawer":            {newest, newest.AddDate(1, 0, 0), false, true},
		"two years":                     {newest, newest.AddDate(2, 0, 0), false, false},
		"two years, by the network":     {newest, newest.AddDate(2, 0, 0), true, true},
		"1970":                          {newest, time.Unix(0, 0), false, false},
	} {
		h := start(t, store, &memory{upkeep.Notes{Believed: c.newest}}, c.now)
		h.synced = c.synced
		if h.Look(t.Context()); h.doubts() == c.want {
			t.Errorf("%s: in doubt is %v", name, h.doubts())
		}
	}
}

// counted is a store that counts how often it is looked after.
type counted struct {
	sweeps, checks atomic.Int32
	ended          atomic.Bool
	damage         error
}

func (c *counted) Sweep(context.Context, time.Time) (int, error) { c.sweeps.Add(1); return 0, nil }

func (c *counted) Check(context.Context, func(int, int)) error {
	c.checks.Add(1)
	if c.ended.Load() {
		return context.Canceled
	}
	return c.damage
}

// day is what a hub that nobody switches off is up.
const day = 24 * time.Hour

// calendar is a hub's upkeep over many days and starts, on the clock of the test.
type calendar struct {
	store  counted
	memory memory
	ahead  time.Duration // of the hub's clock
	found  []error
}

// up starts the upkeep; end switches it off.
func (c *calendar) up(t *testing.T) (end func()) {
	t.Helper()
	u, err := upkeep.New(t.Context(), upkeep.Options{Store: &c.store, Memory: &c.memory, Faults: health.New(time.Now, nil),
		Log: slog.New(slog.DiscardHandler), Checked: func(err error) { c.found = append(c.found, err) },
		Now: func() time.Time { return time.Now().Add(c.ahead) }, Synced: func() bool { return false }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- u.Run(ctx) }()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// after lets time pass, and wants so many checks since the beginning.
func (c *calendar) after(t *testing.T, d time.Duration, checks int32) {
	t.Helper()
	<-time.After(d)
	synctest.Wait()
	if n := c.store.checks.Load(); n != checks {
		t.Errorf("after %v more there were %d checks, want %d", d, n, checks)
	}
}

// The first check comes soon after the first start, the next ones weekly; one that is ended comes again.
func TestTheStoreIsCheckedWeekly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &calendar{store: counted{damage: records.ErrDamaged}}
		end := c.up(t)
		c.after(t, 5*time.Minute, 0)
		c.after(t, 10*time.Minute, 1)
		c.after(t, 7*day-10*time.Minute, 1)
		c.after(t, 20*time.Minute, 2)
		if n := c.store.sweeps.Load(); n < 7*23 || n > 7*25 {
			t.Errorf("%d sweeps in seven days", n)
		}
		end()
		end = c.up(t)
		c.after(t, 6*day, 2)
		c.store.ended.Store(true) // somebody forgets somebody meanwhile
		c.after(t, day+2*time.Minute, 3)
		c.store.ended.Store(false)
		c.after(t, 61*time.Minute, 4)
		end()
		if len(c.found) != 3 || !errors.Is(c.found[0], records.ErrDamaged) {
			t.Errorf("they found %v", c.found)
		}
	})
}

// A hub that is up for an hour a day is checked weekly too.
func TestAHubThatIsSwitchedOffEveryNightIsChecked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &calendar{}
		for today := range 22 {
			end := c.up(t)
			c.after(t, time.Hour, int32(1+today/7))
			end()
			<-time.After(day - time.Hour + time.Second) // the check of a week ago was in the same minute
		}
	})
}

// A clock that jumps by ten years brings one check at each start under it, not one every hour, and what
// it says is not noted: when it is right again, the next check is due a week after the last good one.
func TestChecksUnderAWrongClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, years := range []time.Duration{10, -10} {
			c := &calendar{}
			end := c.up(t)
			c.after(t, time.Hour, 1)
			end()
			c.ahead = years * 365 * day
			end = c.up(t)
			c.after(t, day, 2)
			if noted := c.memory.notes.Checked; noted.After(time.Now()) || noted.Before(time.Now().Add(-2*day)) {
				t.Errorf("%d years: the check is noted at %v", years, noted)
			}
			c.after(t, 5*day, 2)
			c.after(t, 2*day, 3)
			end()
			c.memory.notes.Checked = time.Now().UTC()
			c.memory.notes.Believed = time.Now().UTC()
			end = c.up(t)
			c.after(t, time.Hour, 4)
			end()
			c.ahead = 0
			end = c.up(t)
			c.after(t, 6*day, 4)
			c.after(t, day+time.Hour, 5)
			end()
		}
	})
}
