package apitest

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ingle-home/ingle/hub/api/server"
	"github.com/ingle-home/ingle/hub/api/wire"
)

// ClaimCode is the code that the hub in memory shows.
const ClaimCode = "ABCDE-12345"

// Apps are the paired apps of the family: none at first.
func (h *Home) Apps(_ context.Context, asks string) ([]wire.App, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := slices.Clone(h.apps)
	for i := range list {
		list[i].This = list[i].ID == asks
	}
	return list, nil
}

// TokenSecret begins what the hub in memory shows of a token; its ID follows.
const TokenSecret = "ingle_IN-MEMORY-"

// Tokens are the tokens of scripts: none at first.
func (h *Home) Tokens() server.Tokens { return tokens{h} }

type tokens struct{ *Home }

func (h tokens) List(context.Context) ([]wire.Token, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.Home.tokens), nil
}

func (h tokens) Make(_ context.Context, r wire.TokenRequest) (wire.NewToken, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now().UTC()
	made := wire.Token{ID: h.id("token"), Name: r.Name, Role: r.Role, Added: now, Until: now.AddDate(0, 0, cmp.Or(r.Days, 365))}
	h.Home.tokens = append(h.Home.tokens, made)
	return wire.NewToken{Token: made, Secret: TokenSecret + made.ID, API: "https://192.168.1.7:8443", Pin: "sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="}, nil
}

func (h tokens) Revoke(_ context.Context, which string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	before := len(h.Home.tokens)
	h.Home.tokens = slices.DeleteFunc(h.Home.tokens, func(t wire.Token) bool { return t.ID == which || strings.EqualFold(t.Name, which) })
	if len(h.Home.tokens) == before {
		return wire.Refuse(http.StatusNotFound, wire.CodeUnknown)
	}
	return nil
}

// ClaimCode shows a code that nobody can use.
func (h *Home) ClaimCode(context.Context) (wire.ClaimCode, error) {
	return wire.ClaimCode{Code: ClaimCode, Until: time.Now().Add(15 * time.Minute)}, nil
}

// Invite shows a code that nobody can use.
func (h *Home) Invite(context.Context, wire.Invitation) (wire.ClaimCode, error) {
	return wire.ClaimCode{Code: ClaimCode, Until: time.Now().Add(5 * time.Minute)}, nil
}

// PairHere notes the app as the owner's.
func (h *Home) PairHere(_ context.Context, r wire.PairRequest) (wire.Paired, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	app := wire.App{ID: r.Pin[:16], Name: r.Name, Platform: r.Platform, Role: wire.RoleOwner, Added: time.Now().UTC()}
	h.apps = append(h.apps, app)
	if h.paired == nil {
		return wire.Paired{App: app, Pin: r.Pin}, nil
	}
	pin, api := h.paired(r.Pin)
	return wire.Paired{App: app, Pin: pin, API: api}, nil
}

// OnPair has paired told the pin of each app that pairs on the hub's own machine; it gives the hub's pin and
// the URL of its listener.
func (h *Home) OnPair(paired func(pin string) (hub, api string)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.paired = paired
}

// RenameApp gives an app another name.
func (h *Home) RenameApp(_ context.Context, id, name string) (wire.App, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range h.apps {
		if h.apps[i].ID == id {
			h.apps[i].Name = name
			return h.apps[i], nil
		}
	}
	return wire.App{}, wire.Refuse(http.StatusNotFound, wire.CodeUnknown)
}

// RevokeApp takes an app away.
func (h *Home) RevokeApp(_ context.Context, id string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	before := len(h.apps)
	h.apps = slices.DeleteFunc(h.apps, func(a wire.App) bool { return a.ID == id })
	if len(h.apps) == before {
		return wire.Refuse(http.StatusNotFound, wire.CodeUnknown)
	}
	return nil
}
