package chain_test

import (
	"encoding/json"
	"errors"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/chain"
	"github.com/ingle-home/ingle/storage/records"
	"github.com/ingle-home/ingle/storage/vaulttest"
)

func TestMain(m *testing.M) { os.Exit(vaulttest.Main(m.Run)) }

// clock is one that a test sets.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// world is a chain in a real store.
type world struct {
	t     *testing.T
	dir   string
	store *records.Store
	chain *chain.Chain
	clock *clock
}

func open(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), clock: &clock{at: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}}
	if err := vaulttest.Give(w.dir); err != nil {
		t.Fatal(err)
	}
	w.store = openStore(t, w.dir)
	t.Cleanup(func() { _ = w.store.Close() })
	w.reopen(0)
	return w
}

func openStore(t *testing.T, dir string) *records.Store {
	t.Helper()
	v, err := vaulttest.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	s, err := records.Open(dir, v, "ledger-part")
	if err = errors.Join(err, v.Close()); err != nil {
		t.Fatal(err)
	}
	return s
}

func (w *world) options(restores int) chain.Options {
	return chain.Options{Store: w.store, Name: "ledger", Dir: w.dir, Keep: 90 * 24 * time.Hour, Most: 1000, Restores: restores, Now: w.clock.now}
}

func (w *world) reopen(restores int) {
	w.t.Helper()
	c, err := chain.Open(w.t.Context(), w.options(restores))
	if err != nil {
		w.t.Fatal(err)
	}
	w.chain = c
}

// look is a draft with two parts.
func (w *world) look(who, what string) chain.Draft {
	return chain.Draft{At: w.clock.now(), Kind: "look", Note: []byte(`{"act":"still"}`), Parts: []chain.Part{
		{Name: "who", Subject: "person/" + who, Body: []byte(who)},
		{Name: "what", Subject: "person/" + what, Body: []byte(what)},
	}}
}

func (w *world) write(drafts ...chain.Draft) {
	w.t.Helper()
	if _, err := w.chain.Append(w.t.Context(), drafts...); err != nil {
		w.t.Fatal(err)
	}
}

// five entries are enough for every kind of change.
func (w *world) five() {
	w.t.Helper()
	for _, who := range []string{"p-sam", "p-noor", "p-sam", "p-mia", "p-noor"} {
		w.write(w.look(who, "p-mia"))
		w.clock.pass(time.Minute)
	}
}

func (w *world) verify() chain.Report {
	w.t.Helper()
	r, err := w.chain.Verify(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *world) wantWhole() {
	w.t.Helper()
	if r := w.verify(); !r.Whole() {
		w.t.Errorf("flaws: %v", r.Flaws)
	}
}

func (w *world) wantFlaw(entry uint64, what string) {
	w.t.Helper()
	r := w.verify()
	for _, f := range r.Flaws {
		if f == (chain.Flaw{Entry: entry, What: what}) {
			return
		}
	}
	w.t.Errorf("entry %d is not told as %s: %v", entry, what, r.Flaws)
}

func (w *world) get(kind, id string) records.Record {
	w.t.Helper()
	r, err := w.store.Get(w.t.Context(), kind, id)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *world) put(rs ...records.Record) {
	w.t.Helper()
	if err := w.store.Put(w.t.Context(), rs...); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) remove(kind string, ids ...string) {
	w.t.Helper()
	if err := w.store.Delete(w.t.Context(), kind, ids...); err != nil {
		w.t.Fatal(err)
	}
}

// change rewrites a field of a stored entry.
func (w *world) change(id, field string, value any) {
	w.t.Helper()
	r := w.get("ledger", id)
	fields := map[string]any{}
	if err := json.Unmarshal(r.Body, &fields); err != nil {
		w.t.Fatal(err)
	}
	fields[field] = value
	raw, err := json.Marshal(fields)
	if err != nil {
		w.t.Fatal(err)
	}
	r.Body = raw
	w.put(r)
}
