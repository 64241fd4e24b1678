package export

import (
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"

	"github.com/ingle-home/ingle/storage"
)

// The ends of the names of what is not finished, where the file system has no files without a name: the
// archive, and the tables that it is made from.
const (
	partSuffix   = ".ingle-export.part"
	tablesSuffix = ".ingle-tables.part"
)

// unfinished is a name that only this hub uses, for one file at a time. It begins with a dot.
func (d *Desk) unfinished(suffix string) string {
	return "." + hex.EncodeToString(d.ID[:min(4, len(d.ID))]) + suffix
}

// part is an archive that is being written. Where the file system can, it has no name at all until it is
// whole: after a power cut nothing in the clear is left.
type part struct {
	*os.File
	named string // the name that it has meanwhile, or ""
}

// begin makes a part beside path.
func (d *Desk) begin(path string) (part, error) {
	folder := filepath.Dir(path)
	d.sweep(folder)
	if f := nameless(folder); f != nil {
		return part{File: f}, nil
	}
	named := filepath.Join(folder, d.unfinished(partSuffix))
	f, err := os.OpenFile(named, os.O_WRONLY|os.O_CREATE|os.O_EXCL, storage.FileMode)
	return part{f, named}, err
}

// abandon leaves nothing of it.
func (p part) abandon() {
	_ = p.Close() // the error is told already
	if p.named != "" {
		_ = os.Remove(p.named)
	}
}

// finish makes it durable and gives it its name, but never that of another file. It says how many
// bytes it has.
func (p part) finish(path string) (int64, error) {
	err := p.Sync()
	info, errSize := p.Stat()
	if err = errors.Join(err, errSize); err != nil {
		return 0, err
	}
	if p.named == "" {
		err = link(p.File, path)
	} else {
		err = storage.Rename(p.named, path)
	}
	if err = errors.Join(err, p.Close()); err != nil {
		return 0, err
	}
	return info.Size(), storage.SyncDir(filepath.Dir(path))
}

// sweep removes what an export of this hub that was cut short left in a folder. None is being made.
func (d *Desk) sweep(folder string) {
	for _, suffix := range []string{partSuffix, tablesSuffix} {
		path := filepath.Join(folder, d.unfinished(suffix))
		if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() {
			_ = os.Remove(path) // making the next one tells what is wrong
		}
	}
}
