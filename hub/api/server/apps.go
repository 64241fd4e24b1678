package server

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/ingle-home/ingle/hub/api/wire"
)

// Apps are those that are paired with the hub.
type Apps interface {
	// Apps marks the app that asks.
	Apps(ctx context.Context, asks string) ([]wire.App, error)
	// ClaimCode draws a code with which the first app claims an unclaimed hub.
	ClaimCode(ctx context.Context) (wire.ClaimCode, error)
	// Invite draws a code with which one more app is let in.
	Invite(ctx context.Context, i wire.Invitation) (wire.ClaimCode, error)
	// PairHere pairs an app on this machine as the owner's.
	PairHere(ctx context.Context, r wire.PairRequest) (wire.Paired, error)
	RenameApp(ctx context.Context, id, name string) (wire.App, error)
	// RevokeApp ends the app's connections too.
	RevokeApp(ctx context.Context, id string) error
}

func (a *api) apps() {
	add(a, route{"list-apps", "GET", "/apps", Owner, nil, 0, "The paired apps"},
		func(ctx context.Context, _ *none) (*answer[[]wire.App], error) {
			list, err := a.Hub.Apps(ctx, AppOf(ctx).ID)
			return &answer[[]wire.App]{full(list)}, err
		})
	add(a, route{"pair-here", "POST", "/apps", Console, nil, http.StatusCreated, "Pair an app on the hub's own machine, without a code"},
		func(ctx context.Context, in *answer[wire.PairRequest]) (*answer[wire.Paired], error) {
			made, err := a.Hub.PairHere(ctx, in.Body)
			return &answer[wire.Paired]{made}, err
		})
	add(a, route{"invite-app", "POST", "/apps/invitation", Owner, nil, 0, "Draw a code with which one more app is let in, for five minutes"},
		func(ctx context.Context, in *answer[wire.Invitation]) (*answer[wire.ClaimCode], error) {
			c, err := a.Hub.Invite(ctx, in.Body)
			return &answer[wire.ClaimCode]{c}, err
		})
	type rename struct {
		ID   string `path:"id" maxLength:"64"`
		Body wire.AppName
	}
	add(a, route{"rename-app", "POST", "/apps/{id}/name", Owner, nil, 0, "Give a paired app another name"},
		func(ctx context.Context, in *rename) (*answer[wire.App], error) {
			changed, err := a.Hub.RenameApp(ctx, in.ID, in.Body.Name)
			return &answer[wire.App]{changed}, err
		})
	add(a, route{"revoke-app", "DELETE", "/apps/{id}", Owner, nil, http.StatusNoContent, "Let an app in no more, and end its connections"},
		func(ctx context.Context, in *named) (*none, error) {
			return &none{}, a.Hub.RevokeApp(ctx, in.ID)
		})
	add(a, route{"claim-code", "POST", "/claim-code", Console, []wire.State{wire.Unclaimed}, 0, "Draw the code with which an app claims the hub, for fifteen minutes"},
		func(ctx context.Context, _ *none) (*answer[wire.ClaimCode], error) {
			c, err := a.Hub.ClaimCode(ctx)
			return &answer[wire.ClaimCode]{c}, err
		})
}

// Tokens let scripts in. A token is named by its ID or name.
type Tokens interface {
	List(ctx context.Context) ([]wire.Token, error)
	// Make draws one; its secret is in the answer only.
	Make(ctx context.Context, r wire.TokenRequest) (wire.NewToken, error)
	// Revoke ends its connections too.
	Revoke(ctx context.Context, id string) error
}

func (a *api) tokens() {
	add(a, route{"list-tokens", "GET", "/tokens", Owner, nil, 0, "The tokens that let scripts in"},
		func(ctx context.Context, _ *none) (*answer[[]wire.Token], error) {
			list, err := a.Hub.Tokens().List(ctx)
			return &answer[[]wire.Token]{full(list)}, err
		})
	add(a, route{"make-token", "POST", "/tokens", Owner, nil, http.StatusCreated, "Let a script in; the token is shown once"},
		func(ctx context.Context, in *answer[wire.TokenRequest]) (*answer[wire.NewToken], error) {
			made, err := a.Hub.Tokens().Make(ctx, in.Body)
			return &answer[wire.NewToken]{made}, err
		})
	add(a, route{"revoke-token", "DELETE", "/tokens/{id}", Owner, nil, http.StatusNoContent, "Let a script in no more, and end its connections"},
		func(ctx context.Context, in *named) (*none, error) {
			return &none{}, a.Hub.Tokens().Revoke(ctx, in.ID)
		})
}

type appKey struct{}

// WithApp notes which paired app sent a request; the listener does that, once it has seen the app's key.
func WithApp(ctx context.Context, app wire.App) context.Context {
	return context.WithValue(ctx, appKey{}, app)
}

// AppOf is what WithApp noted; the zero App for anybody else.
func AppOf(ctx context.Context) wire.App {
	app, _ := ctx.Value(appKey{}).(wire.App)
	return app
}

type scriptKey struct{}

// WithScript notes which script sent a request, by its token: to the API it is an app of that role.
func WithScript(ctx context.Context, t wire.Token) context.Context {
	return context.WithValue(WithApp(ctx, wire.App{ID: t.ID, Role: t.Role}), scriptKey{}, true)
}

// Paired says what a caller is by the role of its app. Who has none is a stranger.
func Paired(r *http.Request) Access {
	switch AppOf(r.Context()).Role {
	case wire.RoleOwner:
		return Owner
	case wire.RoleGuardian:
		return Guardian
	case wire.RoleMember:
		return Member
	case wire.RoleGuest:
		return Guest
	}
	return Public
}

// lately is how long the password that an app gave is good for what takes it again.
const lately = 5 * time.Minute

// proofs are which apps gave the owner's password, and when. The zero value has none.
type proofs struct {
	mu    sync.Mutex
	at    map[string]time.Time // by app
	round int                  // rises with every password
}

// now is the round in which a password is about to be looked at.
func (p *proofs) now() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.round
}

// note remembers who gave a password that was looked at in a round; not if there has been another one since.
func (p *proofs) note(app string, round int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if round != p.round {
		return
	}
	if p.at == nil {
		p.at = map[string]time.Time{}
	}
	for id, at := range p.at {
		if time.Since(at) > lately {
			delete(p.at, id)
		}
	}
	p.at[app] = time.Now()
}

func (p *proofs) lately(app string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	at, ok := p.at[app]
	return ok && time.Since(at) <= lately
}

// forget has every app give the password anew, once there is another one.
func (p *proofs) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.at)
	p.round++
}

// The rest is what callers below the owner are not told: toys that the household keeps private, how to
// pair with HomeKit, and what the class of a trait keeps from them.

func hides(caller Access, a wire.Accessory) bool { return a.Private && caller < Owner }

// shownOf are the accessories that a caller is told of.
func shownOf(caller Access, list []wire.Accessory) map[string]bool {
	shown := make(map[string]bool, len(list))
	for _, a := range list {
		if !hides(caller, a) {
			shown[a.ID] = true
		}
	}
	return shown
}

// absent refuses what names a hidden accessory, by its ID or its name, as if there were none.
func (a *api) absent(ctx context.Context, which string) *wire.Problem {
	list, err := a.Hub.Accessories(ctx)
	if err != nil {
		return wire.Refuse(http.StatusInternalServerError, wire.CodeInternal)
	}
	for _, one := range list {
		if one.Private && (one.ID == which || strings.EqualFold(one.Name, which)) {
			return wire.Refuse(http.StatusNotFound, wire.CodeUnknown)
		}
	}
	return nil
}

func accessoriesFor(caller Access, list []wire.Accessory) []wire.Accessory {
	seen := make([]wire.Accessory, 0, len(list))
	for _, a := range list {
		if !hides(caller, a) {
			a.Traits = traitsFor(caller, a.Traits)
			seen = append(seen, a)
		}
	}
	return seen
}

func traitsFor(caller Access, list []wire.Value) []wire.Value {
	seen := make([]wire.Value, 0, len(list))
	for _, v := range list {
		if caller.sees(v) {
			seen = append(seen, v)
		}
	}
	return seen
}

func troublesFor(caller Access, shown map[string]bool, list []wire.Trouble) []wire.Trouble {
	seen := make([]wire.Trouble, 0, len(list))
	for _, t := range list {
		if caller >= Owner || t.Subject == "" || shown[t.Subject] {
			seen = append(seen, t)
		}
	}
	return seen
}

func statusFor(caller Access, s wire.Status) wire.Status {
	switch {
	case caller <= Public:
		return s.Public()
	case caller < Owner:
		return wire.Status{Ready: s.Ready, State: s.State, Version: s.Version}
	}
	return s
}

func snapshotFor(caller Access, s wire.Snapshot) wire.Snapshot {
	shown := shownOf(caller, s.Accessories)
	s.Accessories, s.Troubles = accessoriesFor(caller, s.Accessories), troublesFor(caller, shown, s.Troubles)
	s.Status = statusFor(caller, s.Status)
	if caller < Guardian {
		s.Zones = nil
	}
	if caller < Member {
		s.People, s.Troubles = nil, nil
	}
	s.People, s.Zones, s.Troubles = full(s.People), full(s.Zones), full(s.Troubles)
	return s
}
