package privacy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/ingle-home/ingle/hub/privacy/receipt"
)

// Entry is a forgetting that is under way. It names nobody.
type Entry struct {
	ID       string             `json:"id"`
	Scope    Scope              `json:"scope"`
	Begun    time.Time          `json:"begun"`
	Epoch    uint64             `json:"epoch"` // of the store's data key before
	Before   map[string]Tally   `json:"before"`
	Keys     []string           `json:"keys"`
	Outcomes map[string]Outcome `json:"outcomes"` // by holder; who is missing was not asked yet
	Sealed   bool               `json:"sealed,omitempty"`
}

// Tally is how much there was of a kind.
type Tally struct {
	Count int   `json:"count"`
	Bytes int64 `json:"bytes"`
}

func tally(items []Item) map[string]Tally {
	all := map[string]Tally{}
	for _, i := range items {
		t := all[i.Kind]
		all[i.Kind] = Tally{t.Count + i.Count, t.Bytes + i.Bytes}
	}
	return all
}

// counts are how much there was of each kind, and is.
func counts(before, left map[string]Tally) (list []receipt.Count) {
	for kind, n := range before {
		list = append(list, receipt.Count{Kind: kind, Where: string(where(kind)), Before: n.Count, Bytes: n.Bytes, After: left[kind].Count})
	}
	slices.SortFunc(list, func(a, b receipt.Count) int { return strings.Compare(a.Kind, b.Kind) })
	return list
}

// Counts are how much there is in a scope, for a forgetting that has not begun: as much as before.
func (d *Desk) Counts(ctx context.Context, s Scope) ([]receipt.Count, error) {
	items, err := d.Inventory(ctx, s)
	all := tally(items)
	return counts(all, all), err
}

// Recount takes into counts what one place still has: the one whose kinds lie there.
func Recount(list []receipt.Count, in Place, left []Item) {
	now := tally(left)
	for i, c := range list {
		if c.Where == string(in) {
			list[i].After = now[c.Kind].Count
		}
	}
}

// waiting are the holders that wait.
func (e Entry) waiting() []string {
	var list []string
	for name, o := range e.Outcomes {
		if o.State == Waiting {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}

// Pending says whether anything is left to do.
func (e Entry) Pending() bool { return !e.Sealed || len(e.waiting()) > 0 }

// fingerprints are those of the subjects whose keys go: random IDs, hashed, so that a receipt can be held
// against a store and says nothing else.
func fingerprints(s Scope) []string {
	list := []string{}
	if !s.Whole() {
		return list
	}
	if s.Person != "" {
		list = append(list, fingerprint("person/"+s.Person))
	}
	for _, id := range s.Things() {
		list = append(list, fingerprint("accessory/"+id))
	}
	return list
}

func fingerprint(subject string) string {
	sum := sha256.Sum256([]byte("ingle subject key\n" + subject))
	return hex.EncodeToString(sum[:8])
}
