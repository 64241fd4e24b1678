package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/ingle-home/ingle/hub/api/server"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/storage"
	"github.com/ingle-home/ingle/storage/records"
	"github.com/ingle-home/ingle/storage/vault"
)

// version is shown to the owner and in HomeKit as the firmware.
const version = "0.1.0"

// daemon is a hub in one of its three states: unclaimed, locked, or open with a house inside.
type daemon struct {
	settings settings
	socket   string
	api      string
	log      *slog.Logger
	feed     *server.Feed

	opening sync.Mutex // one setup or unlock at a time
	mu      sync.Mutex
	house   *house
	opened  chan struct{} // closed when there is a house
}

func newDaemon(s settings, api string) (*daemon, error) {
	dir, err := filepath.Abs(s.dir)
	if err != nil {
		return nil, fmt.Errorf("serve: %w", err)
	}
	s.dir = dir
	return &daemon{
		settings: s,
		socket:   filepath.Join(dir, "hub.sock"),
		api:      api,
		log:      newLog(),
		feed:     server.NewFeed(),
		opened:   make(chan struct{}),
	}, nil
}

// Status implements server.Door.
func (d *daemon) Status(context.Context) wire.Status {
	s := wire.Status{Ready: true, State: wire.Unclaimed, Version: version, API: d.api, Socket: d.socket}
	h := d.inside()
	switch {
	case h != nil:
		s.State, s.HomeKit = wire.Open, h.bridges.status()
	case vault.Exists(d.settings.dir):
		s.State = wire.Locked
	}
	return s
}

// Setup implements server.Door: it claims the hub with a password that the household chose.
func (d *daemon) Setup(ctx context.Context, r wire.SetupRequest) (wire.SetupAnswer, error) {
	d.opening.Lock()
	defer d.opening.Unlock()
	if vault.Exists(d.settings.dir) {
		return wire.SetupAnswer{}, wire.Refuse(http.StatusConflict, wire.CodeClaimed)
	}
	undo, err := remains(d.settings.dir)
	if err != nil {
		return wire.SetupAnswer{}, problem(err)
	}
	v, code, err := vault.Create(d.settings.dir, r.Password)
	if err != nil {
		return wire.SetupAnswer{}, problem(errors.Join(err, undo()))
	}
	h, err := d.enter(v)
	if err != nil {
		return wire.SetupAnswer{}, problem(errors.Join(err, undo()))
	}
	return wire.SetupAnswer{RecoveryCode: code, HomeKit: h.bridges.status()}, nil
}

// remains notes what is in a folder; undo removes what was added since. A setup that did not reach its
// end must leave an unclaimed hub: nobody has seen the recovery code.
func remains(dir string) (undo func() error, err error) {
	before, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("setup: %w", err)
	}
	return func() error {
		after, err := os.ReadDir(dir)
		for _, f := range after {
			if !slices.ContainsFunc(before, func(old os.DirEntry) bool { return old.Name() == f.Name() }) {
				err = errors.Join(err, os.RemoveAll(filepath.Join(dir, f.Name())))
			}
		}
		return err
	}, nil
}

// Unlock implements server.Door: it opens the store of a claimed hub. Of an open one it checks
// the password, and whoever knows it may pair again where strangers used up the tries at a setup code.
func (d *daemon) Unlock(ctx context.Context, r wire.UnlockRequest) error {
	d.opening.Lock()
	defer d.opening.Unlock()
	v, err := vault.Open(d.settings.dir, r.Password)
	if errors.Is(err, vault.ErrWrong) {
		v, err = vault.OpenRecovery(d.settings.dir, r.Password)
	}
	if err != nil {
		return problem(err)
	}
	if h := d.inside(); h != nil {
		return problem(errors.Join(h.bridges.servers.Forgive(ctx), v.Close()))
	}
	if stores, _ := filepath.Glob(filepath.Join(d.settings.dir, "core-*.db")); len(stores) == 0 { // never silently start empty
		return errors.Join(wire.Refuse(http.StatusInternalServerError, "hub.damaged"), v.Close())
	}
	_, err = d.enter(v)
	return problem(err)
}

// enter opens the house with an open vault; the vault is the house's from then on.
func (d *daemon) enter(v *vault.Vault) (*house, error) {
	h, err := openHouse(d, v)
	if err != nil {
		return nil, errors.Join(err, v.Close())
	}
	d.mu.Lock()
	d.house = h
	close(d.opened)
	d.mu.Unlock()
	status := d.Status(context.Background())
	d.feed.Publish(wire.Change{Status: &status})
	return h, nil
}

// inside is the open house, or nil.
func (d *daemon) inside() *house {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.house
}

func (d *daemon) close() {
	if h := d.inside(); h != nil {
		if err := h.close(); err != nil {
			d.log.Error("the store did not close well", "err", err)
		}
	}
}

// problem puts an error of the store or the house into the words of the API.
func problem(err error) error {
	var refused *vault.Refusal
	var already *wire.Problem
	switch {
	case err == nil || errors.As(err, &already):
		return err
	case errors.As(err, &refused):
		return wire.Refuse(http.StatusUnprocessableEntity, refused.Code)
	case errors.Is(err, vault.ErrWrong):
		return wire.Refuse(http.StatusUnauthorized, wire.CodePassword)
	case errors.Is(err, vault.ErrDamaged), errors.Is(err, records.ErrDamaged):
		return wire.Refuse(http.StatusInternalServerError, "hub.damaged")
	case errors.Is(err, storage.ErrFull):
		return wire.Refuse(http.StatusInsufficientStorage, "hub.full")
	}
	return homeProblem(err)
}
