package privacy

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ingle-home/ingle/hub/privacy/receipt"
)

// Journal keeps what is under way, and the receipts. Each call is durable when it returns.
type Journal interface {
	Entries(ctx context.Context) ([]Entry, error)
	Keep(ctx context.Context, e Entry) error
	// Close keeps the receipt in the place of an earlier one of the same ID, and then drops the entry if
	// nothing waits any more.
	Close(ctx context.Context, e Entry, receipt []byte) error
	Receipts(ctx context.Context) ([][]byte, error)
}

// Sealer seals the store anew under another key, once all else is done.
type Sealer interface {
	Epoch() uint64
	Renew(ctx context.Context) error
}

// Options are what New needs.
type Options struct {
	Holders []Holder // in the order in which they forget: keys first
	Journal Journal
	Sealer  Sealer
	Key     func() ed25519.PrivateKey                                                  // the hub's, with which receipts are signed
	Search  func(ctx context.Context, words []string) (bytes int64, hits int, e error) // looks at every byte of the hub's folder
	// Emptied says whether no database, and no log of one, is left of an epoch or an earlier one.
	Emptied func(epoch uint64) (bool, error)
	// Before is called once a forgetting is journalled, so that nothing new of who goes is kept; nil: nobody.
	Before  func(s Scope)
	Log     *slog.Logger
	Now     func() time.Time  // nil: the clock
	Reached func(step string) // called at each step; nil but in tests
}

// Desk forgets. It is safe for concurrent use; one forgetting at a time.
type Desk struct {
	Options
	busy sync.Mutex
}

// New gives a desk.
func New(o Options) *Desk {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Before == nil {
		o.Before = func(Scope) {}
	}
	if o.Reached == nil {
		o.Reached = func(string) {}
	}
	return &Desk{Options: o}
}

// Forget forgets what is in the scope and gives the receipt. Words are the names that go, for the last
// search; they are kept nowhere. Once the journal has it, it is completed, by Resume if need be: an error
// says only that this has to happen.
func (d *Desk) Forget(ctx context.Context, s Scope, words ...string) ([]byte, error) {
	d.busy.Lock()
	defer d.busy.Unlock()
	e := Entry{ID: "r-" + strings.ToLower(rand.Text()[:16]), Scope: s, Begun: d.Now().UTC(), Epoch: d.Sealer.Epoch(), Outcomes: map[string]Outcome{}}
	e.Scope.Ticket = e.ID
	before, err := d.Inventory(ctx, s)
	if err != nil {
		return nil, err
	}
	e.Before = tally(before)
	e.Keys = fingerprints(s)
	if err := d.Journal.Keep(ctx, e); err != nil {
		return nil, fmt.Errorf("privacy: journal: %w", err)
	}
	d.Before(s)
	d.Reached("journal")
	return d.carry(context.WithoutCancel(ctx), e, words) // who asked may hang up
}

// Resume completes what a power cut ended, and tries again what waits. It says how many still wait.
func (d *Desk) Resume(ctx context.Context) (waiting int, err error) {
	d.busy.Lock()
	defer d.busy.Unlock()
	entries, err := d.Journal.Entries(ctx)
	if err != nil {
		return 0, fmt.Errorf("privacy: journal: %w", err)
	}
	var failed []error
	for _, e := range entries {
		before := len(e.waiting())
		if e.Sealed && before > 0 && !d.ready(ctx, e) {
			waiting++
			continue
		}
		if _, err := d.carry(ctx, e, nil); err != nil {
			failed = append(failed, err)
		}
		if len(e.waiting()) > 0 {
			waiting++
		}
	}
	return waiting, errors.Join(failed...)
}

// ready says whether trying again may lead anywhere: a holder that waits foresees something else now.
func (d *Desk) ready(ctx context.Context, e Entry) bool {
	for _, h := range d.Holders {
		if e.Outcomes[h.Name()].State != Waiting {
			continue
		}
		f, ok := h.(Foreseer)
		if !ok {
			return true
		}
		expected, err := f.Foresee(ctx, e.Scope)
		if err != nil || !slices.ContainsFunc(expected, func(o Outcome) bool { return o.State == Waiting }) {
			return true
		}
	}
	return false
}

// carry takes an entry from where it is to its receipt.
func (d *Desk) carry(ctx context.Context, e Entry, words []string) ([]byte, error) {
	moved := false
	for _, h := range d.Holders {
		if o, done := e.Outcomes[h.Name()]; done && o.State != Waiting {
			continue
		}
		o, err := d.ask(ctx, h, e.Scope)
		if err != nil {
			return nil, err
		}
		moved = moved || e.Outcomes[h.Name()] != o
		e.Outcomes[h.Name()] = o
		if err := d.Journal.Keep(ctx, e); err != nil {
			return nil, fmt.Errorf("privacy: journal: %w", err)
		}
		d.Reached(h.Name())
	}
	if e.Sealed && !moved {
		return nil, nil
	}
	if err := d.again(ctx, e); err != nil {
		return nil, err
	}
	if err := d.Sealer.Renew(ctx); err != nil {
		return nil, fmt.Errorf("privacy: seal anew: %w", err)
	}
	d.Reached("renewed")
	r, err := d.proof(ctx, e, words)
	if err != nil {
		return nil, err
	}
	e.Sealed = true
	if err := d.Journal.Close(ctx, e, r); err != nil {
		return nil, fmt.Errorf("privacy: receipt: %w", err)
	}
	d.Reached("receipt")
	return r, nil
}

// again asks those that were done and have something once more: while others forgot, a device took its time
// to reset and somebody looked at it, or what was still needed of it came free.
func (d *Desk) again(ctx context.Context, e Entry) error {
	for _, h := range d.Holders {
		if e.Outcomes[h.Name()].State != Gone {
			continue
		}
		n, err := remaining(ctx, h, e.Scope)
		if err != nil {
			return fmt.Errorf("privacy: last look: %s: %w", h.Name(), err)
		}
		if n == 0 {
			continue
		}
		if e.Outcomes[h.Name()], err = d.ask(ctx, h, e.Scope); err != nil {
			return err
		}
	}
	return nil
}

// ask has a holder forget, and looks again before it believes it.
func (d *Desk) ask(ctx context.Context, h Holder, s Scope) (Outcome, error) {
	o, err := h.Forget(ctx, s)
	if err != nil {
		return o, fmt.Errorf("privacy: %s: %w", h.Name(), err)
	}
	if o.State != Gone {
		return o, nil
	}
	n, err := remaining(ctx, h, s)
	if err != nil {
		return o, fmt.Errorf("privacy: second look: %s: %w", h.Name(), err)
	}
	if n > 0 {
		return o, fmt.Errorf("%w: %s has %d", errStays, h.Name(), n)
	}
	return o, nil
}

// proof is the receipt of an entry.
func (d *Desk) proof(ctx context.Context, e Entry, words []string) ([]byte, error) {
	after, err := d.Inventory(ctx, e.Scope)
	if err != nil {
		return nil, err
	}
	r := receipt.Receipt{
		ID: e.ID, Scope: e.Scope.Name(), Begun: e.Begun, Made: d.Now().UTC(), Done: len(e.waiting()) == 0,
		Keys: e.Keys, Epochs: [2]uint64{e.Epoch, d.Sealer.Epoch()}, Search: receipt.Search{Words: len(words)},
	}
	if r.Emptied, err = d.Options.Emptied(e.Epoch); err != nil {
		return nil, fmt.Errorf("privacy: logs: %w", err)
	}
	r.Counts = counts(e.Before, tally(after))
	for _, h := range d.Holders {
		o := e.Outcomes[h.Name()]
		r.Places = append(r.Places, receipt.Place{Holder: h.Name(), Outcome: string(o.State), Why: o.Why, Many: o.Many})
	}
	r.Remains = remains(e.Scope)
	if len(words) > 0 {
		if r.Search.Bytes, r.Search.Found, err = d.Options.Search(ctx, words); err != nil {
			return nil, fmt.Errorf("privacy: search: %w", err)
		}
	}
	return receipt.Sign(r, d.Key())
}

// remains is what no hub can forget.
func remains(s Scope) []receipt.Remain {
	list := []receipt.Remain{{What: "export", Why: "privacy.why.export"}, {What: "log", Why: "privacy.why.log"}}
	if s.Whole() {
		list = append(list, receipt.Remain{What: "apple-home", Why: "privacy.why.apple"})
	}
	return append(list, receipt.Remain{What: "keys", Why: "privacy.why.flash"})
}

func where(kind string) Place {
	k, _ := Find(kind)
	return k.Where
}
