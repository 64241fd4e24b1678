package backups

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/storage"
	"github.com/ingle-home/ingle/storage/backup"
)

const (
	defaultKeep = 7
	lookTime    = time.Minute     // between two looks whether a backup is due
	retryTime   = time.Hour       // after one that failed
	againTime   = 5 * time.Minute // after one that a forgetting ended
	patience    = 3               // intervals without a backup before people are told
	suffix      = ".ingle-backup"
	stamp       = "20060102T150405Z"
)

// Schedule has backups made by themselves, or not any more. The folder gets a mark:
// when the disk is not plugged in, its empty mount point is another folder.
func (s *Shelf) Schedule(ctx context.Context, q wire.BackupSchedule) (wire.BackupStatus, error) {
	if q.Every == wire.BackupOff {
		q = wire.BackupSchedule{Every: wire.BackupOff}
	} else {
		q.Keep = cmp.Or(q.Keep, defaultKeep)
		if err := s.fits(q.Folder); err != nil {
			return s.Status(), err
		}
	}
	err := s.change(ctx, func(p *Plan) { p.BackupSchedule, p.Since = q, s.Now().UTC() })
	if err == nil {
		s.Faults.Clear(CodeFailed, "")
		s.Faults.Clear(CodeOld, "")
	}
	return s.Status(), err
}

func (s *Shelf) fits(folder string) error {
	if !filepath.IsAbs(folder) {
		return wire.Refuse(http.StatusUnprocessableEntity, "backup.path", "path", folder)
	}
	if storage.Inside(s.Source.Dir, folder) {
		return wire.Refuse(http.StatusUnprocessableEntity, "backup.inside", "folder", folder)
	}
	// Others may write there: a link by the mark's name must not lead to a file of the hub.
	mark, err := os.OpenFile(s.mark(folder), os.O_WRONLY|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err == nil {
		err = mark.Close()
	}
	if err != nil {
		return problem(err, filepath.Join(folder, "x"))
	}
	return nil
}

// Run makes the backups that are due until ctx ends.
func (s *Shelf) Run(ctx context.Context) error {
	wait := lookTime
	for {
		next := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			next.Stop()
			return nil
		case <-next.C:
		}
		wait = s.Look(ctx)
	}
}

// Look makes a backup if one is due, tells people how backups stand, and says when
// to look again.
func (s *Shelf) Look(ctx context.Context) (again time.Duration) {
	s.mu.Lock()
	plan := s.plan
	s.mu.Unlock()
	every := plan.interval()
	if every == 0 {
		return lookTime
	}
	again = lookTime
	if now := s.Now(); plan.age(now) >= every {
		again = s.attempt(ctx, plan)
	}
	s.mu.Lock()
	plan = s.plan
	s.mu.Unlock()
	if last := plan.newest(); plan.age(s.Now()) >= patience*every {
		s.Faults.Raise(CodeOld, "", map[string]string{"date": last.Local().Format(time.DateOnly)})
	}
	return again
}

// attempt makes the backup that is due.
func (s *Shelf) attempt(ctx context.Context, plan Plan) (again time.Duration) {
	made, err := s.due(ctx, plan)
	switch {
	case err == nil:
		if err := s.prune(plan, made.Path); err != nil {
			s.Log.Warn("old backups stay for now", "err", err)
		}
		return lookTime
	case ctx.Err() != nil:
		return lookTime
	case wire.Code(err) == "backup.ended", wire.Code(err) == "backup.busy":
		return againTime
	}
	s.Log.Error("the backup was not made", "err", err)
	s.Faults.Raise(CodeFailed, "", map[string]string{"folder": plan.Folder})
	return retryTime
}

func (s *Shelf) due(ctx context.Context, plan Plan) (wire.Backup, error) {
	if _, err := os.Stat(s.mark(plan.Folder)); err != nil {
		return wire.Backup{}, problem(err, filepath.Join(plan.Folder, "x"))
	}
	return s.make(ctx, filepath.Join(plan.Folder, s.name()), plan.Media)
}

func (p Plan) interval() time.Duration {
	switch p.Every {
	case wire.BackupDay:
		return 24 * time.Hour
	case wire.BackupWeek:
		return 7 * 24 * time.Hour
	}
	return 0
}

// newest is when there was a backup last, or when somebody began to wait for one.
func (p Plan) newest() time.Time {
	if p.Last != nil {
		return p.Last.Made
	}
	return p.Since
}

// age is how old the newest backup is. One of the future, after the clock was put back,
// is due again, and so is the first one.
func (p Plan) age(now time.Time) time.Duration {
	old := now.Sub(p.newest())
	if old < 0 {
		return p.interval()
	}
	if p.Last == nil || p.Last.Made.Before(p.Since) {
		return max(old, p.interval())
	}
	return old
}

// own is the part of a name that only backups of this home have.
func (s *Shelf) own() string { return hex.EncodeToString(s.Source.Vault.ID()[:4]) }

func (s *Shelf) name() string {
	return "ingle-" + s.own() + "-" + s.Now().UTC().Format(stamp) + suffix
}

func (s *Shelf) mark(folder string) string { return filepath.Join(folder, ".ingle-"+s.own()) }

// prune deletes the oldest backups of this home beyond those to keep; never the one
// that was just made, whatever the clock says, and nothing that has another name.
func (s *Shelf) prune(plan Plan, made string) error {
	entries, err := os.ReadDir(plan.Folder)
	if err != nil {
		return fmt.Errorf("backups: %w", err)
	}
	var old []string
	for _, e := range entries {
		path := filepath.Join(plan.Folder, e.Name())
		if path != made && s.isOwn(e.Name()) {
			old = append(old, path)
		}
	}
	slices.Sort(old) // the names sort by date
	var failed []error
	for _, path := range old[:max(0, len(old)+1-plan.Keep)] {
		failed = append(failed, os.Remove(path))
	}
	return errors.Join(failed...)
}

func (s *Shelf) isOwn(name string) bool {
	at, ours := strings.CutPrefix(name, "ingle-"+s.own()+"-")
	at, whole := strings.CutSuffix(at, suffix)
	_, err := time.Parse(stamp, at)
	return ours && whole && err == nil
}

// sweep deletes what a backup of this home left in a folder when the power went. None is
// being made.
func (s *Shelf) sweep(folder string) {
	entries, _ := os.ReadDir(folder) // making the backup tells what is wrong with it
	for _, e := range entries {
		name, hidden := strings.CutPrefix(e.Name(), ".")
		name, part := strings.CutSuffix(name, backup.PartSuffix)
		if hidden && part && s.isOwn(name) {
			_ = os.Remove(filepath.Join(folder, e.Name())) // the next one tries again
		}
	}
}
