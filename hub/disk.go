package main

import (
	"context"
	"errors"
	"time"

	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/archive"
	"github.com/ingle-home/ingle/hub/backups"
	"github.com/ingle-home/ingle/hub/keys"
	"github.com/ingle-home/ingle/storage"
	"github.com/ingle-home/ingle/storage/backup"
	"github.com/ingle-home/ingle/storage/vault"
)

const (
	codeFull = "disk-full"
	codeTwin = "restored-twin" // this hub was restored, and the other copy is alive
	diskTime = 2 * time.Second // between two looks at the disk
	diskRoom = 64 << 10        // bytes that must fit before a full disk counts as free again

	renewTime = time.Minute // between two looks whether something was forgotten
	renewWait = time.Hour   // after a renewal that failed
)

// stored notes that the store did not take what the house gave it. Success says nothing: states are
// only queued, and a small record may fit where the next one does not. So watchDisk alone gives the
// all-clear.
func (h *house) stored(err error) {
	switch {
	case err == nil:
	case errors.Is(err, storage.ErrFull):
		h.health.Raise(codeFull, "", nil)
	default:
		h.log.Error("the store refused a record", "err", err)
	}
}

// watchDisk writes what is queued, so that a full disk is known even when nobody waits for a record,
// and after one was full tries whether there is room again.
func (h *house) watchDisk(ctx context.Context) error {
	tick := time.NewTicker(diskTime)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		err := h.store.Flush(ctx)
		if err == nil && h.isFull() {
			if err = h.fits(ctx); err == nil {
				h.health.Clear(codeFull, "")
			}
		}
		if ctx.Err() == nil {
			h.stored(err)
		}
	}
}

func (h *house) isFull() bool {
	for _, t := range h.health.All() {
		if t.Code == codeFull {
			return true
		}
	}
	return false
}

// fits keeps a document of some size and empties it again.
func (h *house) fits(ctx context.Context) error {
	trial := archive.Document[[]byte]{Store: h.store, Name: "disk-trial"}
	if err := trial.Save(ctx, make([]byte, diskRoom)); err != nil {
		return err
	}
	return trial.Save(ctx, nil)
}

// NoteRecovery implements keys.Home.
func (h *house) NoteRecovery(ctx context.Context, s keys.Recovery) error {
	if err := h.recovery.Save(ctx, s); err != nil {
		return err
	}
	return h.tellRecovery(ctx)
}

// tellRecovery says whether the household should make another recovery code.
func (h *house) tellRecovery(ctx context.Context) error {
	now, err := h.recovery.Load(ctx)
	if err != nil && !errors.Is(err, archive.ErrNone) {
		return err
	}
	for _, s := range []keys.Recovery{keys.Unseen, keys.Used} {
		code := "recovery-" + string(s)
		if s == now {
			h.health.Raise(code, "", nil)
		} else {
			h.health.Clear(code, "")
		}
	}
	return nil
}

// NoteBoot implements keys.Home.
func (h *house) NoteBoot(well bool) {
	if well {
		h.health.Clear("boot-failed", "")
	} else {
		h.health.Raise("boot-failed", "", nil)
	}
}

// Rotate implements keys.Home.
func (h *house) Rotate(ctx context.Context, v *vault.Vault) error {
	return h.store.Rotate(ctx, v)
}

// renew seals the store anew after something was forgotten: what the disk still holds of it is then
// under a key that is nowhere.
func (h *house) renew(ctx context.Context) error {
	wait := renewTime
	for {
		next := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			next.Stop()
			return nil
		case <-next.C:
		}
		wait = renewTime
		stale, err := h.store.Stale(ctx)
		if err == nil && stale {
			err = h.Renew(ctx)
		}
		if err != nil && ctx.Err() == nil {
			h.log.Warn("the store was not sealed anew", "err", err)
			wait = renewWait
		}
	}
}

// plan remembers the schedule of backups as a sealed document.
type plan struct{ archive.Document[backups.Plan] }

func (p plan) Load(ctx context.Context) (backups.Plan, error) {
	v, err := p.Document.Load(ctx)
	if errors.Is(err, archive.ErrNone) {
		return v, nil
	}
	return v, err
}

// openShelf starts what makes backups.
func (h *house) openShelf(ctx context.Context, v *vault.Vault) (err error) {
	if h.restored, err = backup.RestoredIn(ctx, h.store); err != nil {
		return err
	}
	h.shelf, err = backups.New(ctx, backups.Options{
		Source: backup.Source{Dir: h.settings.dir, Vault: v, Store: h.store, Hub: version},
		Memory: plan{archive.Document[backups.Plan]{Store: h.store, Name: "backups"}},
		Faults: h.health, Log: h.log,
	})
	if err == nil {
		h.run(ctx, "backups", h.shelf.Run)
	}
	return err
}

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

// Export implements server.Exports: an app that was left open on a table is not enough.
func (d *daemon) Export(ctx context.Context, q wire.ExportRequest) (wire.Export, error) {
	if err := d.Prove(ctx, q.Password); err != nil {
		return wire.Export{}, problem(err)
	}
	return d.inside().desk.Make(ctx, q)
}

// Exporting implements server.Exports.
func (d *daemon) Exporting(context.Context) (wire.ExportStatus, error) {
	return d.inside().desk.Status(), nil
}
