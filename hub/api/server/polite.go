package server

import (
	"context"
	"mime"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/ingle-home/ingle/hub/api/server/fresh"
	"github.com/ingle-home/ingle/hub/api/server/once"
	"github.com/ingle-home/ingle/hub/api/wire"
)

// What is here is the same for every route and has nothing to do with what it does: which requests are
// understood, which are done once, and what need not be sent again.

// Shared is what the listeners of one hub have in common: who gave the password, which writes were done, and
// which thing somebody is about to change. The zero value is ready.
type Shared struct {
	Witness Witness // nil: nobody keeps who looked

	proofs  proofs
	repeats once.Memory
	turns   turns
}

// Forget drops what is remembered of answers, in which somebody may be named who was forgotten.
func (s *Shared) Forget() { s.repeats.Forget() }

// polite is what happens between the gate and the route.
func (a *api) polite(r route) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		req, w := humago.Unwrap(ctx)
		req = req.WithContext(ctx.Context())
		on := func(w http.ResponseWriter, r *http.Request) { next(humago.NewContext(ctx.Operation(), r, w)) }
		switch {
		case r.method == http.MethodGet && r.whole():
			fresh.Serve(w, req, on)
		case r.method == http.MethodGet:
			on(w, req)
		case !spoken(req):
			write(w, wire.Refuse(http.StatusUnsupportedMediaType, wire.CodeMedia))
		case len(req.Header.Values(once.Header)) > 0:
			a.Shared.repeats.Serve(w, req, a.who(req), maxBody, on, func(why once.Refusal) { write(w, notAgain(why)) })
		default:
			on(w, req)
		}
	}
}

// whole says whether an answer is short enough to be held until it is known whether it is needed.
func (r route) whole() bool {
	return !slices.Contains([]string{"events", "clip", "frames", "clip-frames"}, r.id)
}

// spoken says whether the body is in the language of the API. Nothing that a form of a web page sends is.
func spoken(r *http.Request) bool {
	if r.ContentLength == 0 {
		return true
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && kind == "application/json" && r.Header.Get("Content-Encoding") == ""
}

// who is the caller whose keys of writes are its own.
func (a *api) who(r *http.Request) string {
	if id := AppOf(r.Context()).ID; id != "" {
		return "app " + id
	}
	return callerOf(r.Context()).String()
}

func notAgain(why once.Refusal) *wire.Problem {
	switch why {
	case once.Other:
		return wire.Refuse(http.StatusUnprocessableEntity, wire.CodeKeyUsed)
	case once.Lost:
		return wire.Refuse(http.StatusConflict, wire.CodeDone)
	case once.Busy:
		return wire.Refuse(http.StatusTooManyRequests, wire.CodeBusy)
	}
	return wire.Refuse(http.StatusBadRequest, wire.CodeInvalid)
}

// methods are those that a path has.
func methods(mux *http.ServeMux, r *http.Request) []string {
	var list []string
	for _, m := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
		asked := &http.Request{Method: m, URL: r.URL, Host: r.Host}
		if _, pattern := mux.Handler(asked); pattern != "" && pattern != "/" {
			list = append(list, m)
		}
	}
	if slices.Contains(list, http.MethodGet) {
		list = append(list, http.MethodHead)
	}
	return list
}

// caught has a mistake of ours end in an answer, and not in a line that breaks.
func (a *api) caught(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun := &begun{ResponseWriter: w}
		defer func() {
			why := recover()
			if why == nil {
				return
			}
			a.Log.Error("a route panicked", "method", r.Method, "panic", why) // no path: names may be in it
			if begun.yes || why == http.ErrAbortHandler {
				panic(http.ErrAbortHandler) // half an answer must not pass for a whole one
			}
			write(w, wire.Refuse(http.StatusInternalServerError, wire.CodeInternal))
		}()
		next.ServeHTTP(begun, r)
	})
}

// begun notes whether an answer was begun.
type begun struct {
	http.ResponseWriter
	yes bool
}

// Unwrap lets http.ResponseController through.
func (b *begun) Unwrap() http.ResponseWriter { return b.ResponseWriter }

func (b *begun) WriteHeader(code int) {
	b.yes = true
	b.ResponseWriter.WriteHeader(code)
}

func (b *begun) Write(p []byte) (int, error) {
	b.yes = true
	return b.ResponseWriter.Write(p)
}

// turns has one change of a thing wait for another, so that nobody overwrites what they have not seen.
type turns struct {
	mu   sync.Mutex
	busy map[string]chan struct{}
}

func (t *turns) take(ctx context.Context, id string) (done func(), err error) {
	for {
		t.mu.Lock()
		wait, taken := t.busy[id]
		if !taken {
			if t.busy == nil {
				t.busy = map[string]chan struct{}{}
			}
			mine := make(chan struct{})
			t.busy[id] = mine
			t.mu.Unlock()
			return func() {
				t.mu.Lock()
				defer t.mu.Unlock()
				delete(t.busy, id)
				close(mine)
			}, nil
		}
		t.mu.Unlock()
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// about is what people decided about a thing, by its ID or name.
func (a *api) about(ctx context.Context, which string) (wire.About, error) {
	list, err := a.Hub.Accessories(ctx)
	if err != nil {
		return wire.About{}, err
	}
	for _, one := range list {
		if one.ID == which || strings.EqualFold(one.Name, which) {
			return wire.AboutOf(one), nil
		}
	}
	return wire.About{}, wire.Refuse(http.StatusNotFound, wire.CodeUnknown)
}

// changing has f change a thing, unless it is not any more what the caller saw when it named a tag.
func changing[T any](ctx context.Context, a *api, id, match string, f func() (T, error)) (T, error) {
	var zero T
	now, err := a.about(ctx, id)
	if err != nil {
		return zero, err
	}
	done, err := a.Shared.turns.take(ctx, now.ID)
	if err != nil {
		return zero, err
	}
	defer done()
	if match == "" {
		return f()
	}
	if now, err = a.about(ctx, now.ID); err != nil {
		return zero, err
	}
	if !fresh.Named([]string{match}, tagOf(now), false) {
		return zero, wire.Refuse(http.StatusPreconditionFailed, wire.CodeChanged)
	}
	return f()
}
