package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/api/server"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/archive"
	"github.com/ingle-home/ingle/hub/bus"
	"github.com/ingle-home/ingle/hub/cameras"
	"github.com/ingle-home/ingle/hub/chain"
	"github.com/ingle-home/ingle/hub/home"
	"github.com/ingle-home/ingle/hub/keys"
	"github.com/ingle-home/ingle/hub/safety"
	"github.com/ingle-home/ingle/hub/seclog"
	"github.com/ingle-home/ingle/hub/witness"
	"github.com/ingle-home/ingle/storage/records"
)

// keepTime bounds how long a switch may take to be kept.
const keepTime = 10 * time.Second

// do has the house obey: its own switches, a person's emergency, and, past the guard, its things.
func (h *house) do(ctx context.Context, id string, cmd trait.Command) error {
	if on, ok := trait.Privacy.Want(cmd); ok && id == home.PrivacySwitch {
		return h.setPrivacy(ctx, on)
	}
	if on, ok := trait.Emergency.Want(cmd); ok && strings.HasSuffix(id, home.EmergencyID("")) {
		if on { // it must not pass for the answer to a true one
			return fmt.Errorf("emergency: only the wearer calls for help: %w", device.ErrUnsupported)
		}
		h.latch.Answer(strings.TrimSuffix(id, home.EmergencyID("")))
		return nil
	}
	if on, ok := trait.StopAll.Want(cmd); ok && id == home.StopSwitch {
		return h.setStopAll(ctx, on, cmd)
	}
	if on, ok := trait.Active.Want(cmd); ok {
		if on && h.isPrivate() {
			return fmt.Errorf("active: %w", cameras.ErrPrivate)
		}
		return h.setCamera(ctx, id, func(s *cameras.Settings) { s.Off = !on })
	}
	return h.guard.Do(ctx, id, cmd)
}

// Do implements safety.Actuator: it is the guard's way to a thing.
func (h *house) Do(ctx context.Context, accessory string, cmd trait.Command) error {
	k := h.find(accessory)
	if k == nil {
		return fmt.Errorf("%w: %s", home.ErrUnknown, accessory)
	}
	return k.keeper.Do(ctx, cmd)
}

// setStopAll stops every motor and keeps the switch at the same time: neither a slow disk may delay the
// stop, nor a thing that hangs the keeping, which must outlive a crash.
func (h *house) setStopAll(ctx context.Context, on bool, cmd trait.Command) error {
	stopped := make(chan error, 1)
	go func() { stopped <- h.guard.Do(ctx, home.StopSwitch, cmd) }()
	kept := h.remember(ctx, func(s *switches) { s.StopAll = on })
	return errors.Join(<-stopped, kept)
}

// setPrivacy closes every camera's connection, or lets them be opened again, and keeps the switch:
// cameras go dark even when it cannot be kept, and the error says so. Of two orders at a time one comes
// after the other, so that what the cameras do is what is shown, and what a restart finds.
func (h *house) setPrivacy(ctx context.Context, on bool) error {
	if on {
		h.veil(true) // at once, whatever disk an earlier order waits for
	}
	h.veiling.Lock()
	defer h.veiling.Unlock()
	h.veil(on)
	h.bus.Publish(bus.Change{Accessory: home.PrivacySwitch, Reading: trait.Privacy.Of(on, time.Now())})
	return h.remember(ctx, func(s *switches) { s.Privacy = on })
}

// veil has every camera go dark, or see again.
func (h *house) veil(on bool) {
	h.mu.Lock()
	h.privacy = on
	var dark sync.WaitGroup
	for _, k := range h.kept {
		if k.camera != nil {
			dark.Go(func() { k.camera.SetPrivate(on) })
		}
	}
	h.mu.Unlock()
	dark.Wait()
	if on {
		h.clips.Hush()
	}
}

// setCamera changes what the household decided about a camera, and keeps it: a camera goes dark even when
// that cannot be kept, and the error says so.
func (h *house) setCamera(ctx context.Context, id string, change func(*cameras.Settings)) error {
	h.deciding.Lock()
	defer h.deciding.Unlock()
	k := h.find(id)
	if k == nil || k.camera == nil {
		return fmt.Errorf("%s is no camera: %w", id, device.ErrUnsupported)
	}
	s := k.camera.Settings()
	change(&s)
	h.mu.Lock()
	h.sights[id] = s
	h.mu.Unlock()
	k.camera.Set(s)
	if s.Off {
		h.clips.Hush(id)
	}
	return h.remember(ctx, func(all *switches) {
		if all.Cameras == nil {
			all.Cameras = map[string]cameras.Settings{}
		}
		all.Cameras[id] = s
	})
}

// forgetCamera forgets what was decided about a camera that has gone.
func (h *house) forgetCamera(ctx context.Context, id string) {
	h.deciding.Lock()
	defer h.deciding.Unlock()
	h.mu.Lock()
	_, decided := h.sights[id]
	delete(h.sights, id)
	h.mu.Unlock()
	if !decided {
		return
	}
	if err := h.remember(ctx, func(all *switches) { delete(all.Cameras, id) }); err != nil {
		h.log.Warn("what was decided about a camera outlives it", "accessory", id, "err", err)
	}
}

func (h *house) isPrivate() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.privacy
}

// remember changes the kept switches. Orders come one at a time from people, so the last one counts.
// It goes on when whoever gave the order has hung up: what was switched must be what a restart finds.
func (h *house) remember(ctx context.Context, change func(*switches)) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepTime)
	defer cancel()
	h.switching.Lock()
	defer h.switching.Unlock()
	s, err := recall(ctx, h, h.switches, switches{})
	if err != nil {
		return err
	}
	change(&s)
	err = h.switches.Save(ctx, s)
	if h.unsound != nil {
		return nil // it holds until the next start, as all does that is done meanwhile
	}
	h.stored(err)
	return err
}

// homeProblem puts an error of the home, the guard or a thing into the words of the API.
func homeProblem(err error) error {
	for _, known := range []struct {
		err    error
		status int
	}{
		{cameras.ErrPrivate, http.StatusConflict}, {cameras.ErrOff, http.StatusConflict}, {cameras.ErrUnsafe, http.StatusConflict},
		{home.ErrUnknown, http.StatusNotFound}, {home.ErrTaken, http.StatusConflict},
		{home.ErrPublic, http.StatusUnprocessableEntity}, {home.ErrName, http.StatusUnprocessableEntity}, {home.ErrPosition, http.StatusUnprocessableEntity},
		{safety.ErrHeld, http.StatusConflict}, {safety.ErrStopped, http.StatusConflict},
		{safety.ErrNotStopped, http.StatusBadGateway}, {safety.ErrClosed, http.StatusServiceUnavailable},
	} {
		if errors.Is(err, known.err) {
			return wire.Refuse(known.status, known.err.Error())
		}
	}
	for _, kind := range []error{device.ErrRefused, device.ErrUnsupported, device.ErrUnreachable} {
		if errors.Is(err, kind) {
			return deviceProblem(err)
		}
	}
	return err
}

// openRecords opens who looked at what, and what happened to the hub's security. A house without them is
// better than none.
func (h *house) openRecords(ctx context.Context) {
	err := h.stand.Enter(ctx, witness.House{
		Chain:    chain.Options{Store: h.store, Dir: h.settings.dir, Restores: h.restored.Times, Undone: h.undone()},
		Alerts:   begun[[]seclog.Alert]{archive.Document[[]seclog.Alert]{Store: h.store, Name: "security-alerts"}},
		Units:    begun[map[string]witness.Unit]{archive.Document[map[string]witness.Unit]{Store: h.store, Name: "units"}},
		Contents: h.home.Contents, Apps: h.callers, Faults: h.health, Failed: h.witnessed,
		Clip: func(id string) (string, string) {
			c, err := h.clips.Show(ctx, id)
			if err != nil {
				return "", id
			}
			return c.Camera, c.ID
		},
		Placed: func(id string) bool {
			_, ok := h.bus.Last(id, trait.Where.Any())
			return ok
		},
	})
	if err != nil {
		h.log.Error("who looks at what is not kept", "err", err)
		h.health.Raise(codeNoWitness, "", nil)
	}
	h.run(ctx, "witness", h.stand.Run)
}

// codeNoWitness says that it is not kept who looks at what.
const codeNoWitness = "witness-closed"

// witnessed hears how it went to write who looked. What cannot be written now is kept in memory for a
// while, and tried again. People know of a store that is only read.
func (h *house) witnessed(err error) {
	switch {
	case err == nil && h.stand.Whole():
		h.health.Clear(codeNoWitness, "")
	case err != nil && !errors.Is(err, records.ErrReadOnly):
		h.health.Raise(codeNoWitness, "", nil)
	}
}

// closeRecords writes what is left of them.
func (h *house) closeRecords() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	err := h.stand.Leave(ctx)
	if errors.Is(err, records.ErrReadOnly) {
		return nil
	}
	return err
}

// callers are all who may call the API, by their IDs.
func (h *house) callers(ctx context.Context) []wire.App {
	list, _ := h.Book.Apps(ctx, "") // it has no error
	scripts, err := h.tokens.List(ctx)
	if err != nil {
		h.log.Debug("the tokens of scripts are not known", "err", err)
	}
	for _, t := range scripts {
		list = append(list, wire.App{ID: t.ID, Name: t.Name, Role: t.Role})
	}
	return list
}

// begun is a document of which there is none at first.
type begun[T any] struct{ archive.Document[T] }

// Load gives the zero value at first.
func (d begun[T]) Load(ctx context.Context) (T, error) {
	v, err := d.Document.Load(ctx)
	if isNone(err) {
		err = nil
	}
	return v, err
}

// Proof implements server.Hub.
func (d *daemon) Proof() server.Proof { return d.stand }

// PageOn implements server.Pages.
func (d *daemon) PageOn(ctx context.Context) (wire.Page, error) {
	p, err := d.Desk.PageOn(ctx)
	if err == nil {
		d.stand.Note(seclog.Event{Kind: seclog.NewListener, Subject: "page"})
	}
	return p, err
}

// NewRecoveryCode implements server.Keys.
func (d *daemon) NewRecoveryCode(ctx context.Context, r wire.UnlockRequest) (wire.RecoveryCode, error) {
	made, err := d.Ring.NewRecoveryCode(ctx, r)
	if err == nil {
		d.stand.Note(seclog.Event{Kind: seclog.Recovery, From: witness.From(keys.SourceOf(ctx))})
	}
	return made, err
}
