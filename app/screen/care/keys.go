package care

import (
	"context"
	"os"
	"strconv"

	"github.com/ingle-home/ingle/app/screen/frame"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/i18n"
)

func itoa(n int) string { return strconv.Itoa(n) }

func (p *Settings) backUp() {
	folder, _ := os.UserHomeDir()
	p.d.Ask(frame.Question{Title: p.d.Text("app.settings.backup.now"), Text: p.d.Text("app.settings.backup.text"), Yes: p.d.Text("app.save"),
		Fields: []frame.Field{{Name: p.d.Text("app.path"), Value: folder}, {Name: p.d.Text("app.settings.backup.media"), Options: p.noYes()}},
		Do: func(ctx context.Context, a []frame.Answer) (string, error) {
			made, err := p.d.Hub.Backup(ctx, wire.BackupRequest{Path: a[0].Text, Media: a[1].Option == 1})
			return p.d.Texts.Text("backup.done", i18n.Args{"path": made.Path, "size": p.d.Texts.Size(made.Size)}), err
		}, Then: func(said string) {
			p.d.Say(said)
			p.load()
		}})
}

func (p *Settings) noYes() []string { return []string{p.d.Text("app.no"), p.d.Text("app.yes")} }

func (p *Settings) plan() {
	every := []string{wire.BackupDay, wire.BackupWeek, wire.BackupOff}
	var names []string
	for _, e := range every {
		names = append(names, p.d.Text("app.settings.every."+e))
	}
	p.d.Ask(frame.Question{Title: p.d.Text("app.settings.backup.plan"), Text: p.d.Text("app.settings.backup.disk"), Yes: p.d.Text("app.save"),
		Fields: []frame.Field{{Name: p.d.Text("app.settings.every"), Options: names}, {Name: p.d.Text("app.path"), Value: p.backups.Schedule.Folder},
			{Name: p.d.Text("app.settings.backup.media"), Options: p.noYes()}},
		Do: func(ctx context.Context, a []frame.Answer) (string, error) {
			_, err := p.d.Hub.ScheduleBackups(ctx, wire.BackupSchedule{Every: every[a[0].Option], Folder: a[1].Text, Media: a[2].Option == 1})
			return "", err
		}, Then: func(string) { p.load() }})
}

func (p *Settings) boot() {
	how := []string{wire.BootItself, wire.BootLocked, wire.BootKeyFile}
	var names []string
	for _, h := range how {
		names = append(names, p.d.Text("app.settings.boot."+h))
	}
	p.d.Ask(frame.Question{Title: p.d.Text("app.settings.boot"), Yes: p.d.Text("app.save"),
		Fields: []frame.Field{{Name: p.d.Text("app.settings.boot.how"), Options: names}, {Name: p.d.Text("app.settings.boot.path")}, {Name: p.d.Text("gate.password"), Secret: true}},
		Do: func(ctx context.Context, a []frame.Answer) (string, error) {
			r := wire.BootRequest{How: how[a[0].Option], Password: a[2].Text}
			if r.How == wire.BootKeyFile {
				r.Path = a[1].Text
			}
			answer, err := p.d.Hub.SetBoot(ctx, r)
			return p.d.Text("protection." + string(answer.Protection)), err
		}, Then: p.d.Say})
}

func (p *Settings) password() {
	p.d.Ask(frame.Question{Title: p.d.Text("app.settings.password"), Text: p.d.Text("gate.claim.hint"), Yes: p.d.Text("app.settings.password"),
		Fields: []frame.Field{{Name: p.d.Text("app.settings.password.now"), Secret: true}, {Name: p.d.Text("app.settings.password.new"), Secret: true},
			{Name: p.d.Text("app.settings.password.again"), Secret: true}},
		Do: func(ctx context.Context, a []frame.Answer) (string, error) {
			if a[1].Text != a[2].Text {
				return "", &wire.Problem{Code: "command.unlike"}
			}
			return p.d.Text("app.settings.password.done"), p.d.Hub.ChangePassword(ctx, a[0].Text, a[1].Text)
		}, Then: p.d.Say})
}

// recovery shows the new code until somebody says that it is written down: only then the old one is void.
func (p *Settings) recovery() {
	p.d.Ask(frame.Question{Title: p.d.Text("app.settings.recovery"), Text: p.d.Text("app.settings.recovery.text"), Yes: p.d.Text("app.settings.recovery"),
		Fields: []frame.Field{{Name: p.d.Text("gate.password"), Secret: true}},
		Do: func(ctx context.Context, a []frame.Answer) (string, error) {
			made, err := p.d.Hub.NewRecoveryCode(ctx, a[0].Text)
			return made.RecoveryCode, err
		},
		Then: func(code string) {
			p.d.Ask(frame.Question{Title: p.d.Text("gate.recovery.title"), Text: p.d.Text("gate.recovery.text"), Show: code, Yes: p.d.Text("gate.recovery.button"),
				Do: func(ctx context.Context, _ []frame.Answer) (string, error) {
					return "", p.d.Hub.ConfirmRecovery(ctx, code)
				},
				Then: func(string) { p.d.Say(p.d.Text("recovery.confirmed")) }})
		}})
}
