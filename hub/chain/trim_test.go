package chain_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/chain"
)

const day = 24 * time.Hour

// No entry is there the day after its time, and the rest is whole.
func TestWhatHadItsTimeIsGoneAndTheRestIsWhole(t *testing.T) {
	w := open(t)
	var looks []chain.Draft
	for range 120 {
		looks = append(looks, w.look("p-sam", "p-mia"))
		w.clock.pass(day)
	}
	w.write(looks...)
	w.clock.pass(-32 * day)
	for range 40 {
		w.clock.pass(day)
		if _, err := w.chain.Trim(t.Context(), w.clock.now()); err != nil {
			t.Fatal(err)
		}
		if r := w.verify(); !r.Whole() || w.clock.now().Sub(r.Since) > 90*day {
			t.Fatalf("%v: since %v, flaws %v", w.clock.now(), r.Since, r.Flaws)
		}
	}
	w.clock.pass(91 * day)
	if _, err := w.chain.Trim(t.Context(), w.clock.now()); err != nil {
		t.Fatal(err)
	}
	w.wantWhole()
	for _, kind := range []string{"ledger", "ledger-part"} {
		rows, err := w.store.List(t.Context(), kind)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows { // the checkpoint is of now
			if w.clock.now().Sub(r.At) > 90*day {
				t.Errorf("%s %s is of %v", kind, r.ID, r.At)
			}
		}
	}
	w.reopen(0)
	w.five()
	w.wantWhole()
}

func TestThereAreNeverMoreEntriesThanAllowed(t *testing.T) {
	w := open(t)
	for range 12 {
		var many []chain.Draft
		for range 100 {
			many = append(many, w.look("p-sam", "p-mia"))
		}
		w.write(many...)
		if _, err := w.chain.Trim(t.Context(), w.clock.now()); err != nil {
			t.Fatal(err)
		}
	}
	rows, err := w.store.List(t.Context(), "ledger")
	if err != nil || len(rows) > 1001 {
		t.Fatal(len(rows), err)
	}
	w.wantWhole()
}

// The entry that says where the chain begins cannot be done without.
func TestABeginningThatWasCutOffIsNoticed(t *testing.T) {
	w := open(t)
	w.five()
	w.clock.pass(91 * day)
	w.five()
	if n, err := w.chain.Trim(t.Context(), w.clock.now()); n != 5 || err != nil {
		t.Fatal(n, err)
	}
	w.wantWhole()
	w.remove("ledger", "0000000000000006")
	w.wantFlaw(6, chain.FlawRemoved)
}

// What a trim that was cut short left behind goes with the next.
func TestATrimThatWasCutShortIsFinished(t *testing.T) {
	w := open(t)
	w.five()
	left := w.get("ledger-part", "0000000000000001/who")
	link := w.get("ledger", "0000000000000001")
	w.clock.pass(91 * day)
	w.five()
	for range 2 {
		if _, err := w.chain.Trim(t.Context(), w.clock.now()); err != nil {
			t.Fatal(err)
		}
		rows, err := w.store.List(t.Context(), "ledger-part")
		if err != nil || strings.HasPrefix(rows[0].ID, "0000000000000001") {
			t.Fatal(err)
		}
		w.put(left, link)
		w.wantWhole()
	}
}

func of(subject string) func(chain.Entry, chain.Part) bool {
	return func(_ chain.Entry, p chain.Part) bool { return p.Subject == subject }
}

func TestAForgottenPersonLeavesAWholeChain(t *testing.T) {
	w := open(t)
	w.five()
	found, err := w.chain.Find(t.Context(), of("person/p-mia"))
	if err != nil || found.Parts != 6 || !found.Oldest.Equal(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)) {
		t.Fatal(found, err)
	}
	if n, err := w.chain.Erase(t.Context(), of("person/p-mia")); n != 6 || err != nil {
		t.Fatal(n, err)
	}
	if err := w.store.Forget(t.Context(), "person/p-mia"); err != nil {
		t.Fatal(err)
	}
	w.wantWhole()
	w.reopen(0)
	if r := w.verify(); !r.Whole() || r.Forgotten != 6 {
		t.Errorf("forgotten %d, flaws %v", r.Forgotten, r.Flaws)
	}
	entries, err := w.chain.Entries(t.Context(), time.Time{})
	if err != nil || len(entries) != 5 {
		t.Fatal(len(entries), err)
	}
	if e := entries[0]; string(e.Part("who")) != "p-sam" || e.Part("what") != nil || len(e.Gone) != 1 || e.Gone[0] != "what" {
		t.Errorf("%+v", e)
	}
	for _, kind := range chain.Kinds("ledger") {
		rows, err := w.store.List(t.Context(), kind)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			if bytes.Contains(r.Body, []byte("p-mia")) || strings.Contains(r.ID+r.Subject, "p-mia") {
				t.Errorf("%s %s still names whom it forgot", kind, r.ID)
			}
		}
	}
}

// What is gone without a word was removed.
func TestWhatIsGoneWithoutAWordIsNoticed(t *testing.T) {
	w := open(t)
	w.five()
	if err := w.store.Forget(t.Context(), "person/p-noor"); err != nil {
		t.Fatal(err)
	}
	w.wantFlaw(2, chain.FlawRemoved)
	w.wantFlaw(5, chain.FlawRemoved)
}
