package server

import (
	"context"
	"net/http"

	"github.com/ingle-home/ingle/hub/api/wire"
)

func (a *api) keys() {
	add(a, route{"change-password", "POST", "/password", Owner, nil, http.StatusNoContent, "Replace the password"},
		func(ctx context.Context, in *answer[wire.PasswordRequest]) (*none, error) {
			err := a.Hub.ChangePassword(ctx, in.Body)
			if err == nil {
				a.Shared.proofs.forget()
			}
			return &none{}, err
		})
	add(a, route{"new-recovery-code", "POST", "/recovery-code", Owner, nil, 0, "Make another recovery code; it is shown once, and the old one is good until this one is confirmed"},
		func(ctx context.Context, in *answer[wire.UnlockRequest]) (*answer[wire.RecoveryCode], error) {
			made, err := a.Hub.NewRecoveryCode(ctx, in.Body)
			return &answer[wire.RecoveryCode]{made}, err
		})
	add(a, route{"confirm-recovery-code", "POST", "/recovery-code/confirm", Owner, nil, http.StatusNoContent, "Say that somebody has the recovery code; it is the only one then"},
		func(ctx context.Context, in *answer[wire.RecoveryCode]) (*none, error) {
			return &none{}, a.Hub.ConfirmRecovery(ctx, in.Body)
		})
	add(a, route{"set-boot", "POST", "/boot", Owner, nil, 0, "Say how the hub starts after a power cut"},
		func(ctx context.Context, in *answer[wire.BootRequest]) (*answer[wire.BootAnswer], error) {
			set, err := a.Hub.SetBoot(ctx, in.Body)
			return &answer[wire.BootAnswer]{set}, err
		})
	add(a, route{"rotate", "POST", "/keys/rotate", Owner, nil, http.StatusNoContent, "Seal everything anew under a new key; answers when it is done"},
		func(ctx context.Context, in *answer[wire.UnlockRequest]) (*none, error) {
			return &none{}, a.Hub.Rotate(ctx, in.Body)
		})
	type ask struct {
		Language string `query:"language" maxLength:"32" doc:"en, de; English for any other"`
	}
	always := []wire.State{wire.Open, wire.Locked, wire.Unclaimed}
	add(a, route{"suggest-passphrase", "GET", "/passphrase", Owner, always, 0, "Offer a password of five words"},
		func(ctx context.Context, in *ask) (*answer[wire.Passphrase], error) {
			offer, err := a.Hub.Suggest(ctx, in.Language)
			return &answer[wire.Passphrase]{offer}, err
		})
	add(a, route{"check-password", "POST", "/password/check", Owner, always, 0, "Say whether a password that somebody thinks of would do, and why not"},
		func(ctx context.Context, in *answer[wire.PasswordCheck]) (*answer[wire.Verdict], error) {
			verdict, err := a.Hub.Judge(ctx, in.Body.Password)
			return &answer[wire.Verdict]{verdict}, err
		})
}

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

// Exports are copies in the clear of what the hub keeps, for somebody who wants to read it elsewhere.
type Exports interface {
	// Export takes the password again. It returns when the file is whole and durable, and ends with ctx.
	Export(ctx context.Context, r wire.ExportRequest) (wire.Export, error)
	Exporting(ctx context.Context) (wire.ExportStatus, error)
	// Holdings counts what the hub keeps about the people of the home.
	Holdings(ctx context.Context) ([]wire.Holding, error)
}

func (a *api) exports() {
	add(a, route{"make-export", "POST", "/export", Owner, nil, 0, "Write what the hub keeps into one archive in the clear; takes the password again, and gives up when the caller does"},
		func(ctx context.Context, in *answer[wire.ExportRequest]) (*answer[wire.Export], error) {
			made, err := a.Hub.Export(ctx, in.Body)
			return &answer[wire.Export]{made}, err
		})
	add(a, route{"show-export", "GET", "/export", Owner, nil, 0, "How far the export is that is being made"},
		func(ctx context.Context, _ *none) (*answer[wire.ExportStatus], error) {
			s, err := a.Hub.Exporting(ctx)
			return &answer[wire.ExportStatus]{s}, err
		})
	add(a, route{"list-holdings", "GET", "/holdings", Owner, nil, 0, "What the hub keeps about the people of the home: how much, how old, until when"},
		func(ctx context.Context, _ *none) (*answer[[]wire.Holding], error) {
			list, err := a.Hub.Holdings(ctx)
			return &answer[[]wire.Holding]{full(list)}, err
		})
}

// Pages is the plain page for browsers.
type Pages interface {
	Page(ctx context.Context) (wire.Page, error)
	PageOn(ctx context.Context) (wire.Page, error)
	// PageOff ends its connections too.
	PageOff(ctx context.Context) (wire.Page, error)
}

func (a *api) pages() {
	for _, r := range []struct {
		route
		do func(Pages, context.Context) (wire.Page, error)
	}{
		{route{"show-page", "GET", "/page", Owner, nil, 0, "Whether the plain page for browsers is on, and how to know it"}, Pages.Page},
		{route{"page-on", "POST", "/page/on", Owner, nil, 0, "Switch the plain page for browsers on"}, Pages.PageOn},
		{route{"page-off", "POST", "/page/off", Owner, nil, 0, "Switch the plain page for browsers off, and end its connections"}, Pages.PageOff},
	} {
		add(a, r.route, func(ctx context.Context, _ *none) (*answer[wire.Page], error) {
			p, err := r.do(a.Hub, ctx)
			return &answer[wire.Page]{p}, err
		})
	}
}
