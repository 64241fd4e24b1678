package server

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

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
		DefaultStatus: r.status, MaxBodyBytes: maxBody, Middlewares: huma.Middlewares{a.gate(r)},
		Tags: []string{r.access.String()},
	}
	huma.Register(a.huma, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := f(ctx, in)
		if err != nil {
			return nil, a.told(r.id, err)
		}
		return out, nil
	})
	a.describeRefusal(r)
}

// gate refuses callers whose class is too low and requests that do not fit the hub's state.
func (a *api) gate(r route) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		req, w := humago.Unwrap(ctx)
		caller := a.Caller(req)
		if r.access == Undeclared || caller < r.access {
			write(w, wire.Refuse(http.StatusForbidden, wire.CodeForbidden))
			return
		}
		if p := a.fits(ctx.Context(), r); p != nil {
			write(w, p)
			return
		}
		next(huma.WithValue(ctx, callerKey{}, caller))
	}
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

// describeRefusal replaces the framework's error in the description by ours.
func (a *api) describeRefusal(r route) {
	doc := a.huma.OpenAPI()
	item := doc.Paths[prefix+r.path]
	for _, op := range []*huma.Operation{item.Get, item.Post, item.Delete} {
		if op == nil || op.OperationID != r.id {
			continue
		}
		for status := range op.Responses {
			if status == "default" || status >= "400" {
				delete(op.Responses, status)
			}
		}
		op.Responses["default"] = &huma.Response{
			Description: "A refusal; its code is an i18n key",
			Content:     map[string]*huma.MediaType{"application/problem+json": {Schema: schemaOf[wire.Problem](doc)}},
		}
	}
}

func write(w http.ResponseWriter, p *wire.Problem) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the caller has gone: nobody is left to tell
}

// String is the class as the description of the API has it.
func (a Access) String() string {
	return [...]string{"undeclared", "public", "member", "owner"}[min(a, Owner)]
}
