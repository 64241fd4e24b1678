package chain_test

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/chain"
)

func (w *world) pen() *chain.Pen {
	p := chain.NewPen(chain.PenOptions{Merge: 5 * time.Minute, Now: w.clock.now})
	p.Attach(w.chain)
	return p
}

func (w *world) folded(p *chain.Pen) []chain.Folded {
	w.t.Helper()
	list, err := p.Folded(w.t.Context(), time.Time{})
	if err != nil {
		w.t.Fatal(err)
	}
	return list
}

func TestWhatComesAgainIsOneEntry(t *testing.T) {
	w := open(t)
	p := w.pen()
	begun := w.clock.now()
	for range 100 {
		end, _ := p.Note("sam/porch", w.look("p-sam", "p-mia"))
		end()
		w.clock.pass(time.Minute)
	}
	last := w.clock.now().Add(-time.Minute)
	list := w.folded(p)
	if len(list) != 1 || list[0].Times != 100 || !list[0].At.Equal(begun) || !list[0].Until.Equal(last) || list[0].Going {
		t.Fatalf("%+v", list)
	}
	w.clock.pass(10 * time.Minute)
	end, first := p.Note("sam/porch", w.look("p-sam", "p-mia"))
	if !first {
		t.Error("one that comes after a while is a new one")
	}
	if list = w.folded(p); len(list) != 2 || list[0].Times != 100 || !list[1].Going {
		t.Fatalf("%+v", list)
	}
	end()
	if err := p.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.reopen(0)
	if list = w.folded(w.pen()); len(list) != 2 || list[0].Times != 100 || !list[0].Until.Equal(last) {
		t.Fatalf("after a restart: %+v", list)
	}
	w.wantWhole()
}

func TestWhatLastsIsWrittenAtOnceAndEndsWhenItEnds(t *testing.T) {
	w := open(t)
	p := w.pen()
	end, _ := p.Note("noor/garden", w.look("p-noor", "p-mia"))
	if err := p.Write(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.clock.pass(3 * time.Hour)
	if list := w.folded(p); len(list) != 1 || !list[0].Going {
		t.Fatalf("%+v", list)
	}
	lost := w.pen() // of a hub that was killed
	if list := w.folded(lost); len(list) != 1 || list[0].Going || !list[0].Until.IsZero() {
		t.Fatalf("after a power cut: %+v", list)
	}
	end()
	w.clock.pass(6 * time.Minute)
	list := w.folded(p)
	if len(list) != 1 || list[0].Going || list[0].Until.Sub(list[0].At) != 3*time.Hour {
		t.Fatalf("%+v", list)
	}
	w.wantWhole()
}

// A storm of keys costs what it may cost, and says what it cost the chain.
func TestAStormIsBounded(t *testing.T) {
	w := open(t)
	p := w.pen()
	for i := range 10_000 {
		end, _ := p.Note(strconv.Itoa(i), w.look("p-sam", "p-mia"))
		end()
	}
	if err := p.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	list := w.folded(p)
	if len(list) > 600 {
		t.Errorf("%d entries", len(list))
	}
	last := list[len(list)-1]
	if last.Kind != chain.KindMissed || !strings.Contains(string(last.Note), "missed") {
		t.Errorf("%+v", last)
	}
	w.wantWhole()
}

// What is noted before there is a chain is written once there is one.
func TestAPenWithoutAChainKeepsWhatItCan(t *testing.T) {
	w := open(t)
	p := chain.NewPen(chain.PenOptions{Merge: time.Minute, Now: w.clock.now})
	for i := range 3 {
		end, _ := p.Note(strconv.Itoa(i), w.look("p-sam", "p-mia"))
		end()
	}
	if err := p.Write(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.Attach(w.chain)
	if list := w.folded(p); len(list) != 3 {
		t.Errorf("%d entries", len(list))
	}
}

func TestForgettingReachesWhatIsNotWrittenYet(t *testing.T) {
	w := open(t)
	p := w.pen()
	for _, who := range []string{"p-sam", "p-noor"} {
		p.Note(who, w.look(who, "p-mia"))
	}
	if _, err := p.Erase(t.Context(), of("person/p-noor")); err != nil {
		t.Fatal(err)
	}
	if list := w.folded(p); len(list) != 1 || string(list[0].Part("who")) != "p-sam" {
		t.Errorf("%+v", list)
	}
	w.wantWhole()
}

// A store that takes nothing for a while loses nothing that fits into memory.
func TestWhatCouldNotBeWrittenIsWrittenLater(t *testing.T) {
	w := open(t)
	p := w.pen()
	end, _ := p.Note("a", w.look("p-sam", "p-mia"))
	end()
	if err := w.store.Close(); err != nil {
		t.Fatal(err)
	}
	if err := p.Write(t.Context()); err == nil {
		t.Fatal("a closed store took it")
	}
	w.store = openStore(t, w.dir)
	w.reopen(0)
	p.Attach(w.chain)
	if list := w.folded(p); len(list) != 1 {
		t.Errorf("%+v", list)
	}
}

// A folder that takes no file keeps nobody from writing the chain.
func TestAHeadThatCannotBeWrittenIsTriedAgain(t *testing.T) {
	w := open(t)
	path := filepath.Join(w.dir, "ledger.head")
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	w.five()
	if err := errors.Join(os.Remove(path), w.store.Flush(t.Context())); err != nil {
		t.Fatal(err)
	}
	w.five()
	w.wantWhole()
}
