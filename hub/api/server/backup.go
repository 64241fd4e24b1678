package server

import (
	"context"

	"github.com/ingle-home/ingle/hub/api/wire"
)

// Backups are copies of all that the hub keeps, for the day on which it is lost.
type Backups interface {
	// Backup returns when the file was read again and opened; it ends with ctx.
	Backup(ctx context.Context, r wire.BackupRequest) (wire.Backup, error)
	Backups(ctx context.Context) (wire.BackupStatus, error)
	ScheduleBackups(ctx context.Context, s wire.BackupSchedule) (wire.BackupStatus, error)
}

func (a *api) backups() {
	add(a, route{"make-backup", "POST", "/backup", Owner, nil, 0, "Make a backup; answers when it was read again and opened, and gives up when the caller does"},
		func(ctx context.Context, in *answer[wire.BackupRequest]) (*answer[wire.Backup], error) {
			made, err := a.Hub.Backup(ctx, in.Body)
			return &answer[wire.Backup]{made}, err
		})
	add(a, route{"list-backups", "GET", "/backup", Owner, nil, 0, "The schedule, the newest backup, and how far the one is that is being made"},
		func(ctx context.Context, _ *none) (*answer[wire.BackupStatus], error) {
			s, err := a.Hub.Backups(ctx)
			return &answer[wire.BackupStatus]{s}, err
		})
	add(a, route{"schedule-backups", "POST", "/backup/schedule", Owner, nil, 0, "Have the hub make backups by itself, or not any more"},
		func(ctx context.Context, in *answer[wire.BackupSchedule]) (*answer[wire.BackupStatus], error) {
			s, err := a.Hub.ScheduleBackups(ctx, in.Body)
			return &answer[wire.BackupStatus]{s}, err
		})
}
