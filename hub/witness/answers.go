package witness

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/ingle-home/ingle/hub/api/server"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/chain"
	"github.com/ingle-home/ingle/hub/home"
	"github.com/ingle-home/ingle/hub/ledger"
	"github.com/ingle-home/ingle/hub/seclog"
)

var errNoLedger = errors.New("witness: there is no ledger")

// Looks implements server.Proof. Guardians see all, a member what concerns them.
func (s *Stand) Looks(ctx context.Context, q wire.LedgerQuery, caller server.Access, person string) ([]wire.Viewing, error) {
	l, h := s.at()
	if l == nil {
		return nil, errNoLedger
	}
	has := h.Contents()
	ask := ledger.Query{Since: q.Since, Device: q.Device, Person: q.Person}
	if a, err := has.Accessory(q.Device); err == nil {
		ask.Device = a.ID
	}
	if p, err := has.Person(q.Person); err == nil {
		ask.Person = p.ID
	}
	if caller < server.Guardian {
		if ask.Concern = person; person == "" { // nobody knows whom it would concern
			return nil, nil
		}
	}
	looks, err := l.Looks(ctx, ask)
	if err != nil {
		return nil, err
	}
	names := namesOf(has, h.Apps(ctx))
	list := make([]wire.Viewing, 0, len(looks))
	for _, look := range looks {
		if caller < server.Owner && look.What != nil && isPrivate(has, look.What.Device) {
			continue
		}
		list = append(list, names.look(look))
	}
	return list, nil
}

// isPrivate says whether a thing is nobody's business but the owner's.
func isPrivate(has home.Contents, device string) bool {
	return slices.ContainsFunc(has.Accessories, func(a home.Accessory) bool { return a.ID == device && a.Private })
}

// names are what IDs are called now.
type names map[string]string

func namesOf(has home.Contents, apps []wire.App) names {
	n := names{}
	for _, a := range apps {
		n[a.ID] = a.Name
	}
	for _, a := range has.Accessories {
		n[a.ID] = a.Name
	}
	for _, p := range has.People {
		n[p.ID] = p.Name
	}
	return n
}

func (n names) look(l ledger.Look) wire.Viewing {
	w := wire.Viewing{ID: l.ID, Begin: l.Begin, End: moment(l.End), Times: l.Times, Act: string(l.Act)}
	if who := l.Who; who != nil {
		w.Via, w.App, w.Person, w.Role = string(who.Via), who.ID, who.Person, who.Role
		if w.Who = n[who.Person]; w.Who == "" {
			w.Who = n[who.ID]
		}
	} else {
		w.Unknown = append(w.Unknown, "who")
	}
	if what := l.What; what != nil {
		w.Device, w.Whose, w.Clip, w.Thing = what.Device, what.Whose, what.Clip, n[what.Device]
		if owner := n[what.Whose]; owner != "" && (l.Act == ledger.Place || w.Thing == "") {
			w.Thing = owner
		}
	} else {
		w.Unknown = append(w.Unknown, "what")
	}
	return w
}

// VerifyLooks implements server.Proof.
func (s *Stand) VerifyLooks(ctx context.Context) (wire.ChainCheck, error) {
	l := s.inside()
	if l == nil {
		return wire.ChainCheck{}, errNoLedger
	}
	return checkOf(l.Verify(ctx))
}

// Security implements server.Proof.
func (s *Stand) Security(ctx context.Context) (wire.Security, error) {
	entries, err := s.security.Entries(ctx, time.Time{})
	if err != nil {
		return wire.Security{}, err
	}
	_, h := s.at()
	n := names{}
	if h != nil {
		n = namesOf(h.Contents(), h.Apps(ctx))
	}
	list := wire.Security{Events: []wire.SecurityEvent{}, Alerts: []wire.SecurityAlert{}}
	for _, e := range entries {
		w := wire.SecurityEvent{ID: e.ID, At: e.At, Times: e.Times, Kind: string(e.Kind), Severity: string(seclog.RuleOf(e.Kind).Severity),
			Subject: e.Device + e.Subject, Name: n[e.Device+e.Subject], From: e.From}
		if e.Times > 1 {
			w.Last = moment(e.Last)
		}
		if name := n[e.From]; name != "" {
			w.From = name
		}
		list.Events = append(list.Events, w)
	}
	for _, a := range s.security.Alerts() {
		list.Alerts = append(list.Alerts, wire.SecurityAlert{ID: a.ID, Rule: string(a.Rule), Severity: string(seclog.RuleOf(a.Rule).Severity),
			Subject: a.Subject, Name: n[a.Subject], First: a.First, Last: a.Last, Times: a.Times, Acknowledged: moment(a.Seen)})
	}
	return list, nil
}

// VerifySecurity implements server.Proof.
func (s *Stand) VerifySecurity(ctx context.Context) (wire.ChainCheck, error) {
	return checkOf(s.security.Verify(ctx))
}

// Acknowledge implements server.Proof.
func (s *Stand) Acknowledge(ctx context.Context, id string) error {
	err := s.security.Acknowledge(ctx, id)
	if errors.Is(err, seclog.ErrUnknown) {
		return wire.Refuse(http.StatusNotFound, wire.CodeUnknown, "id", id)
	}
	return err
}

func checkOf(r chain.Report, err error) (wire.ChainCheck, error) {
	c := wire.ChainCheck{Whole: r.Whole(), First: r.First, Last: r.Last, Since: r.Since, Forgotten: r.Forgotten, Flaws: []wire.Flaw{}}
	if r.Last > 0 {
		c.Entries = int(r.Last + 1 - r.First)
	}
	for _, f := range r.Flaws {
		c.Flaws = append(c.Flaws, wire.Flaw{Entry: f.Entry, What: f.What})
	}
	return c, err
}

// moment is a time on the wire, where none is nothing.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
