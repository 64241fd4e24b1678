// Package export writes what the hub keeps into one archive in the clear, because its owner asks for it:
// a zip with JSON, CSV, GPX and a plain SQLite file, for everybody or for one person. It needs nothing
// of Ingle to be read. What opens the home is never in it: no password, no key, no setup code.
package export

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/archive"
	"github.com/ingle-home/ingle/hub/home"
	"github.com/ingle-home/ingle/hub/record"
	"github.com/ingle-home/ingle/storage"
	"github.com/ingle-home/ingle/storage/records"
)

// stamp is of the names that exports get.
const stamp = "20060102T150405Z"

// Options are what New needs.
type Options struct {
	Dir      string // the hub's own folder, absolute
	ID       []byte // of the hub's store: what this hub leaves unfinished is called by it
	Home     func() home.Contents
	Readings archive.Readings
	Clips    func() record.Clips                                 // the recordings; nil where there are none
	Presence func(context.Context) (map[string]time.Time, error) // since when who is where, by home.PresenceID
	Now      func() time.Time                                    // time.Now if nil
}

// Desk makes exports, one at a time. It is safe for concurrent use.
type Desk struct {
	Options
	making sync.Mutex
	step   func(string) // called between the steps; nil but in tests

	mu       sync.Mutex // guards all below
	done, of int64
}

// New gives a desk.
func New(o Options) *Desk {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Desk{Options: o}
}

// Status tells how far the export is that is being made.
func (d *Desk) Status() wire.ExportStatus {
	d.mu.Lock()
	defer d.mu.Unlock()
	return wire.ExportStatus{Done: d.done, Of: d.of}
}

func (d *Desk) progress(done, of int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.done, d.of = done, of
}

// Make makes an export; whoever asks has shown the password. Under its name there is the whole file,
// durable, or none.
func (d *Desk) Make(ctx context.Context, r wire.ExportRequest) (wire.Export, error) {
	if !filepath.IsAbs(r.Path) {
		return wire.Export{}, wire.Refuse(http.StatusUnprocessableEntity, "backup.path", "path", r.Path)
	}
	path, now := r.Path, d.Now().UTC().Truncate(time.Second)
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, "ingle-export-"+now.Format(stamp)+".zip")
	}
	if storage.Inside(d.Dir, filepath.Dir(path)) { // where nothing lies in the clear
		return wire.Export{}, wire.Refuse(http.StatusUnprocessableEntity, "export.inside", "folder", filepath.Dir(path))
	}
	if !d.making.TryLock() {
		return wire.Export{}, wire.Refuse(http.StatusConflict, "export.busy")
	}
	defer d.making.Unlock()
	defer d.progress(0, 0)
	made, err := d.make(ctx, path, now, r)
	return made, problem(err, path)
}

func (d *Desk) make(ctx context.Context, path string, now time.Time, r wire.ExportRequest) (made wire.Export, err error) {
	ctx, done := d.Readings.Store.Undisturbed(ctx) // who is forgotten meanwhile must not be in it
	defer done()
	about, err := d.about(ctx, r.Person)
	if err != nil {
		return made, err
	}
	about.Made, about.language = now, r.Language
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return made, errors.Join(err, fs.ErrExist)
	}
	f, err := d.begin(path)
	if err != nil {
		return made, err
	}
	defer func() {
		if err != nil {
			f.abandon()
		}
	}()
	d.reached("begun")
	made = wire.Export{Path: path, Made: now}
	made.Readings, made.Clips, err = d.write(ctx, f, filepath.Dir(path), about)
	d.reached("written")
	if ctx.Err() != nil { // the store's own word for it would be another
		err = ctx.Err()
	}
	if err == nil {
		made.Size, err = f.finish(path)
	}
	return made, err
}

func (d *Desk) reached(step string) {
	if d.step != nil {
		d.step(step)
	}
}

// problem puts an error of an export into the words of the API.
func problem(err error, path string) error {
	folder := filepath.Dir(path)
	full := storage.Full(err)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, home.ErrUnknown):
		return wire.Refuse(http.StatusNotFound, "export.person")
	case errors.Is(err, fs.ErrExist):
		return wire.Refuse(http.StatusConflict, "export.exists", "path", path)
	case errors.Is(err, fs.ErrNotExist):
		return wire.Refuse(http.StatusUnprocessableEntity, "export.folder", "folder", folder)
	case errors.Is(full, storage.ErrFull):
		return wire.Refuse(http.StatusInsufficientStorage, "export.full", "folder", folder)
	case errors.Is(full, storage.ErrReadOnlyDisk), errors.Is(err, fs.ErrPermission):
		return wire.Refuse(http.StatusForbidden, "export.denied", "folder", folder)
	case errors.Is(err, records.ErrDamaged):
		return wire.Refuse(http.StatusInternalServerError, "hub.damaged")
	case errors.Is(err, context.Canceled):
		return wire.Refuse(http.StatusConflict, "export.ended")
	}
	return fmt.Errorf("export: %w", err)
}
