package privacy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
)

// Step is what will become of what one holder has.
type Step struct {
	Holder string
	Expect Outcome
	Count  int
	Bytes  int64
}

// Inventory asks all holders what there is, sorted by kind.
func (d *Desk) Inventory(ctx context.Context, s Scope) ([]Item, error) {
	var all []Item
	for _, h := range d.Holders {
		items, err := h.Inventory(ctx, s)
		if err != nil {
			return nil, fmt.Errorf("privacy: %s: %w", h.Name(), err)
		}
		all = append(all, items...)
	}
	slices.SortStableFunc(all, func(a, b Item) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Person, b.Person), cmp.Compare(a.Device, b.Device))
	})
	return all, nil
}

// Plan says what a forgetting would do, and touches nothing. Holders that have nothing to do with it are
// left out.
func (d *Desk) Plan(ctx context.Context, s Scope) ([]Step, error) {
	var steps []Step
	for _, h := range d.Holders {
		items, err := h.Inventory(ctx, s)
		if err != nil {
			return nil, fmt.Errorf("privacy: plan: %s: %w", h.Name(), err)
		}
		expected := []Outcome{}
		if f, ok := h.(Foreseer); ok {
			if expected, err = f.Foresee(ctx, s); err != nil {
				return nil, fmt.Errorf("privacy: plan: %s: %w", h.Name(), err)
			}
		}
		step := Step{Holder: h.Name(), Expect: Outcome{State: Gone}}
		for _, i := range items {
			step.Count += i.Count
			step.Bytes += i.Bytes
		}
		if len(expected) == 0 && step.Count > 0 {
			steps = append(steps, step)
		}
		for _, o := range expected {
			step.Expect = o
			steps = append(steps, step)
		}
	}
	return steps, nil
}

// remaining is how much a holder still has.
func remaining(ctx context.Context, h Holder, s Scope) (n int, err error) {
	items, err := h.Inventory(ctx, s)
	for _, i := range items {
		n += i.Count
	}
	return n, err
}

// errStays says that a holder said Gone, and the second look found something.
var errStays = errors.New("privacy: something is still there")
