package main

import (
	"context"
	"errors"
	"time"

	"github.com/ingle-home/ingle/hub/archive"
	"github.com/ingle-home/ingle/hub/keys"
	"github.com/ingle-home/ingle/storage"
	"github.com/ingle-home/ingle/storage/vault"
)

const (
	codeFull = "disk-full"
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
