// Package tokens keeps what lets scripts in: random texts, each with a name, a role and an end. The hub has
// only their hashes, sealed in its store: while the store is closed no token is known.
//
// A token of 130 random bits cannot be guessed, so its hash needs no salt and no work, and wrong ones need
// no counting. No token has the owner's role: a text in a script's file must not be what opens the house.
package tokens

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/ingle-home/ingle/hub/api/wire"
)

const (
	prefix   = "ingle_" // so that a token is known for one where it should not be
	idPrefix = "token-"
	most     = 64
	year     = 365
	seenStep = time.Minute // how exactly it is known when a token was last used
	seenKept = time.Hour   // how exactly after a restart
)

// State is what is sealed.
type State struct {
	Tokens []Kept `json:"tokens"`
}

// Kept is a token as the store has it.
type Kept struct {
	wire.Token
	Hash []byte `json:"hash"` // SHA-256 of the secret
}

// Store keeps the state. Load gives the zero State where it was never kept.
type Store interface {
	Load(ctx context.Context) (State, error)
	Save(ctx context.Context, s State) error
}

// Box is the tokens of a hub. It is safe for concurrent use.
type Box struct {
	problem func(error) error
	now     func() time.Time

	mu    sync.Mutex
	store Store // nil while the store is closed
	list  []Kept
	kept  time.Time // when the store last heard who was seen
	drop  func(id string)
}

// New gives a box that is closed. Problem puts what a disk says into the words of the API, and drop ends the
// connections of a token; neither is nil. Now is the clock.
func New(problem func(error) error, now func() time.Time) *Box {
	return &Box{problem: problem, now: now, drop: func(string) {}}
}

// OnDrop says who ends the connections of a token that is none any more; it is called once, before
// anything else.
func (b *Box) OnDrop(drop func(id string)) { b.drop = drop }

// Open takes the sealed tokens once the store is open.
func (b *Box) Open(ctx context.Context, store Store) error {
	s, err := store.Load(ctx)
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.store, b.list = store, s.Tokens
	return nil
}

// Close forgets what is sealed.
func (b *Box) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.store, b.list = nil, nil
}

// List tells which tokens there are, those that are over as well.
func (b *Box) List(context.Context) ([]wire.Token, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := make([]wire.Token, 0, len(b.list))
	for _, k := range b.list {
		list = append(list, k.Token)
	}
	return list, nil
}

// Make draws a token. Its secret is in the answer, and nowhere else.
func (b *Box) Make(ctx context.Context, r wire.TokenRequest) (wire.NewToken, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	name := strings.TrimSpace(r.Name)
	if !fits(name) || !slices.Contains([]string{wire.RoleGuest, wire.RoleMember, wire.RoleGuardian}, r.Role) || r.Days < 0 || r.Days > 10*year {
		return wire.NewToken{}, wire.Refuse(http.StatusUnprocessableEntity, wire.CodeInvalid)
	}
	for _, k := range b.list {
		if strings.EqualFold(k.Name, name) {
			return wire.NewToken{}, wire.Refuse(http.StatusConflict, wire.CodeName, "name", name)
		}
	}
	if len(b.list) >= most {
		return wire.NewToken{}, wire.Refuse(http.StatusConflict, "tokens.too-many")
	}
	if r.Days == 0 {
		r.Days = year
	}
	now := b.now().UTC().Truncate(time.Second)
	made := wire.NewToken{Secret: prefix + rand.Text(), Token: wire.Token{
		ID: idPrefix + strings.ToLower(rand.Text()[:12]), Name: name, Role: r.Role, Added: now, Until: now.AddDate(0, 0, r.Days),
	}}
	sum := sha256.Sum256([]byte(made.Secret))
	if err := b.save(ctx, append(slices.Clone(b.list), Kept{made.Token, sum[:]})); err != nil {
		return wire.NewToken{}, err
	}
	return made, nil
}

func fits(name string) bool {
	return name != "" && utf8.ValidString(name) && utf8.RuneCountInString(name) <= 64 && !strings.ContainsFunc(name, unicode.IsControl)
}

// Revoke ends a token, by its ID or name, and its connections: at once, even where the disk does not take it;
// the error says so then.
func (b *Box) Revoke(ctx context.Context, which string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := slices.IndexFunc(b.list, func(k Kept) bool { return k.ID == which || strings.EqualFold(k.Name, which) })
	if i < 0 {
		return wire.Refuse(http.StatusNotFound, wire.CodeUnknown)
	}
	id := b.list[i].ID
	b.list = slices.Delete(slices.Clone(b.list), i, i+1)
	b.drop(id)
	return b.save(ctx, b.list)
}

// save keeps the tokens and then has them.
func (b *Box) save(ctx context.Context, list []Kept) error {
	if b.store == nil {
		return wire.Refuse(http.StatusLocked, wire.CodeLocked)
	}
	if err := b.store.Save(ctx, State{list}); err != nil {
		return b.problem(err)
	}
	b.list, b.kept = list, b.now()
	return nil
}

// Known is the token of a secret. One that is over is none, nor is one from a time that has not come: then
// the clock went back.
func (b *Box) Known(ctx context.Context, secret string) (wire.Token, bool) {
	if !strings.HasPrefix(secret, prefix) || len(secret) > 128 {
		return wire.Token{}, false
	}
	sum := sha256.Sum256([]byte(secret))
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, k := range b.list {
		if subtle.ConstantTimeCompare(k.Hash, sum[:]) != 1 {
			continue
		}
		now := b.now()
		if !now.Before(k.Until) || now.Before(k.Added.Add(-time.Hour)) {
			return wire.Token{}, false
		}
		b.seen(ctx, i, now)
		return k.Token, true
	}
	return wire.Token{}, false
}

// seen notes that a token was used. A store that does not take it hears of it later.
func (b *Box) seen(ctx context.Context, i int, now time.Time) {
	if now.Sub(b.list[i].Seen).Abs() < seenStep {
		return
	}
	fresh := b.list[i].Seen.IsZero()
	b.list = slices.Clone(b.list)
	b.list[i].Seen = now.UTC().Truncate(time.Second)
	if fresh || now.Sub(b.kept) >= seenKept {
		_ = b.save(ctx, b.list)
	}
}
