package witness

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/ingle-home/ingle/hub/chain"
	"github.com/ingle-home/ingle/hub/ledger"
	"github.com/ingle-home/ingle/hub/seclog"
)

// ids are what the security log may have of a scope: a device, or the apps of a person. A range of time
// takes nothing from it.
func (s *Stand) ids(ctx context.Context, scope ledger.Scope) []string {
	_, h := s.at()
	switch {
	case h == nil || !scope.Since.IsZero() || !scope.Until.IsZero():
		return nil
	case scope.Device != "":
		return []string{scope.Device}
	case scope.Person == "":
		return []string{""} // all
	}
	var list []string
	for _, a := range h.Apps(ctx) {
		if a.Person == scope.Person {
			list = append(list, a.ID)
		}
	}
	return list
}

// Inventory says how much both records hold: of a person, of a device, or, for the zero Scope, at all.
func (s *Stand) Inventory(ctx context.Context, scope ledger.Scope) (chain.Holding, error) {
	l := s.inside()
	if l == nil {
		return chain.Holding{}, errNoLedger
	}
	all, err := l.Inventory(ctx, scope)
	for _, id := range s.ids(ctx, scope) {
		h, errLog := s.security.Inventory(ctx, seclog.Scope{ID: id})
		all.Parts, all.Bytes, err = all.Parts+h.Parts, all.Bytes+h.Bytes, errors.Join(err, errLog)
		all.Oldest = earlier(all.Oldest, h.Oldest)
	}
	return all, err
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// Forget erases that from both, and says how many parts of entries went. It must run while a person's apps
// are still known, and before the subject's key is destroyed: the chains then say what was forgotten.
// Again is no error.
func (s *Stand) Forget(ctx context.Context, scope ledger.Scope) (int, error) {
	l := s.inside()
	if l == nil {
		return 0, errNoLedger
	}
	n, err := l.Forget(ctx, scope)
	for _, id := range s.ids(ctx, scope) {
		m, errLog := s.security.Forget(ctx, seclog.Scope{ID: id})
		n, err = n+m, errors.Join(err, errLog)
	}
	return n, errors.Join(err, s.forgetUnit(ctx, scope))
}

// Fresh forgets what is still in memory once a house was left because everything was forgotten: the next
// home must not be told of it.
func (s *Stand) Fresh(ctx context.Context) error {
	s.mu.Lock()
	s.units = nil
	clear(s.seen)
	clear(s.raised)
	s.mu.Unlock()
	return s.security.Fresh(ctx)
}

func (s *Stand) forgetUnit(ctx context.Context, scope ledger.Scope) error {
	whole := scope == ledger.Scope{}
	s.mu.Lock()
	h := s.house
	_, known := s.units[scope.Device]
	if h == nil || !known && !whole {
		s.mu.Unlock()
		return nil
	}
	delete(s.units, scope.Device)
	if whole {
		clear(s.units)
	}
	all := maps.Clone(s.units)
	s.mu.Unlock()
	if err := h.Units.Save(ctx, all); err != nil {
		return fmt.Errorf("witness: %w", err)
	}
	return nil
}
