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
	add(a, route{"set-language", "POST", "/language", Owner, nil, 0, "Choose the language of the home: of the hub's names in Apple Home, of the plain page and of exports; the status tells which it is"},
		func(ctx context.Context, in *answer[wire.Language]) (*answer[wire.Language], error) {
			now, err := a.Hub.SetLanguage(ctx, in.Body)
			return &answer[wire.Language]{now}, err
		})
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

// Privacy is what a household can do about what is kept about it.
type Privacy interface {
	// Inventory lists how much is kept, of all or in a scope and a room.
	Inventory(ctx context.Context, s wire.PrivacyScope, room string) ([]wire.PrivacyItem, error)
	Plan(ctx context.Context, s wire.PrivacyScope) (wire.PrivacyPlan, error)
	// Forget takes the password again, and goes on when the caller has hung up.
	Forget(ctx context.Context, r wire.ForgetRequest) (wire.PrivacyReceipt, error)
	Receipts(ctx context.Context) ([]wire.PrivacyReceipt, error)
	Retention(ctx context.Context) ([]wire.RetentionRule, error)
	SetRetention(ctx context.Context, r wire.RetentionRule) error
	Consents(ctx context.Context) ([]wire.Consent, error)
	NoteConsent(ctx context.Context, c wire.Consent) error
	Paused(ctx context.Context) ([]wire.PausePerson, error)
	Pause(ctx context.Context, p wire.PausePerson) error
	// Cleanup and Cleaned are for the app with this ID.
	Cleanup(ctx context.Context, app string) (wire.Cleanup, error)
	Cleaned(ctx context.Context, app string, c wire.Cleanup) error
}

func (a *api) privacy() {
	type where struct {
		Person   string `query:"person" maxLength:"64" doc:"of one person only, by ID or name"`
		Device   string `query:"device" maxLength:"64" doc:"of one thing only, by ID or name"`
		Category string `query:"category" maxLength:"64"`
		Room     string `query:"room" maxLength:"64"`
	}
	add(a, route{"privacy-inventory", "GET", "/privacy/inventory", Owner, nil, 0, "How much is kept of whom, since when, until when, and where"},
		func(ctx context.Context, in *where) (*answer[[]wire.PrivacyItem], error) {
			list, err := a.Hub.Privacy().Inventory(ctx, wire.PrivacyScope{Person: in.Person, Device: in.Device, Category: in.Category}, in.Room)
			return &answer[[]wire.PrivacyItem]{list}, err
		})
	add(a, route{"plan-forgetting", "POST", "/privacy/plan", Owner, nil, 0, "What a forgetting would do, and what cannot be forgotten and why; touches nothing"},
		func(ctx context.Context, in *answer[wire.PrivacyScope]) (*answer[wire.PrivacyPlan], error) {
			p, err := a.Hub.Privacy().Plan(ctx, in.Body)
			return &answer[wire.PrivacyPlan]{p}, err
		})
	add(a, route{"forget", "POST", "/privacy/forget", Owner, nil, 0, "Forget for good, and get a signed receipt; takes the password again, and for everything a word"},
		func(ctx context.Context, in *answer[wire.ForgetRequest]) (*answer[wire.PrivacyReceipt], error) {
			r, err := a.Hub.Privacy().Forget(ctx, in.Body)
			return &answer[wire.PrivacyReceipt]{r}, err
		})
	add(a, route{"wipe", "POST", "/privacy/wipe", Console, []wire.State{wire.Locked, wire.Open}, 0, "Forget everything without the password, at the hub itself"},
		func(ctx context.Context, in *answer[wire.WipeRequest]) (*answer[wire.PrivacyReceipt], error) {
			r, err := a.Hub.Wipe(ctx, in.Body)
			return &answer[wire.PrivacyReceipt]{r}, err
		})
	add(a, route{"list-receipts", "GET", "/privacy/receipts", Owner, nil, 0, "The receipts of what was forgotten, the newest first"},
		func(ctx context.Context, _ *none) (*answer[[]wire.PrivacyReceipt], error) {
			list, err := a.Hub.Privacy().Receipts(ctx)
			return &answer[[]wire.PrivacyReceipt]{list}, err
		})
	a.choices()
	a.cleanups()
}

// choices are what a household decides about what is kept.
func (a *api) choices() {
	add(a, route{"list-retention", "GET", "/privacy/retention", Owner, nil, 0, "How long what is kept"},
		func(ctx context.Context, _ *none) (*answer[[]wire.RetentionRule], error) {
			list, err := a.Hub.Privacy().Retention(ctx)
			return &answer[[]wire.RetentionRule]{list}, err
		})
	add(a, route{"set-retention", "POST", "/privacy/retention", Owner, nil, http.StatusNoContent, "Say how long a category is kept, of one person or of all"},
		func(ctx context.Context, in *answer[wire.RetentionRule]) (*none, error) {
			return nil, a.Hub.Privacy().SetRetention(ctx, in.Body)
		})
	add(a, route{"list-consents", "GET", "/privacy/consents", Owner, nil, 0, "Who agreed to what, and when"},
		func(ctx context.Context, _ *none) (*answer[[]wire.Consent], error) {
			list, err := a.Hub.Privacy().Consents(ctx)
			return &answer[[]wire.Consent]{list}, err
		})
	add(a, route{"note-consent", "POST", "/privacy/consents", Owner, nil, http.StatusNoContent, "Note that somebody agreed, or takes it back"},
		func(ctx context.Context, in *answer[wire.Consent]) (*none, error) {
			return nil, a.Hub.Privacy().NoteConsent(ctx, in.Body)
		})
	add(a, route{"list-paused", "GET", "/privacy/paused", Owner, nil, 0, "Whose recording rests"},
		func(ctx context.Context, _ *none) (*answer[[]wire.PausePerson], error) {
			list, err := a.Hub.Privacy().Paused(ctx)
			return &answer[[]wire.PausePerson]{list}, err
		})
	add(a, route{"pause-person", "POST", "/privacy/paused", Owner, nil, http.StatusNoContent, "Have the recording of somebody's places and readings rest, or go on; alarms are still stored"},
		func(ctx context.Context, in *answer[wire.PausePerson]) (*none, error) {
			return nil, a.Hub.Privacy().Pause(ctx, in.Body)
		})
}

// cleanups are how apps drop what they show of somebody who was forgotten.
func (a *api) cleanups() {
	add(a, route{"cleanup", "GET", "/privacy/cleanup", Guest, nil, 0, "The forgettings after which this app has to drop what it keeps for when it cannot reach the hub"},
		func(ctx context.Context, _ *none) (*answer[wire.Cleanup], error) {
			c, err := a.Hub.Privacy().Cleanup(ctx, AppOf(ctx).ID)
			return &answer[wire.Cleanup]{c}, err
		})
	add(a, route{"cleaned", "POST", "/privacy/cleanup", Guest, nil, http.StatusNoContent, "This app has dropped it"},
		func(ctx context.Context, in *answer[wire.Cleanup]) (*none, error) {
			return nil, a.Hub.Privacy().Cleaned(ctx, AppOf(ctx).ID, in.Body)
		})
}
