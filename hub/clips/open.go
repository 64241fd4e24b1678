package clips

import (
	"context"
	"errors"
	"time"

	"github.com/ingle-home/ingle/hub/archive"
	"github.com/ingle-home/ingle/hub/record"
	"github.com/ingle-home/ingle/storage/blobs"
	"github.com/ingle-home/ingle/storage/records"
)

// Open gives a desk on the recordings of a hub; o needs no Store, Settings and Save. Where they cannot be
// opened the desk says so, to people too, and refuses everything. Nil for rows is a store that is only
// read: nothing is recorded then.
func Open(ctx context.Context, rows *records.Store, o Options) *Desk {
	if rows == nil {
		return New(o)
	}
	kept := archive.Document[record.Settings]{Store: rows, Name: "clips"}
	settings, err := kept.Load(ctx)
	if errors.Is(err, archive.ErrNone) {
		err = nil
	}
	var store *blobs.Store
	if err == nil {
		store, err = blobs.Open(ctx, o.Dir, rows, blobs.Options{Limits: archive.ClipLimits(record.Free)})
	}
	if err != nil {
		o.Log.Error("the recordings stay away", "err", err)
		o.Faults.Raise(CodeClosed, "", nil)
		return New(o)
	}
	o.Store, o.Settings, o.Save = archive.Clips{Store: store}, settings, kept.Save
	d := New(o)
	d.shut = store.Close
	d.settle = func(ctx context.Context, now time.Time) error {
		_, err := store.Tidy(ctx, now)
		return err
	}
	return d
}
