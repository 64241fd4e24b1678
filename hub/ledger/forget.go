package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/ingle-home/ingle/hub/chain"
)

// Scope is what is asked for: what is about a person, or about a device, within a time. Zero times bound
// nothing; a Scope with neither person nor device is everything.
type Scope struct {
	Person, Device string
	Since, Until   time.Time
}

func (s Scope) match(e chain.Entry, p chain.Part) bool {
	if !s.Since.IsZero() && e.At.Before(s.Since) || !s.Until.IsZero() && !e.At.Before(s.Until) {
		return false
	}
	var who Viewer
	var what Seen
	switch p.Name {
	case partWho:
		if v := decode[Viewer](p.Body); v != nil {
			who = *v
		}
	case partWhat:
		if v := decode[Seen](p.Body); v != nil {
			what = *v
		}
	}
	switch {
	case s.Person != "":
		return who.Person == s.Person || what.Whose == s.Person || p.Subject == "person/"+s.Person
	case s.Device != "":
		return what.Device == s.Device || p.Subject == "accessory/"+s.Device
	}
	return true
}

// Inventory says how much there is.
func (l *Ledger) Inventory(ctx context.Context, s Scope) (chain.Holding, error) {
	h, err := l.chain.Find(ctx, s.match)
	if err != nil {
		return h, fmt.Errorf("ledger: %w", err)
	}
	return h, nil
}

// Forget erases it, also what is not written yet, and says how many halves of entries went. The chain
// stays whole: it must run before the subject's key goes, so that the chain can say what was forgotten.
func (l *Ledger) Forget(ctx context.Context, s Scope) (int, error) {
	n, err := l.pen.Erase(ctx, s.match)
	if err != nil {
		return n, fmt.Errorf("ledger: %w", err)
	}
	return n, nil
}
