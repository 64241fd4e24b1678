// Package backups makes the household's backups: when somebody asks for one, and by
// itself, every day or week, into a folder that the owner chose. How a backup is
// sealed, tried and restored is in storage/backup; this package knows when, where
// to, which old ones may go, and what to tell people.
package backups

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/storage"
	"github.com/ingle-home/ingle/storage/backup"
	"github.com/ingle-home/ingle/storage/records"
)

// The codes of what can be wrong with the backups of a house.
const (
	CodeFailed = "backup-failed" // the last one could not be made
	CodeOld    = "backup-old"    // there has been none for three times as long as there should
)

// Plan is what is remembered about backups.
type Plan struct {
	wire.BackupSchedule
	Since time.Time    `json:"since,omitzero"` // when the schedule was set
	Last  *wire.Backup `json:"last,omitempty"`
}

// Memory keeps the plan; Load gives the zero Plan if there is none.
type Memory interface {
	Load(ctx context.Context) (Plan, error)
	Save(ctx context.Context, p Plan) error
}

// Faults is the list of what is wrong.
type Faults interface {
	Raise(code, subject string, args map[string]string)
	Clear(code, subject string)
}

// Options are what New needs.
type Options struct {
	Source backup.Source
	Memory Memory
	Faults Faults
	Log    *slog.Logger
	Now    func() time.Time // time.Now if nil
}

// Shelf makes backups and knows where they lie. It is safe for concurrent use.
type Shelf struct {
	Options
	making sync.Mutex // one backup at a time

	mu       sync.Mutex // guards all below
	plan     Plan
	done, of int64 // of the one that is being made
}

// New takes up the plan that was remembered.
func New(ctx context.Context, o Options) (*Shelf, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Source.Now = o.Now
	plan, err := o.Memory.Load(ctx)
	return &Shelf{Options: o, plan: plan}, err
}

// Status tells about the backups.
func (s *Shelf) Status() wire.BackupStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	return wire.BackupStatus{Schedule: s.plan.shown(), Last: s.plan.Last, Done: s.done, Of: s.of}
}

func (p Plan) shown() wire.BackupSchedule {
	shown := p.BackupSchedule
	shown.Every = cmp.Or(shown.Every, wire.BackupOff)
	return shown
}

// Make makes a backup where somebody asks for one.
func (s *Shelf) Make(ctx context.Context, r wire.BackupRequest) (wire.Backup, error) {
	if !filepath.IsAbs(r.Path) {
		return wire.Backup{}, wire.Refuse(http.StatusUnprocessableEntity, "backup.path", "path", r.Path)
	}
	path := r.Path
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, s.name())
	}
	if storage.Inside(s.Source.Dir, path) {
		return wire.Backup{}, wire.Refuse(http.StatusUnprocessableEntity, "backup.inside", "folder", filepath.Dir(path))
	}
	return s.make(ctx, path, r.Media)
}

func (s *Shelf) make(ctx context.Context, path string, media bool) (wire.Backup, error) {
	if !s.making.TryLock() {
		return wire.Backup{}, wire.Refuse(http.StatusConflict, "backup.busy")
	}
	defer s.making.Unlock()
	defer s.progress(0, 0)
	s.sweep(filepath.Dir(path))
	c, err := backup.Make(ctx, s.Source, path, media, s.progress)
	if err != nil {
		return wire.Backup{}, problem(err, path)
	}
	made := wire.Backup{Path: path, Made: c.Made, Size: c.Size, Recordings: c.Recordings}
	err = s.change(ctx, func(p *Plan) { p.Last = &made })
	s.Faults.Clear(CodeFailed, "")
	s.Faults.Clear(CodeOld, "")
	return made, err
}

func (s *Shelf) progress(done, of int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done, s.of = done, of
}

// change remembers a change of the plan; it counts once it is remembered.
func (s *Shelf) change(ctx context.Context, edit func(*Plan)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := s.plan
	edit(&next)
	if err := s.Memory.Save(ctx, next); err != nil {
		return err
	}
	s.plan = next
	return nil
}

// problem puts an error of a backup into the words of the API.
func problem(err error, path string) error {
	folder := filepath.Dir(path)
	switch {
	case errors.Is(err, fs.ErrExist):
		return wire.Refuse(http.StatusConflict, "backup.exists", "path", path)
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return wire.Refuse(http.StatusUnprocessableEntity, "backup.folder", "folder", folder)
	case errors.Is(err, syscall.ENAMETOOLONG):
		return wire.Refuse(http.StatusUnprocessableEntity, "backup.name", "path", path)
	case errors.Is(err, storage.ErrFull):
		return wire.Refuse(http.StatusInsufficientStorage, "backup.full", "folder", folder)
	case errors.Is(err, storage.ErrReadOnlyDisk), errors.Is(err, fs.ErrPermission):
		return wire.Refuse(http.StatusForbidden, "backup.denied", "folder", folder)
	case errors.Is(err, storage.ErrDisk), errors.Is(err, syscall.EIO):
		return wire.Refuse(http.StatusServiceUnavailable, "backup.disk", "folder", folder)
	case errors.Is(err, records.ErrDamaged), errors.Is(err, records.ErrReadOnly):
		return wire.Refuse(http.StatusInternalServerError, "hub.damaged")
	case errors.Is(err, context.Canceled):
		return wire.Refuse(http.StatusConflict, "backup.ended")
	}
	return fmt.Errorf("backups: %w", err)
}

// Files lists the backups that the hub knows of: those in the folder of the schedule, and the last one.
// Away says that the folder is not there now, such as that of a disk which is not plugged in.
func (s *Shelf) Files() (paths []string, away bool) {
	s.mu.Lock()
	plan := s.plan
	s.mu.Unlock()
	if plan.Folder != "" {
		_, err := os.Stat(s.mark(plan.Folder))
		away = err != nil
		entries, _ := os.ReadDir(plan.Folder) // away says it
		for _, e := range entries {
			if s.isOwn(e.Name()) {
				paths = append(paths, filepath.Join(plan.Folder, e.Name()))
			}
		}
	}
	if plan.Last != nil && !slices.Contains(paths, plan.Last.Path) {
		paths = append(paths, plan.Last.Path)
	}
	return paths, away
}

// Gone remembers that there is no backup any more; by a schedule the next one is due at once.
func (s *Shelf) Gone(ctx context.Context) error {
	return s.change(ctx, func(p *Plan) { p.Last = nil })
}
