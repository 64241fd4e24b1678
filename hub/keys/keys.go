// Package keys is how the household gets into its store, and keeps getting in:
// the password, the recovery code, the slot with which a hub starts by itself,
// and the limits for those who only guess. The store's keys are in
// storage/vault; this package knows when they may change, what must be on disk
// before what, and what to tell people.
package keys

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/storage"
	"github.com/ingle-home/ingle/storage/records"
	"github.com/ingle-home/ingle/storage/vault"
	"github.com/ingle-home/ingle/storage/vault/boot"
)

// codeMistyped is of a recovery code whose checksum says that it was never one.
const codeMistyped = "recovery.mistyped"

// Home is what the keys need of an open house.
type Home interface {
	// Names are those that the hub knows; a password is not made of them.
	Names() []string
	// NoteRecovery remembers what became of the recovery code.
	NoteRecovery(ctx context.Context, s Recovery) error
	// NoteBoot tells whether the hub could start by itself, when it was to.
	NoteBoot(well bool)
	// NoteTries tells why wrong passwords are not counted on disk: nil if they are.
	NoteTries(err error)
	// Rotate seals everything anew under a new data key.
	Rotate(ctx context.Context, v *vault.Vault) error
}

// Recovery is what became of the recovery code.
type Recovery string

// The fates of a recovery code.
const (
	Kept   Recovery = ""       // somebody has it
	Unseen Recovery = "unseen" // it was made, and nobody said yet that they have it
	Used   Recovery = "used"   // it has opened the store, perhaps before other eyes
)

// Options are what New needs.
type Options struct {
	Dir     string        // of the store, absolute
	KeyFile string        // where the key for starting by itself lies; "" is wherever serves best
	Effort  time.Duration // of one try at a new password
	Log     *slog.Logger
	Wrong   func(source string) // hears of a wrong password or recovery code; nil: nobody
}

// Ring holds a hub's keys. It is safe for concurrent use.
type Ring struct {
	Options
	find  vault.Find
	tries *tries

	changing chan struct{} // holds one change of the slots at a time, or a rotation
	secrets  atomic.Int64  // how often the password or the recovery code was replaced

	mu       sync.Mutex
	open     *vault.Vault // nil while the hub is locked
	home     Home
	level    boot.Level
	unbooted bool // it was to start by itself and could not
}

// New gives the keys of the hub in o.Dir. A setup that a crash cut short is
// undone: nobody has seen its recovery code.
func New(o Options) (*Ring, error) {
	find := boot.Finder(o.Dir)
	r := &Ring{Options: o, find: find, tries: newTries(o.Dir), changing: make(chan struct{}, 1)}
	if o.KeyFile != "" {
		path, err := filepath.Abs(o.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("keys: %w", err)
		}
		r.KeyFile = path
		own := boot.KeyFile(path)
		r.find = func(kind, at string) vault.Boot {
			if kind == own.Kind() { // the disk may be mounted elsewhere today
				return boot.KeyFileNow(path, at)
			}
			return find(kind, at)
		}
	}
	if err := r.undoSetup(context.Background()); err != nil {
		return nil, err
	}
	r.look()
	return r, nil
}

// Protection is what stands between the stored bytes and whoever has the disk.
func (r *Ring) Protection() wire.Protection {
	r.mu.Lock()
	defer r.mu.Unlock()
	return wire.Protection(r.level)
}

// look reads how the store opens after a restart.
func (r *Ring) look() {
	kind, at := vault.BootSlot(r.Dir)
	if b := r.find(kind, at); b != nil {
		at = b.At()
	}
	level := boot.LevelOf(r.Dir, kind, at)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.level = level
}

// Hold takes an open vault and the house that it opened; Release closes it.
func (r *Ring) Hold(v *vault.Vault, h Home) {
	r.mu.Lock()
	r.open, r.home = v, h
	well := !r.unbooted
	r.mu.Unlock()
	h.NoteBoot(well)
	r.tellTries()
}

// Release wipes the keys. It waits for a change that is under way; a rotation is one,
// so whoever has the store closes it first, which ends that.
func (r *Ring) Release() error {
	r.changing <- struct{}{}
	defer func() { <-r.changing }()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.open == nil {
		return nil
	}
	err := r.open.Close()
	r.open, r.home = nil, nil
	return err
}

func (r *Ring) held() (*vault.Vault, Home, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.open == nil {
		return nil, nil, wire.Refuse(http.StatusLocked, wire.CodeLocked)
	}
	return r.open, r.home, nil
}

// Boot opens the vault without a person, if the household wants that: false if
// not, or if it cannot be done now, which the log says.
func (r *Ring) Boot(ctx context.Context) (*vault.Vault, bool) {
	if !vault.Exists(r.Dir) {
		return nil, false
	}
	v, err := vault.OpenBoot(ctx, r.Dir, r.find)
	if err != nil {
		if !errors.Is(err, vault.ErrNoBoot) {
			r.Log.Error("the hub cannot start by itself and waits for its password", "err", err)
			r.mu.Lock()
			r.unbooted = true
			r.mu.Unlock()
		}
		return nil, false
	}
	return v, true
}

// Unlock opens the vault with the password or the recovery code, and says which
// it was. Tries from the network are limited; source is Console or an address.
func (r *Ring) Unlock(source, secret string) (v *vault.Vault, byCode bool, err error) {
	defer func() {
		if wrong := wire.Code(err); r.Wrong != nil && (wrong == wire.CodePassword || wrong == codeMistyped) {
			r.Wrong(source)
		}
	}()
	if err := r.take(source); err != nil {
		return nil, false, err
	}
	v, err = vault.OpenRecovery(r.Dir, secret) // costs nothing, unlike a password
	byCode = err == nil
	if errors.Is(err, vault.ErrWrong) {
		v, err = vault.Open(r.Dir, secret)
	}
	if errors.Is(err, vault.ErrWrong) && vault.Mistyped(secret) {
		return nil, false, wire.Refuse(http.StatusUnauthorized, codeMistyped)
	}
	if err != nil {
		return nil, false, Problem(err)
	}
	r.forgive(source)
	return v, byCode, nil
}

// take counts a try before it is looked at, or refuses it.
func (r *Ring) take(source string) error {
	if err := r.tries.take(source); err != nil {
		return err
	}
	r.tellTries()
	return nil
}

// forgive forgets the wrong tries of a source that was right.
func (r *Ring) forgive(source string) {
	r.tries.forgive(source)
	r.tellTries()
}

// tellTries says whether a restart would forget the count. A locked house hears of it
// when it opens.
func (r *Ring) tellTries() {
	fault := r.tries.trouble()
	r.mu.Lock()
	h := r.home
	r.mu.Unlock()
	if h != nil {
		h.NoteTries(fault)
	} else if fault != nil {
		r.Log.Warn("wrong passwords are counted until the hub ends, not on disk", "err", fault)
	}
}

// Problem puts an error of the vault into the words of the API; any other is
// given back as it is.
func Problem(err error) error {
	var refused *vault.Refusal
	var inTheWay *vault.InTheWay
	var already *wire.Problem
	switch {
	case err == nil || errors.As(err, &already):
		return err
	case errors.As(err, &refused):
		return wire.Refuse(http.StatusUnprocessableEntity, refused.Code)
	case errors.As(err, &inTheWay):
		return wire.Refuse(http.StatusConflict, "keys.in-the-way", "path", inTheWay.Path)
	case errors.Is(err, vault.ErrWrong):
		return wire.Refuse(http.StatusUnauthorized, wire.CodePassword)
	case errors.Is(err, vault.ErrBoot):
		return wire.Refuse(http.StatusConflict, wire.CodeBoot, "error", err.Error())
	case errors.Is(err, vault.ErrDamaged):
		return wire.Refuse(http.StatusInternalServerError, "hub.damaged")
	case errors.Is(err, storage.ErrFull):
		return wire.Refuse(http.StatusInsufficientStorage, "hub.full")
	case errors.Is(err, storage.ErrReadOnlyDisk), errors.Is(err, records.ErrReadOnly):
		return wire.Refuse(http.StatusServiceUnavailable, "hub.read-only")
	}
	return err
}
