package server

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/api/wire"
)

// longest is how far apart the ends of a history may be.
const longest = 366 * 24 * time.Hour

func (a *api) past() {
	type ask struct {
		ID     string    `path:"id" maxLength:"64"`
		Trait  string    `query:"trait" required:"true" maxLength:"64"`
		From   time.Time `query:"from" required:"true" doc:"the first moment (RFC 3339)"`
		To     time.Time `query:"to" required:"true" doc:"the moment after the last"`
		Points int       `query:"points" minimum:"1" maximum:"2000" default:"2000" doc:"at most so many; neighbours are joined"`
	}
	add(a, route{"history", "GET", "/accessories/{id}/history", Member, nil, 0, "What is kept of one trait of a thing between two times; of where people are for guardians only"},
		func(ctx context.Context, in *ask) (*answer[wire.History], error) {
			t, known := trait.Lookup(in.Trait)
			switch span := in.To.Sub(in.From); {
			case !known:
				return nil, wire.Refuse(http.StatusUnprocessableEntity, wire.CodeTrait, "trait", in.Trait)
			case t.Class() > callerOf(ctx).cleared():
				return nil, wire.Refuse(http.StatusForbidden, wire.CodeForbidden)
			case span <= 0 || span > longest || !sane(in.From) || !sane(in.To):
				return nil, wire.Refuse(http.StatusUnprocessableEntity, wire.CodeInvalid)
			}
			h, err := a.Hub.History(ctx, in.ID, in.Trait, in.From.UTC(), in.To.UTC(), in.Points)
			if err != nil {
				return nil, err
			}
			h.Points = full(h.Points)
			return &answer[wire.History]{h}, nil
		})
}

// sane says whether the store can tell the moment in nanoseconds.
func sane(t time.Time) bool { return t.Year() >= 1970 && t.Year() < 2200 }

// Proof is what the hub can prove: who looked at what, and what happened to its security.
type Proof interface {
	// Looks gives what a caller of a class, whose app is a person's or nobody's, may know, the newest first.
	Looks(ctx context.Context, q wire.LedgerQuery, caller Access, person string) ([]wire.Viewing, error)
	VerifyLooks(ctx context.Context) (wire.ChainCheck, error)
	Security(ctx context.Context) (wire.Security, error)
	VerifySecurity(ctx context.Context) (wire.ChainCheck, error)
	// Acknowledge says that somebody has seen to an alert.
	Acknowledge(ctx context.Context, id string) error
}

func (a *api) proof() {
	type ask struct {
		Since  time.Time `query:"since" doc:"the first moment (RFC 3339)"`
		Device string    `query:"device" maxLength:"256" doc:"at this one only"`
		Person string    `query:"person" maxLength:"256" doc:"who looked, or whose it is"`
	}
	add(a, route{"ledger", "GET", "/ledger", Member, nil, 0, "Who looked at what, the newest first; members are told what concerns them"},
		func(ctx context.Context, in *ask) (*answer[[]wire.Viewing], error) {
			list, err := a.Hub.Proof().Looks(ctx, wire.LedgerQuery{Since: in.Since, Device: in.Device, Person: in.Person}, callerOf(ctx), AppOf(ctx).Person)
			return &answer[[]wire.Viewing]{full(list)}, err
		})
	for _, r := range []struct {
		route
		do func(Proof, context.Context) (wire.ChainCheck, error)
	}{
		{route{"verify-ledger", "GET", "/ledger/verify", Guardian, nil, 0, "Whether who looked at what is as it was written"}, Proof.VerifyLooks},
		{route{"verify-security", "GET", "/security/verify", Owner, nil, 0, "Whether the security log is as it was written"}, Proof.VerifySecurity},
	} {
		add(a, r.route, func(ctx context.Context, _ *none) (*answer[wire.ChainCheck], error) {
			c, err := r.do(a.Hub.Proof(), ctx)
			return &answer[wire.ChainCheck]{c}, err
		})
	}
	add(a, route{"security", "GET", "/security", Owner, nil, 0, "What happened to the hub's security, the newest first"},
		func(ctx context.Context, _ *none) (*answer[wire.Security], error) {
			s, err := a.Hub.Proof().Security(ctx)
			return &answer[wire.Security]{s}, err
		})
	add(a, route{"acknowledge", "POST", "/security/alerts/{id}/seen", Owner, nil, http.StatusNoContent, "Say that somebody has seen to an alert"},
		func(ctx context.Context, in *named) (*none, error) {
			return &none{}, a.Hub.Proof().Acknowledge(ctx, in.ID)
		})
}

// Witness hears what callers are shown. It answers at once, and never keeps anybody from looking.
type Witness interface {
	Looked(l Look) (end func())
}

// Look is what a caller is shown. Long ones last until they are ended.
type Look struct {
	App    wire.App
	Caller Access
	Act    string // as wire.Viewing has it
	Which  string // the thing or the clip, as the caller named it; "": all
	Long   bool
}

// look is a look that may begin; nil where there is nothing to be seen.
type look struct {
	Look
	witness Witness
	once    sync.Once
	ended   func()
}

type lookKey struct{}

func lookOf(ctx context.Context) *look {
	l, _ := ctx.Value(lookKey{}).(*look)
	return l
}

func (l *look) begin() {
	if l != nil {
		l.once.Do(func() { l.ended = l.witness.Looked(l.Look) })
	}
}

func (l *look) end() {
	if l != nil && l.ended != nil {
		l.ended()
	}
}

// moves says whether a route shows something only once its first picture is there.
func (r route) moves() bool { return r.id == "frames" || r.id == "clip-frames" }

// shows says what there is to be seen at a route, and whether it lasts.
func (r route) shows() (act string, long bool) {
	switch r.id {
	case "still", "clip-still", "history":
		return r.id, false
	case "frames":
		return "live", true
	case "clip", "clip-frames":
		return "clip", true
	case "export-clip", "make-export":
		return "export", false
	case "list-accessories", "show-accessory":
		return "place", false
	case "events":
		return "place", true
	}
	return "", false
}

// look is what a caller is about to see. Where people are is told to those only who are cleared for it, and
// what the temperature was is nobody's secret.
func (a *api) look(ctx huma.Context, r route, caller Access) *look {
	act, long := r.shows()
	if act == "" || a.Shared.Witness == nil || act == "place" && caller.cleared() < trait.Personal {
		return nil
	}
	if t, known := trait.Lookup(ctx.Query("trait")); act == "history" && (!known || t.Class() < trait.Personal) {
		return nil
	}
	return &look{Look: Look{App: AppOf(ctx.Context()), Caller: caller, Act: act, Which: ctx.Param("id"), Long: long}, witness: a.Shared.Witness}
}
