package export

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"

	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/storage"
)

// File writes one plain file because the owner asks for it, as an export is written: under its name there
// is the whole file, durable, or none. Path is a new file, or a folder, in which it gets the name. Its errors
// are problems of the API, or what write says.
func (d *Desk) File(ctx context.Context, path, name string, write func(io.Writer) error) (made string, size int64, err error) {
	if !filepath.IsAbs(path) {
		return "", 0, wire.Refuse(http.StatusUnprocessableEntity, "backup.path", "path", path)
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, name)
	}
	if storage.Inside(d.Dir, filepath.Dir(path)) {
		return "", 0, wire.Refuse(http.StatusUnprocessableEntity, "export.inside", "folder", filepath.Dir(path))
	}
	if !d.making.TryLock() {
		return "", 0, wire.Refuse(http.StatusConflict, "export.busy")
	}
	defer d.making.Unlock()
	size, err = d.file(ctx, path, write)
	return path, size, problem(err, path)
}

func (d *Desk) file(ctx context.Context, path string, write func(io.Writer) error) (size int64, err error) {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return 0, errors.Join(err, fs.ErrExist)
	}
	f, err := d.begin(path)
	if err != nil {
		return 0, err
	}
	if err = errors.Join(write(f), ctx.Err()); err != nil {
		f.abandon()
		return 0, err
	}
	return f.finish(path)
}
