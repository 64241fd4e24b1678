package server

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/api/wire"
)

const (
	prefix  = "/api/v1"
	maxBody = 64 << 10
)

// route is one line of the API.
type route struct {
	id, method, path string
	access           Access
	states           []wire.State // in which it answers; none: only when the hub is open
	status           int          // of success; 0: 200, or 204 without a body
	about            string
}

type answer[T any] struct{ Body T }

type none struct{}

// add registers a route. Before f runs, the caller and the state of the hub are checked.
func add[I, O any](a *api, r route, f func(ctx context.Context, in *I) (*O, error)) {
	a.access[r.id] = r.access
	op := huma.Operation{
		OperationID: r.id, Method: r.method, Path: prefix + r.path, Summary: r.about,
		DefaultStatus: r.status, MaxBodyBytes: maxBody, Middlewares: huma.Middlewares{a.gate(r), a.polite(r)},
		Tags: []string{r.access.String()},
	}
	huma.Register(a.huma, op, func(ctx context.Context, in *I) (*O, error) {
		unhurried(ctx)
		out, err := f(ctx, in)
		if err != nil {
			return nil, a.told(r.id, err)
		}
		if !r.moves() {
			lookOf(ctx).begin()
		}
		return out, nil
	})
	a.describe(r)
}

// unhurried ends the time in which a request had to be read. Without it the framework's five seconds would
// also end whatever the request asks for: to the server the line would look broken.
func unhurried(ctx context.Context) {
	if line, ok := ctx.Value(lineKey{}).(http.ResponseWriter); ok {
		_ = http.NewResponseController(line).SetReadDeadline(time.Time{}) // a writer of a test has none
	}
}

type lineKey struct{}

// gate is the one place where it is decided who may do what: it refuses callers whose class is too low,
// those who must say the password first, and requests that do not fit the hub's state.
func (a *api) gate(r route) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		req, w := humago.Unwrap(ctx)
		caller := a.Caller(req)
		p := a.refused(ctx.Context(), r, caller)
		if p == nil && caller < Owner && strings.HasPrefix(r.path, "/accessories/{id}") {
			p = a.absent(ctx.Context(), ctx.Param("id"))
		}
		if p != nil {
			write(w, p)
			return
		}
		ctx = huma.WithValue(huma.WithValue(ctx, callerKey{}, caller), lineKey{}, w)
		look := a.look(ctx, r, caller)
		defer look.end()
		next(huma.WithValue(ctx, lookKey{}, look))
	}
}

func (a *api) refused(ctx context.Context, r route, caller Access) *wire.Problem {
	switch {
	case r.access == Undeclared || caller < r.access:
		if caller <= Public {
			return a.stranger(ctx)
		}
		return wire.Refuse(http.StatusForbidden, wire.CodeForbidden)
	case caller < Console && r.final() && !a.Shared.proofs.lately(AppOf(ctx).ID):
		if p := a.fits(ctx, r); p != nil {
			return p
		}
		return wire.Refuse(http.StatusForbidden, wire.CodeConfirm)
	}
	return a.fits(ctx, r)
}

// stranger is what anybody is told who asks for more than the two public answers.
func (a *api) stranger(ctx context.Context) *wire.Problem {
	if a.Hub.Status(ctx).State == wire.Unclaimed {
		return wire.Refuse(http.StatusForbidden, wire.CodeUnclaimed)
	}
	return wire.Refuse(http.StatusUnauthorized, wire.CodeStranger)
}

// final says whether the route does what cannot be undone, or lets somebody in: an app must have given the
// owner's password lately. Routes that take the password with the request look at it themselves.
func (r route) final() bool {
	switch r.id {
	case "new-code", "invite-app", "make-token", "page-on":
		return true
	case "revoke-app", "revoke-token": // it must be quick, and whoever was revoked can be paired again
		return false
	}
	return r.method == http.MethodDelete
}

type callerKey struct{}

// callerOf is what the gate found the caller to be.
func callerOf(ctx context.Context) Access {
	caller, _ := ctx.Value(callerKey{}).(Access)
	return caller
}

func (a *api) fits(ctx context.Context, r route) *wire.Problem {
	state := a.Hub.Status(ctx).State
	allowed := r.states
	if len(allowed) == 0 {
		allowed = []wire.State{wire.Open}
	}
	for _, s := range allowed {
		if s == state {
			return nil
		}
	}
	switch state {
	case wire.Unclaimed:
		return wire.Refuse(http.StatusForbidden, wire.CodeUnclaimed)
	case wire.Locked:
		if allowed[0] != wire.Unclaimed {
			return wire.Refuse(http.StatusLocked, wire.CodeLocked)
		}
	}
	return wire.Refuse(http.StatusConflict, wire.CodeClaimed)
}

func write(w http.ResponseWriter, p *wire.Problem) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the caller has gone: nobody is left to tell
}

// String is the class as the description of the API has it.
func (a Access) String() string {
	return [...]string{"undeclared", "public", "guest", "member", "guardian", "owner", "console"}[min(a, Console)]
}

// cleared is the highest class of traits that a caller of this class may receive.
func (a Access) cleared() trait.Class {
	switch {
	case a >= Owner:
		return trait.Intimate
	case a == Guardian:
		return trait.Personal
	}
	return trait.Household
}

// sees says whether a caller of this class may receive a value. One of no known trait is nobody's.
func (a Access) sees(v wire.Value) bool {
	t, known := trait.Lookup(v.Trait)
	return known && t.Class() <= a.cleared()
}
