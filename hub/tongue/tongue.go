// Package tongue is the language of the home: chosen when the hub is set up, changed by its owner. What
// the hub says by itself is in it, its names in Apple Home, the plain page and what explains an export,
// whatever the machine is set to and whoever asks.
package tongue

import (
	"context"
	"net/http"
	"strings"
	"sync"

	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/i18n"
)

// State is what is kept.
type State struct {
	Language string `json:"language"` // of a catalog; empty where nobody chose
}

// Store keeps the state; Save is durable when it returns.
type Store interface {
	Save(ctx context.Context, s State) error
}

// Tongue is safe for concurrent use.
type Tongue struct {
	changed  func(ctx context.Context)
	deciding sync.Mutex // one change at a time

	mu    sync.Mutex
	lang  string
	store Store // nil while the hub is unclaimed or locked
}

// New gives a home that speaks the usual language until another one is chosen or loaded. Changed is
// called after each change that an owner makes, and may be nil.
func New(usual string, changed func(ctx context.Context)) *Tongue {
	if changed == nil {
		changed = func(context.Context) {}
	}
	return &Tongue{lang: usual, changed: changed}
}

// Open takes what was kept, and keeps changes from now on.
func (t *Tongue) Open(store Store, kept State) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.store = store
	if name, ok := i18n.Catalog(kept.Language); ok {
		t.lang = name
	}
}

// Wish chooses the language of a home that is about to be set up; none leaves the usual one. A
// wire.Problem says that there are no texts in it.
func (t *Tongue) Wish(lang string) error {
	if lang == "" {
		return nil
	}
	name, ok := i18n.Catalog(lang)
	if !ok {
		return unknown(lang)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lang = name
	return nil
}

// Keep stores the language as it is, so that a setup outlives a change of the machine's.
func (t *Tongue) Keep(ctx context.Context) error {
	t.mu.Lock()
	store, lang := t.store, t.lang
	t.mu.Unlock()
	return store.Save(ctx, State{Language: lang})
}

// SetLanguage implements server.Tongue.
func (t *Tongue) SetLanguage(ctx context.Context, q wire.Language) (wire.Language, error) {
	name, ok := i18n.Catalog(q.Language)
	if !ok {
		return wire.Language{}, unknown(q.Language)
	}
	t.deciding.Lock()
	defer t.deciding.Unlock()
	t.mu.Lock()
	store := t.store
	t.mu.Unlock()
	if store == nil {
		return wire.Language{}, wire.Refuse(http.StatusLocked, wire.CodeLocked)
	}
	if err := store.Save(ctx, State{Language: name}); err != nil {
		return wire.Language{}, err
	}
	t.mu.Lock()
	t.lang = name
	t.mu.Unlock()
	t.changed(ctx)
	return wire.Language{Language: name}, nil
}

// Lang is the language, as the catalogs are called.
func (t *Tongue) Lang() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.lang
}

func unknown(lang string) error {
	return wire.Refuse(http.StatusUnprocessableEntity, wire.CodeLanguage, "language", lang, "known", strings.Join(i18n.Languages(), ", "))
}
