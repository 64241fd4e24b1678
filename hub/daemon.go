package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/ingle-home/ingle/hub/api/entrance"
	"github.com/ingle-home/ingle/hub/api/server"
	"github.com/ingle-home/ingle/hub/api/tokens"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/archive"
	"github.com/ingle-home/ingle/hub/clips"
	"github.com/ingle-home/ingle/hub/keys"
	"github.com/ingle-home/ingle/hub/live"
	"github.com/ingle-home/ingle/hub/page"
	"github.com/ingle-home/ingle/hub/pairing"
	"github.com/ingle-home/ingle/hub/product"
	"github.com/ingle-home/ingle/hub/seclog"
	"github.com/ingle-home/ingle/hub/tongue"
	"github.com/ingle-home/ingle/hub/witness"
	"github.com/ingle-home/ingle/storage/records"
	"github.com/ingle-home/ingle/storage/vault"
)

// daemon is a hub in one of its three states: unclaimed, locked, or open with a house inside.
type daemon struct {
	*keys.Ring
	*pairing.Book
	tokens *tokens.Box
	*page.Desk
	*tongue.Tongue
	stand    *witness.Stand
	settings settings
	socket   string
	api      string
	log      *slog.Logger
	feed     *server.Feed
	shared   *server.Shared

	opening sync.Mutex // one setup or unlock at a time
	mu      sync.Mutex
	house   *house
	shut    error         // why the store of a claimed hub did not open the last time
	opened  chan struct{} // closed when there is a house
}

func newDaemon(s settings, api string) (*daemon, error) {
	dir, err := filepath.Abs(s.dir)
	if err != nil {
		return nil, fmt.Errorf("serve: %w", err)
	}
	s.dir = dir
	log := newLog()
	stand := witness.New(log)
	ring, err := keys.New(keys.Options{Dir: dir, KeyFile: s.keyFile, Effort: s.effort, Log: log, Wrong: stand.WrongPassword})
	if err != nil {
		return nil, fmt.Errorf("serve: %w", err)
	}
	book, err := pairing.New(pairing.Options{
		Dir: dir, Log: log, Notice: stand.AppNotice, Problem: problem, Claimed: func() bool { return vault.Exists(dir) },
		API: func() string { return "https://" + entrance.Reach(strings.TrimPrefix(api, "https://")) },
	})
	if err != nil {
		return nil, fmt.Errorf("serve: %w", err)
	}
	d := &daemon{
		Ring:     ring,
		Book:     book,
		stand:    stand,
		tokens:   tokens.New(problem, time.Now),
		settings: s,
		socket:   filepath.Join(dir, "hub.sock"),
		api:      api,
		log:      log,
		feed:     server.NewFeed(),
		shared:   &server.Shared{Witness: stand},
		opened:   make(chan struct{}),
	}
	d.Tongue = tongue.New(s.language, d.speak)
	d.Desk = page.New(page.Options{Address: s.pageAddress(), Language: d.Lang, Problem: problem, Log: log})
	return d, nil
}

// Status implements server.Door.
func (d *daemon) Status(context.Context) wire.Status {
	s := wire.Status{Ready: true, State: wire.Unclaimed, Version: product.Version, Updates: product.Updates, API: d.api, Socket: d.socket}
	h := d.inside()
	switch {
	case h != nil:
		s.State, s.HomeKit, s.Protection, s.Language = wire.Open, h.bridges.status(), d.Protection(), d.Lang()
		traffic := wire.Traffic(h.lan.Traffic())
		s.Traffic = &traffic
	case vault.Exists(d.settings.dir):
		s.State, s.Protection, s.Shut = wire.Locked, d.Protection(), d.whyShut()
	}
	s.ClaimTried = d.Attacked()
	return s
}

// Setup implements server.Door: it claims the hub with a password that the household chose.
func (d *daemon) Setup(ctx context.Context, r wire.SetupRequest) (wire.SetupAnswer, error) {
	d.opening.Lock()
	defer d.opening.Unlock()
	if vault.Exists(d.settings.dir) {
		return wire.SetupAnswer{}, wire.Refuse(http.StatusConflict, wire.CodeClaimed)
	}
	if err := d.Wish(r.Language); err != nil {
		return wire.SetupAnswer{}, err
	}
	v, code, err := d.Create(ctx, r)
	if err != nil {
		return wire.SetupAnswer{}, problem(errors.Join(err, d.Undo(ctx)))
	}
	h, err := d.enter(v, func(h *house) error {
		if err := errors.Join(h.NoteRecovery(ctx, keys.Unseen), h.Keep(ctx)); err != nil {
			return err
		}
		if err := h.knowApps(ctx, server.AppOf(ctx).ID); err != nil {
			return err
		}
		return d.Settle()
	})
	if err != nil {
		return wire.SetupAnswer{}, problem(errors.Join(err, d.Undo(ctx)))
	}
	return wire.SetupAnswer{RecoveryCode: code, Protection: d.Protection(), HomeKit: h.bridges.status()}, nil
}

// Unlock implements server.Door: it opens the store of a claimed hub. Of an open one it checks
// the password, and whoever knows it may pair again where strangers used up the tries at a setup code.
func (d *daemon) Unlock(ctx context.Context, r wire.UnlockRequest) error {
	d.opening.Lock()
	defer d.opening.Unlock()
	v, byCode, err := d.Ring.Unlock(keys.SourceOf(ctx), r.Password)
	if err != nil {
		return problem(err)
	}
	h := d.inside()
	d.stand.Opened(keys.SourceOf(ctx), h != nil)
	if h != nil {
		err = errors.Join(h.vouch(ctx), v.Close())
	} else {
		h, err = d.enter(v, nil)
		d.noteShut(err)
	}
	if err == nil && byCode {
		h.stored(h.NoteRecovery(ctx, keys.Used)) // the hub is open all the same
	}
	return problem(err)
}

// vouch is what a person's password is good for while the hub is open: pairing again, and a clock that
// is hard to believe.
func (h *house) vouch(ctx context.Context) error {
	if h.unsound != nil {
		return nil // it could not be remembered
	}
	return errors.Join(h.bridges.servers.Forgive(ctx), h.upkeep.Confirm(ctx))
}

// start opens the house without a person, if the household wants that.
func (d *daemon) start(ctx context.Context) {
	d.opening.Lock()
	defer d.opening.Unlock()
	v, ok := d.Boot(ctx)
	if !ok {
		return
	}
	_, err := d.enter(v, nil)
	d.noteShut(err)
	if err != nil {
		d.log.Error("the hub could not start by itself", "err", err)
	}
}

// enter opens the house with an open vault; the vault is the house's from then on. Nobody hears of it
// before settle, if not nil, is done.
func (d *daemon) enter(v *vault.Vault, settle func(*house) error) (*house, error) {
	if found, err := records.Exists(d.settings.dir); (err != nil || !found) && settle == nil { // never silently start empty
		return nil, errors.Join(wire.Refuse(http.StatusInternalServerError, "hub.damaged"), v.Close())
	}
	h, err := openHouse(d, v)
	if err != nil {
		return nil, errors.Join(err, v.Close())
	}
	d.Hold(v, h)
	if settle == nil {
		settle = func(h *house) error { return h.knowApps(context.Background(), "") }
	}
	if err := settle(h); err != nil {
		d.Book.Close()
		d.tokens.Close()
		return nil, errors.Join(err, h.close(), d.Release())
	}
	d.Desk.Open(context.Background(), archive.Document[page.State]{Store: h.store, Name: "page"})
	h.noteOpened()
	d.mu.Lock()
	d.house = h
	close(d.opened)
	d.mu.Unlock()
	status := d.Status(context.Background())
	d.feed.Publish(wire.Change{Status: &status})
	return h, nil
}

// knowApps takes the sealed list of apps; first is the one that set the password just now. Without the
// list the hub is of use all the same, to those who sit at it.
func (h *house) knowApps(ctx context.Context, first string) error {
	if err := h.tokens.Open(ctx, tokenStore{archive.Document[tokens.State]{Store: h.store, Name: "tokens"}}); err != nil {
		h.log.Error("the tokens of scripts are not known", "err", err)
	}
	err := h.Book.Open(ctx, archive.Document[pairing.State]{Store: h.store, Name: "apps"}, first)
	if err != nil && first == "" {
		h.log.Error("the paired apps are not known", "err", err)
		return nil
	}
	return err
}

// tokenStore keeps the tokens of scripts, of which there are none at first.
type tokenStore struct{ archive.Document[tokens.State] }

// Load implements tokens.Store.
func (s tokenStore) Load(ctx context.Context) (tokens.State, error) {
	kept, err := s.Document.Load(ctx)
	if isNone(err) {
		err = nil
	}
	return kept, err
}

// Tokens implements server.Hub.
func (d *daemon) Tokens() server.Tokens { return scripts{d.tokens, d} }

// scripts tells whoever makes a token where the hub is, and how a script knows it for this one.
type scripts struct {
	*tokens.Box
	hub *daemon
}

// Make implements server.Tokens.
func (s scripts) Make(ctx context.Context, r wire.TokenRequest) (wire.NewToken, error) {
	made, err := s.Box.Make(ctx, r)
	if err != nil {
		return made, err
	}
	key := sha256.Sum256(s.hub.Certificate().Leaf.RawSubjectPublicKeyInfo)
	made.Pin = "sha256//" + base64.StdEncoding.EncodeToString(key[:])
	made.API = "https://" + entrance.Reach(strings.TrimPrefix(s.hub.api, "https://"))
	return made, nil
}

// Invite implements server.Apps: an app has the role of its person unless it is told another.
func (d *daemon) Invite(ctx context.Context, i wire.Invitation) (wire.ClaimCode, error) {
	if i.Person != "" {
		p, err := d.inside().home.Contents().Person(i.Person)
		if err != nil {
			return wire.ClaimCode{}, problem(err)
		}
		if i.Person = p.ID; i.Role == "" {
			i.Role = string(p.Role)
		}
	}
	if i.Role == "" {
		i.Role = wire.RoleMember
	}
	return d.Book.Invite(ctx, i)
}

// ChangePassword implements server.Keys; all other apps have to come again.
func (d *daemon) ChangePassword(ctx context.Context, r wire.PasswordRequest) error {
	err := d.Ring.ChangePassword(ctx, r)
	if err == nil {
		d.stand.Note(seclog.Event{Kind: seclog.Password, From: witness.From(keys.SourceOf(ctx))})
		d.DropOthers(server.AppOf(ctx).ID)
		d.EndSessions()
	}
	return err
}

// noteShut remembers why the store did not open, which a new password does not change.
func (d *daemon) noteShut(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.shut = problem(err)
}

// whyShut is why, if it is something that people can do something about.
func (d *daemon) whyShut() *wire.Problem {
	d.mu.Lock()
	defer d.mu.Unlock()
	var p *wire.Problem
	errors.As(d.shut, &p)
	return p
}

// SetBoot implements server.Keys; the apps hear of the new level of protection.
func (d *daemon) SetBoot(ctx context.Context, r wire.BootRequest) (wire.BootAnswer, error) {
	answer, err := d.Ring.SetBoot(ctx, r)
	status := d.Status(ctx)
	d.feed.Publish(wire.Change{Status: &status})
	return answer, err
}

// inside is the open house, or nil.
func (d *daemon) inside() *house {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.house
}

// closeHouse ends what is open; the hub is locked then, or unclaimed where its store has gone.
func (d *daemon) closeHouse() {
	d.mu.Lock()
	h := d.house
	d.house, d.shut, d.opened = nil, nil, make(chan struct{})
	d.mu.Unlock()
	d.Desk.Close()
	d.tokens.Close()
	d.feed.Forget()
	d.shared.Forget()
	if h != nil {
		if err := h.close(); err != nil {
			d.log.Error("the store did not close well", "err", err)
		}
	}
	if err := d.Release(); err != nil {
		d.log.Error("the vault did not close well", "err", err)
	}
}

func (d *daemon) close() {
	d.Desk.Close()
	d.Book.Close()
	d.tokens.Close()
	if h := d.inside(); h != nil {
		if err := h.close(); err != nil {
			d.log.Error("the store did not close well", "err", err)
		}
	}
	if err := d.Release(); err != nil {
		d.log.Error("the vault did not close well", "err", err)
	}
}

// problem puts an error of the store or the house into the words of the API.
func problem(err error) error {
	err = keys.Problem(err)
	var already *wire.Problem
	var damage *records.Damage
	switch {
	case err == nil || errors.As(err, &already):
		return err
	case errors.As(err, &damage):
		return wire.Refuse(http.StatusInternalServerError, "hub.damaged-file", "file", damage.File)
	case errors.Is(err, records.ErrDamaged):
		return wire.Refuse(http.StatusInternalServerError, "hub.damaged")
	}
	return homeProblem(err)
}

// openClips opens the recordings. Without them all else goes on.
func (h *house) openClips(ctx context.Context) {
	store := h.store
	if h.unsound != nil {
		store = nil
	}
	h.studio = live.New(live.Options{Log: h.log})
	h.clips = clips.Open(ctx, store, clips.Options{Dir: h.settings.dir, File: h.desk.File, Home: h.home.Contents, Bus: h.bus, Faults: h.health, Log: h.log, Studio: h.studio,
		Changed: func(camera string) { h.feed.Publish(wire.Change{Filmed: &wire.Filmed{Camera: camera}}) },
		Prove:   func(ctx context.Context, password string) error { return problem(h.Prove(ctx, password)) }, Barred: h.barred})
}

// Clips implements server.Hub.
func (d *daemon) Clips() server.Clips { return d.inside().clips }

// Backup implements server.Backups.
func (d *daemon) Backup(ctx context.Context, q wire.BackupRequest) (wire.Backup, error) {
	return d.inside().shelf.Make(ctx, q)
}

// Backups implements server.Backups.
func (d *daemon) Backups(context.Context) (wire.BackupStatus, error) {
	return d.inside().shelf.Status(), nil
}

// ScheduleBackups implements server.Backups.
func (d *daemon) ScheduleBackups(ctx context.Context, q wire.BackupSchedule) (wire.BackupStatus, error) {
	return d.inside().shelf.Schedule(ctx, q)
}
