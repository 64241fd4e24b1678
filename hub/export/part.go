package export

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/ingle-home/ingle/storage"
)

// partSuffix ends the name of a part where the file system has no files without one; it begins with a
// dot.
const partSuffix = ".ingle-export.part"

// part is an archive that is being written. Where the file system can, it has no name at all until it is
// whole: after a power cut nothing in the clear is left.
type part struct {
	*os.File
	named string // the name that it has meanwhile, or ""
}

// begin makes a part beside path.
func begin(path string) (part, error) {
	sweep(filepath.Dir(path))
	if f := nameless(filepath.Dir(path)); f != nil {
		return part{File: f}, nil
	}
	named := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+partSuffix)
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
		err = rename(p.named, path)
	}
	if err = errors.Join(err, p.Close()); err != nil {
		return 0, err
	}
	return info.Size(), storage.SyncDir(filepath.Dir(path))
}

// rename does not replace a file.
func rename(from, to string) error {
	err := os.Link(from, to)
	if err == nil {
		return os.Remove(from)
	}
	if errors.Is(err, fs.ErrExist) {
		return err
	}
	if _, there := os.Lstat(to); there == nil { // a file system without links
		return fs.ErrExist
	}
	return os.Rename(from, to)
}

// sweep removes what exports that were cut short left in a folder. None is being made.
func sweep(folder string) {
	entries, _ := os.ReadDir(folder) // making the file tells what is wrong with it
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") && strings.HasSuffix(e.Name(), partSuffix) {
			_ = os.Remove(filepath.Join(folder, e.Name())) // the next one tries again
		}
	}
}
