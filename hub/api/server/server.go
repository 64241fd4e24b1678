// Package server serves the hub's API: HTTP and JSON under /api/v1, described by OpenAPI 3.1, with
// one stream of events. Every route declares who may call it; a route that declares nobody is
// refused to all. What the routes do is the hub's business: they call the interfaces below.
package server

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/ingle-home/ingle/hub/api/wire"
)

// Hub is what the API stands before. Its errors are problems (*wire.Problem); any other error is
// logged and answered as hub.internal. It is safe for concurrent use.
type Hub interface {
	Door
	Keys
	Backups
	Exports
	Rooms
	Cameras
	Finder
	Family
	Bridges
	Apps
	Pages
	Tongue
	Clips() Clips
	Proof() Proof
	Privacy() Privacy
	// Wipe forgets everything, also of a hub that is locked.
	Wipe(ctx context.Context, r wire.WipeRequest) (wire.PrivacyReceipt, error)
	Tokens() Tokens
	Labels() Labels
	// Troubles lists what is wrong, the most severe first.
	Troubles(ctx context.Context) ([]wire.Trouble, error)
	// Snapshot is the whole state. Every change after it was taken must be published to the Feed.
	Snapshot(ctx context.Context) (wire.Snapshot, error)
}

// Door is how a hub is claimed and opened. Status must answer at once in every state.
type Door interface {
	Status(ctx context.Context) wire.Status
	Setup(ctx context.Context, r wire.SetupRequest) (wire.SetupAnswer, error)
	Unlock(ctx context.Context, r wire.UnlockRequest) error
}

// Keys are the ways into the store. What changes them takes the password again.
type Keys interface {
	ChangePassword(ctx context.Context, r wire.PasswordRequest) error
	// NewRecoveryCode leaves the old one good until ConfirmRecovery has the new one back.
	NewRecoveryCode(ctx context.Context, r wire.UnlockRequest) (wire.RecoveryCode, error)
	ConfirmRecovery(ctx context.Context, r wire.RecoveryCode) error
	SetBoot(ctx context.Context, r wire.BootRequest) (wire.BootAnswer, error)
	// Rotate seals everything anew under a new key.
	Rotate(ctx context.Context, r wire.UnlockRequest) error
	// Suggest offers a password in a language; it must answer in every state.
	Suggest(ctx context.Context, language string) (wire.Passphrase, error)
	// Judge says what a password is worth; it must answer in every state.
	Judge(ctx context.Context, password string) (wire.Verdict, error)
}

// Tongue is the language of the home.
type Tongue interface {
	SetLanguage(ctx context.Context, l wire.Language) (wire.Language, error)
}

// Rooms are the things in the home.
type Rooms interface {
	Accessories(ctx context.Context) ([]wire.Accessory, error)
	Add(ctx context.Context, r wire.AddRequest) (wire.Accessory, error)
	Remove(ctx context.Context, id string) error
	// Change gives a thing another name, room, address or login, which it tries first.
	Change(ctx context.Context, id string, r wire.ChangeRequest) (wire.Accessory, error)
	// Place says which HomeKit server shows a thing.
	Place(ctx context.Context, id string, p wire.Placement) (wire.Accessory, error)
	Do(ctx context.Context, id string, d wire.Do) error
	Past
}

// Past is what the hub remembers of what things said.
type Past interface {
	// History gives at most so many points of one trait between two times.
	History(ctx context.Context, id, trait string, from, to time.Time, points int) (wire.History, error)
}

// Family is who lives in the home and which places matter to them.
type Family interface {
	People(ctx context.Context) ([]wire.Person, error)
	AddPerson(ctx context.Context, p wire.Person) (wire.Person, error)
	Zones(ctx context.Context) ([]wire.Zone, error)
	AddZone(ctx context.Context, z wire.Zone) (wire.Zone, error)
}

// Bridges are the home's HomeKit servers, by their IDs.
type Bridges interface {
	HomeKit(ctx context.Context) ([]wire.HomeKit, error)
	// NewCode draws a setup code; the old one pairs nobody any more. Who is paired stays so.
	NewCode(ctx context.Context, id string) (wire.HomeKit, error)
	// Unpair forgets all controllers of a server.
	Unpair(ctx context.Context, id string) error
	// Arm has a private server answer for a while, Disarm ends that.
	Arm(ctx context.Context, id string, d time.Duration) (wire.HomeKit, error)
	Disarm(ctx context.Context, id string) error
}

// Access says who may call a route, and what a caller is.
type Access uint8

// The access classes. A caller of a class may call the routes of all lower ones.
const (
	Undeclared Access = iota // nobody
	Public                   // strangers
	Guest                    // who may see what is in the home
	Member                   // who may switch it too
	Guardian                 // who may also know where people are
	Owner                    // who may do everything
	Console                  // root and the hub's own user on this machine
)

// Options are what New needs. Caller says what the sender of a request is; nil makes all strangers. Where
// a hub has several listeners they have one Shared; nil is its own.
type Options struct {
	Hub    Hub
	Feed   *Feed
	Caller func(*http.Request) Access
	Shared *Shared
	Log    *slog.Logger
}

// New gives the API.
func New(o Options) http.Handler {
	mux := http.NewServeMux()
	a := build(mux, o)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { a.unknown(w, r, methods(mux, r)) })
	return a.caught(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != path.Clean(r.URL.Path) { // the mux would send it elsewhere, with an answer of its own
			a.unknown(w, r, nil)
			return
		}
		mux.ServeHTTP(w, r)
	}))
}

// unknown tells a stranger nothing, not even which paths there are.
func (a *api) unknown(w http.ResponseWriter, r *http.Request, others []string) {
	if a.Caller(r) <= Public {
		write(w, a.stranger(r.Context()))
		return
	}
	if len(others) > 0 {
		w.Header().Set("Allow", strings.Join(others, ", "))
		write(w, wire.Refuse(http.StatusMethodNotAllowed, wire.CodeMethod))
		return
	}
	write(w, wire.Refuse(http.StatusNotFound, wire.CodeUnknown))
}

// OpenAPI is the description of the API as YAML; the committed openapi.yaml must equal it.
func OpenAPI() ([]byte, error) {
	return build(http.NewServeMux(), Options{}).huma.OpenAPI().YAML()
}

// Description is the same as JSON.
func Description() ([]byte, error) {
	return build(http.NewServeMux(), Options{}).huma.OpenAPI().MarshalJSON()
}

type api struct {
	Options
	huma   huma.API
	access map[string]Access // by operation ID
}

func build(mux *http.ServeMux, o Options) *api {
	c := huma.DefaultConfig("Ingle", "1")
	c.OpenAPIPath, c.DocsPath, c.SchemasPath, c.CreateHooks = "", "", "", nil
	c.Transformers = []huma.Transformer{speakProblem}
	a := &api{Options: o, huma: humago.New(mux, c), access: map[string]Access{}}
	if a.Caller == nil {
		a.Caller = func(*http.Request) Access { return Public }
	}
	if a.Shared == nil {
		a.Shared = &Shared{}
	}
	if a.Log == nil {
		a.Log = slog.New(slog.DiscardHandler)
	}
	a.door()
	a.keys()
	a.backups()
	a.exports()
	a.privacy()
	a.clips()
	a.rooms()
	a.past()
	a.proof()
	a.cameras()
	a.labels()
	a.family()
	a.homekit()
	a.apps()
	a.tokens()
	a.pages()
	a.events()
	a.docs()
	a.describeAll()
	return a
}

// speakProblem puts the framework's own refusals into our words. Their details may repeat what the
// caller sent, a password for example, so they are dropped.
func speakProblem(_ huma.Context, _ string, v any) (any, error) {
	if e, ok := v.(*huma.ErrorModel); ok {
		code := wire.CodeInvalid
		if e.Status == http.StatusRequestEntityTooLarge {
			code = wire.CodeTooLarge
		}
		return wire.Refuse(e.Status, code), nil
	}
	return v, nil
}

// told turns an error of the hub into a problem.
func (a *api) told(route string, err error) error {
	if err == nil {
		return nil
	}
	var p *wire.Problem
	if errors.As(err, &p) {
		return p
	}
	a.Log.Error("the hub could not answer", "route", route, "err", err)
	return wire.Refuse(http.StatusInternalServerError, wire.CodeInternal)
}
