package seclog_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/chain"
	"github.com/ingle-home/ingle/hub/seclog"
	"github.com/ingle-home/ingle/storage/records"
	"github.com/ingle-home/ingle/storage/vaulttest"
)

func TestMain(m *testing.M) { os.Exit(vaulttest.Main(m.Run)) }

// memory keeps alerts as a test wants it.
type memory struct {
	mu    sync.Mutex
	list  []seclog.Alert
	saves int
}

func (m *memory) Load(context.Context) ([]seclog.Alert, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.list), nil
}

func (m *memory) Save(_ context.Context, all []seclog.Alert) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.list, m.saves = slices.Clone(all), m.saves+1
	return nil
}

type world struct {
	*seclog.Log
	t      *testing.T
	dir    string
	store  *records.Store
	memory *memory

	mu   sync.Mutex
	at   time.Time
	open []seclog.Kind
}

func open(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), memory: &memory{}, at: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	must(t, vaulttest.Give(w.dir))
	v, err := vaulttest.Open(w.dir)
	must(t, err)
	w.store, err = records.Open(w.dir, v, "security-part")
	must(t, errors.Join(err, v.Close()))
	t.Cleanup(func() { _ = w.store.Close() })
	w.begin()
	return w
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// begin gives a log that is not open.
func (w *world) begin() {
	w.Log = seclog.New(seclog.Options{Now: w.now, Alarm: func(open []seclog.Kind) { w.open = open }})
}

func (w *world) enter() {
	w.t.Helper()
	must(w.t, w.Open(w.t.Context(), chain.Options{Store: w.store, Dir: w.dir}, w.memory))
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.at
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = w.at.Add(d)
}

func (w *world) entries() []seclog.Entry {
	w.t.Helper()
	list, err := w.Entries(w.t.Context(), time.Time{})
	must(w.t, err)
	return list
}

func (w *world) wantWhole() {
	w.t.Helper()
	r, err := w.Verify(w.t.Context())
	must(w.t, err)
	if !r.Whole() {
		w.t.Errorf("flaws: %v", r.Flaws)
	}
}

func TestEveryKindHasARuleThatRaisesWhatItSays(t *testing.T) {
	for _, r := range seclog.Rules() {
		t.Run(string(r.Kind), func(t *testing.T) {
			w := open(t)
			w.enter()
			for range max(0, r.Count-1) {
				w.Note(seclog.Event{Kind: r.Kind, From: "192.0.2.7"})
				w.pass(time.Minute)
			}
			if n := len(w.Alerts()); n != 0 {
				t.Fatalf("%d alerts before the rule says so", n)
			}
			w.Note(seclog.Event{Kind: r.Kind, From: "192.0.2.7"})
			switch alerts := w.Alerts(); {
			case r.Count == 0 && len(alerts) != 0:
				t.Errorf("%+v", alerts)
			case r.Count > 0 && (len(alerts) != 1 || alerts[0].Rule != r.Kind || !slices.Contains(w.open, r.Kind)):
				t.Errorf("%+v, open %v", alerts, w.open)
			}
			if list := w.entries(); len(list) != 1 || list[0].Kind != r.Kind || list[0].From != "192.0.2.7" || list[0].Times != max(1, r.Count) {
				t.Errorf("%+v", list)
			}
			w.wantWhole()
		})
	}
}

// Wrong passwords now and then are people who mistype.
func TestWhatIsRareRaisesNothing(t *testing.T) {
	w := open(t)
	w.enter()
	for range 20 {
		w.Note(seclog.Event{Kind: seclog.FailedLogin, From: "192.0.2.7"})
		w.pass(11 * time.Minute)
	}
	if a := w.Alerts(); len(a) != 0 {
		t.Errorf("%+v", a)
	}
	if list := w.entries(); len(list) != 20 {
		t.Errorf("%d entries", len(list))
	}
}

func TestAnAlertStaysUntilSomebodyHasSeenToIt(t *testing.T) {
	w := open(t)
	w.enter()
	w.Note(seclog.Event{Kind: seclog.NewController, Subject: "bridge"})
	w.Note(seclog.Event{Kind: seclog.NewController, Subject: "bridge"})
	alert := w.Alerts()[0]
	if alert.Times != 2 || alert.Subject != "bridge" {
		t.Errorf("%+v", alert)
	}
	must(t, w.Close(t.Context()))
	w.begin()
	w.enter()
	if !slices.Equal(w.open, []seclog.Kind{seclog.NewController}) {
		t.Errorf("after a restart: %v", w.open)
	}
	must(t, w.Acknowledge(t.Context(), alert.ID))
	if len(w.open) != 0 || w.Alerts()[0].Seen.IsZero() {
		t.Errorf("open %v, %+v", w.open, w.Alerts())
	}
	if err := w.Acknowledge(t.Context(), "none"); !errors.Is(err, seclog.ErrUnknown) {
		t.Error(err)
	}
	w.Note(seclog.Event{Kind: seclog.NewController, Subject: "bridge"})
	if n := len(w.Alerts()); n != 2 {
		t.Errorf("%d alerts", n)
	}
	w.wantWhole()
}

// What happens to a locked hub is in the log once it is open.
func TestWhatHappensToALockedHubIsKept(t *testing.T) {
	w := open(t)
	for range 7 {
		w.Note(seclog.Event{Kind: seclog.FailedLogin, From: "192.0.2.7"})
	}
	w.enter()
	if list := w.entries(); len(list) != 1 || list[0].Times != 7 {
		t.Errorf("%+v", list)
	}
	if !slices.Equal(w.open, []seclog.Kind{seclog.FailedLogin}) || len(w.Alerts()) != 1 {
		t.Errorf("open %v", w.open)
	}
	w.wantWhole()
}

// Ten thousand wrong passwords, from one place and from everywhere, cost a few entries, and people are
// told once.
func TestAStormStaysSmall(t *testing.T) {
	w := open(t)
	w.enter()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range 10_000 {
		w.Note(seclog.Event{Kind: seclog.FailedLogin, From: fmt.Sprintf("2001:db8::%x", i)})
		if i%100 == 0 {
			w.pass(time.Second)
			_ = w.entries()
		}
	}
	for range 10_000 {
		w.Note(seclog.Event{Kind: seclog.FailedLogin, From: "192.0.2.7"})
	}
	must(t, w.Close(t.Context()))
	w.begin()
	w.enter()
	total := 0
	list := w.entries()
	for _, e := range list {
		total += e.Times
	}
	if len(list) > 20 || total != 20_000 {
		t.Errorf("%d entries of %d tries", len(list), total)
	}
	if a := w.Alerts(); len(a) != 1 || a[0].Times < 19_000 {
		t.Errorf("%+v", a)
	}
	rows, err := w.store.List(t.Context(), seclog.Name)
	if must(t, err); len(rows) > 60 {
		t.Errorf("%d rows", len(rows))
	}
	runtime.GC()
	if runtime.ReadMemStats(&after); after.HeapAlloc > before.HeapAlloc+4<<20 {
		t.Errorf("%d bytes before, %d after", before.HeapAlloc, after.HeapAlloc)
	}
	w.wantWhole()
}

func TestAChangedEntryIsNoticed(t *testing.T) {
	w := open(t)
	w.enter()
	for _, k := range []seclog.Kind{seclog.NewApp, seclog.NewController, seclog.Password} {
		w.Note(seclog.Event{Kind: k, Subject: "x"})
	}
	w.wantWhole()
	r, err := w.store.Get(t.Context(), seclog.Name, "0000000000000002")
	must(t, err)
	r.Body = slices.Concat(r.Body[:20], []byte("x"), r.Body[21:])
	must(t, w.store.Put(t.Context(), r))
	report, err := w.Verify(t.Context())
	if must(t, err); report.Whole() || report.Flaws[0].Entry != 2 {
		t.Errorf("%+v", report)
	}
}

func TestAForgottenThingLeavesWhatHappened(t *testing.T) {
	w := open(t)
	w.enter()
	w.Note(seclog.Event{Kind: seclog.Firmware, Device: "a-porch"})
	w.Note(seclog.Event{Kind: seclog.NewApp, Subject: "app-1"})
	h, err := w.Inventory(t.Context(), seclog.Scope{ID: "a-porch"})
	if must(t, err); h.Parts != 0 {
		t.Error("it is not written yet")
	}
	w.wantWhole() // writes
	if n, err := w.Forget(t.Context(), seclog.Scope{ID: "a-porch"}); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	must(t, w.store.Forget(t.Context(), "accessory/a-porch"))
	w.wantWhole()
	list := w.entries()
	if len(list) != 2 || list[1].Kind != seclog.Firmware || list[1].Device != "" || list[0].Subject != "app-1" {
		t.Errorf("%+v", list)
	}
	if len(w.Alerts()) != 1 {
		t.Errorf("%+v", w.Alerts())
	}
}

func TestWhatHadItsTimeIsGone(t *testing.T) {
	w := open(t)
	w.enter()
	w.Note(seclog.Event{Kind: seclog.Unlock})
	w.wantWhole()
	w.pass(366 * 24 * time.Hour)
	_, err := w.Sweep(t.Context(), w.now())
	must(t, err)
	if list := w.entries(); len(list) != 0 {
		t.Errorf("%+v", list)
	}
	w.wantWhole()
}

// Run writes and saves by itself, and ends with its context.
func TestRunWrites(t *testing.T) {
	w := open(t)
	w.enter()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	w.Note(seclog.Event{Kind: seclog.NewApp, Subject: "app-1"})
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(30 * time.Second); ; <-tick.C {
		rows, err := w.store.List(t.Context(), seclog.Name)
		must(t, err)
		kept, _ := w.memory.Load(t.Context())
		if len(rows) == 1 && len(kept) == 1 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d rows, %d alerts", len(rows), len(kept))
		}
	}
	cancel()
	must(t, <-ended)
}
