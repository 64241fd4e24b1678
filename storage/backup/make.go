package backup

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ingle-home/ingle/storage"
	"github.com/ingle-home/ingle/storage/records"
	"github.com/ingle-home/ingle/storage/vault"
	"github.com/ingle-home/ingle/storage/vfs"
)

// The folders, in the data folder, of a backup that is being made: the copy, which
// is as sealed as the rest, and the trial. Clean removes what a crash left of them.
const (
	copyFolder  = "backup.copy"
	trialFolder = "backup.trial"

	mediaFolder  = "media"
	manifestName = "manifest.json"
)

// PartSuffix ends the name of a backup that is being made, which begins with a dot.
const PartSuffix = ".part"

// Source is an open hub to make a backup of.
type Source struct {
	Dir   string // its data folder
	Vault *vault.Vault
	Store *records.Store
	Hub   string           // its version
	Now   func() time.Time // time.Now if nil

	step func(string) // called between the steps; nil but in tests
}

// Clean removes what a backup that was cut short left in the data folder.
func Clean(dir string) error {
	return errors.Join(os.RemoveAll(filepath.Join(dir, copyFolder)), os.RemoveAll(filepath.Join(dir, trialFolder)))
}

// Make writes a backup to path, which must not exist (fs.ErrExist), with the
// recordings if media. The hub goes on reading and writing. When it returns without
// an error the file was read again, opened and checked, and is durable; after an
// error there is none. One backup of a folder at a time. Errors: storage.ErrFull,
// storage.ErrReadOnlyDisk, records.ErrDamaged, context.Canceled also if somebody was
// forgotten meanwhile.
func Make(ctx context.Context, s Source, path string, media bool, p Progress) (c Contents, err error) {
	if _, err := os.Lstat(path); err == nil {
		return c, fmt.Errorf("backup: %s: %w", path, fs.ErrExist)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return c, fmt.Errorf("backup: %w", err)
	}
	if err := Clean(s.Dir); err != nil {
		return c, fmt.Errorf("backup: %w", err)
	}
	defer func() { err = errors.Join(err, Clean(s.Dir)) }()
	part := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+PartSuffix)
	defer func() {
		if err != nil {
			_ = os.Remove(part) // it may never have been there
		}
	}()
	keys, err := s.Vault.Copy()
	if err != nil {
		return c, err
	}
	defer keys.Close()
	ctx, done := s.Store.Undisturbed(ctx) // who is forgotten meanwhile must not be in it
	defer done()
	if c, err = s.write(ctx, keys, part, media, p); err != nil {
		return c, err
	}
	s.reached("written")
	if err := s.try(ctx, part); err != nil {
		return c, fmt.Errorf("backup: the trial: %w", err)
	}
	s.reached("tried")
	if err := ctx.Err(); err != nil {
		return c, fmt.Errorf("backup: %w", err)
	}
	if err := storage.Rename(part, path); err != nil {
		return c, fmt.Errorf("backup: %w", err)
	}
	return c, storage.SyncDir(filepath.Dir(path))
}

func (s Source) reached(step string) {
	if s.step != nil {
		s.step(step)
	}
}

// write copies the databases and seals them, and what else belongs to the backup,
// into the file part.
func (s Source) write(ctx context.Context, keys *vault.Copy, part string, media bool, p Progress) (c Contents, err error) {
	from := filepath.Join(s.Dir, copyFolder)
	if err := os.Mkdir(from, storage.DirMode); err != nil {
		return c, fmt.Errorf("backup: %w", storage.Full(err))
	}
	// The copy is half of the work, and the file that is made of it the other half.
	err = s.Store.Copy(ctx, from, keys, func(done, of int) {
		p.tell(int64(done)*vfs.PageSize, 2*int64(of)*vfs.PageSize)
	})
	if err != nil {
		return c, err
	}
	s.reached("copied")
	list, c, err := s.list(from, media)
	if err != nil {
		return c, err
	}
	_ = os.Remove(part) // of a backup that was cut short
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, storage.FileMode)
	if err != nil {
		return c, fmt.Errorf("backup: %w", storage.Full(err))
	}
	of := 2*c.Databases + c.Media
	meter := &meter{ctx: ctx, done: c.Databases, tell: func(done int64) { p.tell(done, of) }}
	err = seal(f, keys, c, list, meter)
	if err == nil {
		err = storage.Full(f.Sync())
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return c, fmt.Errorf("backup: %w", err)
	}
	info, err := os.Stat(part)
	if err != nil {
		return c, fmt.Errorf("backup: %w", err)
	}
	c.Size = info.Size()
	return c, nil
}

// list finds the files that go into the backup.
func (s Source) list(copied string, media bool) (list []file, c Contents, err error) {
	now := time.Now
	if s.Now != nil {
		now = s.Now
	}
	machine, _ := os.Hostname() // without it the date has to say enough
	c = Contents{Format: formatVersion, Made: now().UTC().Truncate(time.Second), Hub: s.Hub, Machine: machine}
	databases, err := files(copied, "", func(name string) bool { return strings.HasSuffix(name, ".db") })
	if err != nil {
		return nil, c, err
	}
	for _, f := range databases {
		c.Databases += f.size
	}
	if !media {
		return databases, c, nil
	}
	recordings, err := files(filepath.Join(s.Dir, mediaFolder), mediaFolder+"/", isRecording)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, c, err
	}
	for _, f := range recordings {
		c.Recordings++
		c.Media += f.size
	}
	return append(databases, recordings...), c, nil
}

// file is one that goes into the backup as long as it is now; a recording may grow.
type file struct {
	path, name string
	size       int64
}

func files(dir, prefix string, which func(name string) bool) ([]file, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("backup: %w", err)
	}
	var list []file
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() || !which(e.Name()) {
			continue
		}
		list = append(list, file{filepath.Join(dir, e.Name()), prefix + e.Name(), info.Size()})
	}
	return list, nil
}

func isRecording(name string) bool {
	return len(name) == 32 && strings.Trim(name, "0123456789abcdef") == ""
}

// seal writes the whole file.
func seal(to io.Writer, keys *vault.Copy, c Contents, list []file, m *meter) error {
	h := newHead(keys.File())
	s, err := h.sealer(keys)
	if err != nil {
		return err
	}
	if _, err := to.Write(h.raw); err != nil {
		return storage.Full(err)
	}
	w := newWriter(to, s)
	archive := tar.NewWriter(w)
	about, err := json.Marshal(c)
	if err != nil {
		return err
	}
	err = archive.WriteHeader(&tar.Header{Name: manifestName, Mode: storage.FileMode, Size: int64(len(about))})
	if err == nil {
		_, err = archive.Write(about)
	}
	for i := 0; i < len(list) && err == nil; i++ {
		err = m.add(archive, list[i])
	}
	if err == nil {
		err = archive.Close()
	}
	if err == nil {
		err = w.Close()
	}
	return err
}

// meter counts what is copied, and ends the copying with its context.
type meter struct {
	ctx  context.Context
	done int64
	tell func(done int64)
}

// Write implements io.Writer.
func (m *meter) Write(p []byte) (int, error) {
	m.done += int64(len(p))
	m.tell(m.done)
	return len(p), m.ctx.Err()
}

func (m *meter) add(archive *tar.Writer, f file) error {
	from, err := os.Open(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // a recording that was deleted meanwhile
	}
	if err != nil {
		return err
	}
	defer from.Close()
	if err := archive.WriteHeader(&tar.Header{Name: f.name, Mode: storage.FileMode, Size: f.size}); err != nil {
		return err
	}
	_, err = io.Copy(archive, io.TeeReader(io.LimitReader(from, f.size), m))
	return err
}

// try reads the file from the disk as a restore would, opens the databases that are in
// it and looks at every page of them.
func (s Source) try(ctx context.Context, part string) error {
	_ = os.RemoveAll(filepath.Join(s.Dir, copyFolder)) // room for the trial; Clean tells
	dir := filepath.Join(s.Dir, trialFolder)
	b, err := open(part, dir, func(dir string) (*vault.Vault, error) { return s.Vault.OpenCopy(dir) })
	if err != nil {
		return err
	}
	defer b.Close()
	if err := b.unpack(ctx, false, nil); err != nil {
		return err
	}
	return b.check(ctx)
}
