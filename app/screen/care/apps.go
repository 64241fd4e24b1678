package care

import (
	"context"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"

	"github.com/ingle-home/ingle/app/model"
	"github.com/ingle-home/ingle/app/screen/frame"
	parts "github.com/ingle-home/ingle/app/widget"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/i18n"
)

// paired lists the apps that are let in, each with the way to shut it out.
func (p *Settings) paired(apps []wire.App) []fyne.CanvasObject {
	var list []fyne.CanvasObject
	if len(apps) == 0 {
		list = append(list, frame.Low(p.d.Text("app.settings.apps.here")))
	}
	for _, one := range apps {
		name := frame.Wrapped(one.Name)
		about := p.d.Text("app.people.role." + one.Role)
		switch {
		case one.This:
			about += " · " + p.d.Text("app.settings.apps.this")
		case !one.Seen.IsZero():
			about += " · " + p.d.Texts.Text("apps.seen", i18n.Args{"when": model.When(one.Seen, p.d.Place, p.d.Texts)})
		}
		revoke := parts.NewSign(p.d.Text("app.settings.apps.revoke")+": "+one.Name, theme.DeleteIcon(), func() { p.revoke(one) })
		list = append(list, container.NewBorder(nil, nil, nil, container.NewCenter(revoke), frame.Tight(name, frame.Caption(about))))
	}
	list = append(list, frame.Button(p.d.Text("app.settings.apps.let-in"), theme.ContentAddIcon(), p.invite))
	if hub, ok := p.d.Hub.(frame.Forgetter); ok {
		list = append(list, frame.Button(p.d.Text("app.settings.leave"), theme.LogoutIcon(), func() { p.d.Leave(hub.Unpair) }))
	}
	return list
}

func (p *Settings) revoke(one wire.App) {
	p.d.Ask(frame.Question{Title: p.d.Text("app.settings.apps.revoke"), Text: p.d.Texts.Text("app.settings.apps.revoke.text", i18n.Args{"name": one.Name}),
		Yes: p.d.Text("app.settings.apps.revoke"), Danger: true,
		Do:   func(ctx context.Context, _ []frame.Answer) (string, error) { return "", p.d.Hub.RevokeApp(ctx, one.ID) },
		Then: func(string) { p.load() }})
}

// invite shows a code for one more app.
func (p *Settings) invite() {
	roles := []string{wire.RoleMember, wire.RoleGuardian, wire.RoleGuest, wire.RoleOwner}
	var names []string
	for _, r := range roles {
		names = append(names, p.d.Text("app.people.role."+r))
	}
	var until string
	p.d.Ask(frame.Question{Title: p.d.Text("app.settings.apps.let-in"), Yes: p.d.Text("app.settings.apps.let-in"),
		Fields: []frame.Field{{Name: p.d.Text("app.people.role"), Options: names}},
		Do: func(ctx context.Context, a []frame.Answer) (string, error) {
			code, err := p.d.Hub.Invite(ctx, wire.Invitation{Role: roles[a[0].Option]})
			until = model.When(code.Until, p.d.Place, p.d.Texts)
			return code.Code + "  " + code.API, err
		},
		Then: func(code string) {
			p.d.Ask(frame.Question{Title: p.d.Text("app.settings.apps.let-in"), Yes: p.d.Text("app.close"), Show: code,
				Text: p.d.Texts.Text("app.settings.apps.code", i18n.Args{"time": until}), Then: func(string) { p.load() }})
		}})
}
