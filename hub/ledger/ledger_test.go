package ledger_test

import (
	"bytes"
	"errors"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/chain"
	"github.com/ingle-home/ingle/hub/ledger"
	"github.com/ingle-home/ingle/storage/records"
	"github.com/ingle-home/ingle/storage/vaulttest"
)

func TestMain(m *testing.M) { os.Exit(vaulttest.Main(m.Run)) }

var (
	sam   = ledger.Viewer{Via: ledger.App, ID: "app-sam", Role: "owner", Person: "p-sam"}
	noor  = ledger.Viewer{Via: ledger.App, ID: "app-noor", Role: "member", Person: "p-noor"}
	home  = ledger.Viewer{Via: ledger.HomeKit, ID: "controller-1"}
	porch = ledger.Seen{Device: "a-porch"}
	watch = ledger.Seen{Device: "a-watch", Whose: "p-mia"}
)

type world struct {
	*ledger.Ledger
	t     *testing.T
	dir   string
	store *records.Store

	mu sync.Mutex
	at time.Time
}

func open(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), at: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	v, err := vaulttest.Open(w.must(vaulttest.Give(w.dir)))
	w.must(err)
	w.store, err = records.Open(w.dir, v, "ledger-part")
	w.must(errors.Join(err, v.Close()))
	t.Cleanup(func() { _ = w.store.Close() })
	w.reopen()
	return w
}

func (w *world) must(err error) string {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
	return w.dir
}

func (w *world) reopen() {
	w.t.Helper()
	var err error
	w.Ledger, err = ledger.Open(w.t.Context(), ledger.Options{Chain: chain.Options{Store: w.store, Dir: w.dir, Now: w.now}})
	w.must(err)
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

func (w *world) looks(q ledger.Query) []ledger.Look {
	w.t.Helper()
	list, err := w.Looks(w.t.Context(), q)
	w.must(err)
	return list
}

func (w *world) wantWhole() {
	w.t.Helper()
	r, err := w.Verify(w.t.Context())
	w.must(err)
	if !r.Whole() {
		w.t.Errorf("flaws: %v", r.Flaws)
	}
}

func TestItTellsWhoLookedAtWhatAndWhen(t *testing.T) {
	w := open(t)
	begun := w.now()
	for range 20 { // an app that shows a still every ten seconds
		w.Look(sam, porch, ledger.Still)
		w.pass(10 * time.Second)
	}
	end := w.Begin(home, porch, ledger.Live)
	w.pass(time.Hour)
	w.Look(noor, watch, ledger.Place)
	list := w.looks(ledger.Query{})
	if len(list) != 3 {
		t.Fatalf("%+v", list)
	}
	place, live, still := list[0], list[1], list[2]
	if *still.Who != sam || *still.What != porch || still.Act != ledger.Still || still.Times != 20 || !still.Begin.Equal(begun) || still.End.Sub(begun) != 190*time.Second {
		t.Errorf("%+v", still)
	}
	if *live.Who != home || live.Act != ledger.Live || !live.Going || !live.End.IsZero() {
		t.Errorf("%+v", live)
	}
	if *place.Who != noor || *place.What != watch || place.Act != ledger.Place || place.Times != 1 || place.Going || !place.End.Equal(place.Begin) {
		t.Errorf("%+v", place)
	}
	end()
	w.must(w.Close(t.Context()))
	w.reopen()
	if list = w.looks(ledger.Query{}); len(list) != 3 || list[1].End.Sub(list[1].Begin) != time.Hour || list[1].Going {
		t.Errorf("after a restart: %+v", list)
	}
	w.wantWhole()
}

func TestItIsShownToWhomItConcerns(t *testing.T) {
	w := open(t)
	w.Look(sam, porch, ledger.Still)
	w.Look(sam, watch, ledger.Place)
	w.Look(noor, porch, ledger.Still)
	for name, c := range map[string]struct {
		q    ledger.Query
		want int
	}{
		"all":                   {ledger.Query{}, 3},
		"of a camera":           {ledger.Query{Device: "a-porch"}, 2},
		"of a person":           {ledger.Query{Person: "p-sam"}, 2},
		"what concerns Mia":     {ledger.Query{Concern: "p-mia"}, 1},
		"what concerns Noor":    {ledger.Query{Concern: "p-noor"}, 1},
		"of Sam, for Mia":       {ledger.Query{Person: "p-sam", Concern: "p-mia"}, 1},
		"of Noor, for Mia":      {ledger.Query{Person: "p-noor", Concern: "p-mia"}, 0},
		"from another time":     {ledger.Query{Since: w.now().Add(time.Hour)}, 0},
		"of a thing of no name": {ledger.Query{Device: "a-none"}, 0},
	} {
		if list := w.looks(c.q); len(list) != c.want {
			t.Errorf("%s: %d", name, len(list))
		}
	}
}

func TestForgettingLeavesTheOtherHalf(t *testing.T) {
	w := open(t)
	w.Look(sam, watch, ledger.Place)
	w.Look(noor, porch, ledger.Still)
	w.must(w.Close(t.Context()))
	w.Begin(sam, watch, ledger.History) // not over
	mia := ledger.Scope{Person: "p-mia"}
	h, err := w.Inventory(t.Context(), mia)
	w.must(err)
	if h.Parts != 1 || h.Oldest.IsZero() {
		t.Errorf("%+v", h)
	}
	n, err := w.Forget(t.Context(), mia)
	w.must(err)
	if h, err = w.Inventory(t.Context(), mia); n != 1 || h.Parts != 0 {
		t.Errorf("%d went, %d stay: %v", n, h.Parts, err)
	}
	w.must(w.store.Forget(t.Context(), "person/p-mia"))
	w.wantWhole()
	list := w.looks(ledger.Query{})
	if len(list) != 2 || list[1].What != nil || *list[1].Who != sam {
		t.Errorf("%+v", list)
	}
	if n, err = w.Forget(t.Context(), ledger.Scope{Device: "a-porch"}); n != 1 || err != nil {
		t.Error(n, err)
	}
	if n, err = w.Forget(t.Context(), ledger.Scope{}); n != 2 || err != nil {
		t.Error(n, err)
	}
	w.wantWhole()
	rows, err := w.store.List(t.Context(), "ledger-part")
	if len(rows) != 0 || err != nil {
		t.Errorf("%d halves stay: %v", len(rows), err)
	}
}

// One day late there is nothing, and the ledger is whole.
func TestWhatHadItsTimeIsGone(t *testing.T) {
	w := open(t)
	w.Look(sam, ledger.Seen{Device: "a-canary-7391"}, ledger.Still)
	w.must(w.Close(t.Context()))
	w.pass(91 * 24 * time.Hour)
	if _, err := w.Sweep(t.Context(), w.now()); err != nil {
		t.Fatal(err)
	}
	for _, kind := range chain.Kinds(ledger.Name) {
		rows, err := w.store.List(t.Context(), kind)
		w.must(err)
		for _, r := range rows {
			if bytes.Contains(r.Body, []byte("canary")) {
				t.Errorf("%s %s is still there", kind, r.ID)
			}
		}
	}
	if list := w.looks(ledger.Query{}); len(list) != 0 {
		t.Errorf("%+v", list)
	}
	w.wantWhole()
}

func TestManyLookAtOnce(t *testing.T) {
	w := open(t)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 200 {
				w.Look(sam, porch, ledger.Still)
				w.Begin(noor, porch, ledger.Live)()
			}
		})
	}
	all.Wait()
	if list := w.looks(ledger.Query{}); len(list) != 2 || list[0].Times != 1600 || list[1].Times != 1600 {
		t.Errorf("%+v", list)
	}
	w.wantWhole()
}
