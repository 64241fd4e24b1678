package chain_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/chain"
	"github.com/ingle-home/ingle/storage/records"
)

const third = "0000000000000003"

func TestAChainThatNobodyTouchedIsWhole(t *testing.T) {
	w := open(t)
	w.wantWhole() // also without an entry
	w.five()
	w.wantWhole()
	w.reopen(0)
	w.five()
	w.wantWhole()
	if r := w.verify(); r.First != 1 || r.Last != 10 {
		t.Errorf("it goes from %d to %d", r.First, r.Last)
	}
}

func TestWhatWasDoneToAnEntryIsToldWithItsPlace(t *testing.T) {
	swap := func(kind, one, other string) func(*world) {
		return func(w *world) {
			a, b := w.get(kind, one), w.get(kind, other)
			a.ID, b.ID = b.ID, a.ID
			w.put(a, b)
		}
	}
	for name, c := range map[string]struct {
		tamper func(w *world)
		entry  uint64
		what   string
	}{
		"its time is another":   {func(w *world) { w.change(third, "at", time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)) }, 3, chain.FlawChanged},
		"its kind is another":   {func(w *world) { w.change(third, "kind", "glance") }, 3, chain.FlawChanged},
		"its note is another":   {func(w *world) { w.change(third, "note", "e30=") }, 3, chain.FlawChanged},
		"its hash is another":   {func(w *world) { w.change(third, "hash", "AAAA") }, 3, chain.FlawChanged},
		"its number is another": {func(w *world) { w.change(third, "seq", 4) }, 3, chain.FlawMoved},
		"it is no entry":        {func(w *world) { r := w.get("ledger", third); r.Body = []byte("{"); w.put(r) }, 3, chain.FlawChanged},
		"it is gone":            {func(w *world) { w.remove("ledger", third) }, 3, chain.FlawRemoved},
		"two changed places":    {swap("ledger", third, "0000000000000004"), 4, chain.FlawMoved},
		"one was added":         {func(w *world) { r := w.get("ledger", third); r.ID = "0000000000000009"; w.put(r) }, 9, chain.FlawAdded},
		"the last is gone":      {func(w *world) { w.remove("ledger", "0000000000000005") }, 5, chain.FlawRemoved},
		"the first is gone":     {func(w *world) { w.remove("ledger", "0000000000000001") }, 1, chain.FlawRemoved},
		"a part says another": {func(w *world) {
			r := w.get("ledger-part", third+"/who")
			r.Body[33] ^= 1
			w.put(r)
		}, 3, chain.FlawChanged},
		"a part is another's": {func(w *world) {
			r := w.get("ledger-part", third+"/who")
			r.Subject = "person/p-noor"
			w.put(r)
		}, 3, chain.FlawChanged},
		"a part is gone":              {func(w *world) { w.remove("ledger-part", third+"/who") }, 3, chain.FlawRemoved},
		"parts changed places":        {swap("ledger-part", third+"/who", "0000000000000002/who"), 2, chain.FlawChanged},
		"a part was added":            {func(w *world) { r := w.get("ledger-part", third+"/who"); r.ID = third + "/why"; w.put(r) }, 3, chain.FlawAdded},
		"the head beside is gone":     {func(w *world) { _ = os.Remove(filepath.Join(w.dir, "ledger.head")) }, 5, chain.FlawHead},
		"the head beside is another":  {func(w *world) { _ = os.WriteFile(filepath.Join(w.dir, "ledger.head"), make([]byte, 100), 0o600) }, 5, chain.FlawHead},
		"the head beside is too long": {func(w *world) { _ = os.WriteFile(filepath.Join(w.dir, "ledger.head"), make([]byte, 10_000), 0o600) }, 5, chain.FlawHead},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t)
			w.five()
			w.wantWhole() // the control
			c.tamper(w)
			w.wantFlaw(c.entry, c.what)
		})
	}
}

// Whoever rewrites an entry with its hash breaks what follows.
func TestAnEntryThatWasWrittenAnewBreaksTheNext(t *testing.T) {
	w, other := open(t), open(t)
	w.five()
	other.write(w.look("p-sam", "p-noor"), w.look("p-sam", "p-noor"), w.look("p-sam", "p-noor"))
	w.put(other.get("ledger", third))
	w.wantFlaw(3, chain.FlawForked)
	w.wantFlaw(4, chain.FlawForked)
}

// An old store has all its entries, and a head that fits. The file beside it remembers more.
func TestAStoreThatWasPutBackIsNoticedAndRemembered(t *testing.T) {
	w := open(t)
	w.five()
	old := w.keep()
	w.five()
	for seq := 6; seq <= 10; seq++ {
		id := "00000000000000" + string([]byte{'0' + byte(seq/10), '0' + byte(seq%10)})
		w.remove("ledger", id)
		w.remove("ledger-part", id+"/who", id+"/what")
	}
	w.put(old)
	w.reopen(0)
	w.wantFlaw(6, chain.FlawRolledBack)
	w.five() // the file is as the store again; the chain remembers
	w.reopen(0)
	w.wantFlaw(6, chain.FlawRolledBack)
}

func (w *world) keep() records.Record { return w.get("ledger-head", "head") }

// A restored hub has an old store with good reason, and says that it was restored.
func TestARestoredStoreIsWhole(t *testing.T) {
	w := open(t)
	w.five()
	old := w.keep()
	w.five()
	for _, id := range []string{"0000000000000006", "0000000000000007", "0000000000000008", "0000000000000009", "0000000000000010"} {
		w.remove("ledger", id)
		w.remove("ledger-part", id+"/who", id+"/what")
	}
	w.put(old)
	w.reopen(1)
	w.wantWhole()
	w.five()
	w.reopen(1)
	w.wantWhole()
	beside := filepath.Join(w.dir, "ledger.head")
	raw, err := os.ReadFile(beside)
	if err != nil {
		t.Fatal(err)
	}
	w.five()
	if err := os.WriteFile(beside, raw[:20], 0o600); err != nil {
		t.Fatal(err)
	}
	o := w.options(1)
	o.Undone = true
	if w.chain, err = chain.Open(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	w.wantWhole()
}

// A power cut between the entry and the file leaves a file that is behind, which is no flaw.
func TestAHeadThatIsBehindIsNoFlaw(t *testing.T) {
	w := open(t)
	w.five()
	path := filepath.Join(w.dir, "ledger.head")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	w.five()
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	w.reopen(0)
	w.wantWhole()
}
