package apitest

import (
	"context"
	"net/http"
	"path/filepath"
	"time"

	"github.com/ingle-home/ingle/hub/api/wire"
)

// Backup takes note of the wish: this home keeps nothing.
func (h *Home) Backup(_ context.Context, r wire.BackupRequest) (wire.Backup, error) {
	if !filepath.IsAbs(r.Path) {
		return wire.Backup{}, wire.Refuse(http.StatusUnprocessableEntity, "backup.path", "path", r.Path)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	made := wire.Backup{Path: r.Path, Made: time.Now().UTC(), Size: 4096}
	h.backups.Last = &made
	return made, nil
}

// Backups gives what was asked for.
func (h *Home) Backups(context.Context) (wire.BackupStatus, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.backups, nil
}

// ScheduleBackups takes any schedule.
func (h *Home) ScheduleBackups(_ context.Context, s wire.BackupSchedule) (wire.BackupStatus, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.backups.Schedule = s
	return h.backups, nil
}
