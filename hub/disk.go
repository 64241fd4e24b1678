package main

import (
	"context"
	"errors"
	"time"

	"github.com/ingle-home/ingle/hub/archive"
	"github.com/ingle-home/ingle/storage"
)

const (
	codeFull = "disk-full"
	diskTime = 2 * time.Second // between two looks at the disk
	diskRoom = 64 << 10        // bytes that must fit before a full disk counts as free again
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
