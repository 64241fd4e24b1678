package care

import (
	"context"
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"

	"github.com/ingle-home/ingle/app/model"
	"github.com/ingle-home/ingle/app/screen/frame"
	parts "github.com/ingle-home/ingle/app/widget"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/i18n"
)

// Settings is what a household decides once: how the app looks and speaks, who lives here, backups,
// and the way into the store.
type Settings struct {
	*frame.Living[settingsView]
	d       *frame.Desk
	backups wire.BackupStatus
	apps    []wire.App
	page    wire.Page
}

type settingsView struct {
	Protection wire.Protection
	Language   string // of the home; empty for who may not choose it
	Backups    wire.BackupStatus
	Apps       []wire.App
	Page       wire.Page
}

// NewSettings makes it.
func NewSettings(d *frame.Desk) *Settings {
	p := &Settings{d: d}
	p.Living = frame.NewLiving(d, p.build)
	p.load()
	return p
}

func (p *Settings) load() {
	var status wire.BackupStatus
	var apps []wire.App
	var page wire.Page
	p.d.Load(func(ctx context.Context) (err error) {
		if status, err = p.d.Hub.Backups(ctx); err != nil {
			return err
		}
		if apps, err = p.d.Hub.Apps(ctx); err != nil {
			return err
		}
		page, err = p.d.Hub.Page(ctx)
		return err
	}, func() {
		p.backups, p.apps, p.page = status, apps, page
		p.d.Again()
	})
}

// Show brings it up to date.
func (p *Settings) Show(s frame.State) {
	p.Update(settingsView{s.Home.Status.Protection, s.Home.Status.Language, p.backups, p.apps, p.page})
}

func (p *Settings) build(v settingsView) []fyne.CanvasObject {
	return []fyne.CanvasObject{frame.Head(p.d.Text("app.page.settings")), frame.Grid(
		frame.Section(p.d.Text("app.settings.look"), p.taste()...),
		frame.Section(p.d.Text("app.settings.home"), p.home(v.Language)...),
		frame.Section(p.d.Text("app.settings.backup"), p.backup(v.Backups)...),
		frame.Section(p.d.Text("app.settings.apps"), p.paired(v.Apps)...),
		frame.Section(p.d.Text("app.settings.page"), p.browser(v.Page)...),
		frame.Section(p.d.Text("app.settings.keys"), p.keys(v.Protection)...))}
}

// home leads to who lives here, and lets the owner choose what the home speaks.
func (p *Settings) home(language string) []fyne.CanvasObject {
	list := []fyne.CanvasObject{container.NewVBox(
		frame.Button(p.d.Text("app.page.people"), theme.AccountIcon(), func() { p.d.Go(model.Route{Place: model.AtPeople}) }),
		frame.Button(p.d.Text("pair.title"), theme.HomeIcon(), func() { p.d.Go(model.Route{Place: model.AtPairing}) }))}
	at := slices.Index(i18n.Languages(), language)
	if at < 0 {
		return list
	}
	var names []string
	for _, l := range i18n.Languages() {
		names = append(names, i18n.For(l).Text("app.language", nil))
	}
	choice := parts.NewChoice(p.d.Text("app.settings.tongue"), names, parts.Keys{Cancel: func() {}, Confirm: func() {}})
	choice.SetSelectedIndex(at)
	choice.OnChanged = func(string) {
		chosen := i18n.Languages()[choice.SelectedIndex()]
		p.d.Try(func(ctx context.Context) error {
			_, err := p.d.Hub.SetLanguage(ctx, chosen)
			return err
		}, nil)
	}
	return append(list, frame.Caption(p.d.Text("app.settings.tongue")), choice, frame.Low(p.d.Text("app.settings.tongue.text")))
}

func (p *Settings) taste() []fyne.CanvasObject {
	languages := slices.Concat([]string{""}, i18n.Languages())
	moods := []parts.Mood{parts.MoodSystem, parts.MoodLight, parts.MoodDark, parts.MoodContrast}
	names := []string{p.d.Text("app.settings.system")}
	for _, l := range languages[1:] {
		names = append(names, i18n.For(l).Text("app.language", nil))
	}
	looks := []string{p.d.Text("app.settings.system"), p.d.Text("app.settings.light"), p.d.Text("app.settings.dark"), p.d.Text("app.settings.contrast")}
	idle := parts.Keys{Cancel: func() {}, Confirm: func() {}}
	language, look := parts.NewChoice(p.d.Text("app.settings.language"), names, idle), parts.NewChoice(p.d.Text("app.settings.mood"), looks, idle)
	language.SetSelectedIndex(max(0, slices.Index(languages, p.d.Taste.Language)))
	look.SetSelectedIndex(max(0, slices.Index(moods, p.d.Taste.Mood)))
	changed := func(string) {
		p.d.SetTaste(frame.Taste{Language: languages[language.SelectedIndex()], Mood: moods[look.SelectedIndex()]})
	}
	language.OnChanged, look.OnChanged = changed, changed
	return []fyne.CanvasObject{frame.Caption(p.d.Text("app.settings.language")), language, frame.Caption(p.d.Text("app.settings.mood")), look}
}

func (p *Settings) backup(b wire.BackupStatus) []fyne.CanvasObject {
	every := b.Schedule.Every
	if every == "" {
		every = wire.BackupOff
	}
	keep := "7"
	if b.Schedule.Keep > 0 {
		keep = itoa(b.Schedule.Keep)
	}
	list := []fyne.CanvasObject{frame.Wrapped(p.d.Texts.Text("backup.every."+every, i18n.Args{"folder": b.Schedule.Folder, "keep": keep}))}
	if b.Last != nil {
		list = append(list, frame.Low(p.d.Texts.Text("backup.last", i18n.Args{"date": model.When(b.Last.Made, p.d.Place, p.d.Texts), "path": b.Last.Path, "size": p.d.Texts.Size(b.Last.Size)})))
	}
	return append(list, container.NewVBox(
		frame.Button(p.d.Text("app.settings.backup.now"), theme.DocumentSaveIcon(), p.backUp),
		frame.Button(p.d.Text("app.settings.backup.plan"), theme.HistoryIcon(), p.plan)))
}

func (p *Settings) keys(protection wire.Protection) []fyne.CanvasObject {
	var list []fyne.CanvasObject
	if key := "protection." + string(protection); p.d.Texts.Has(key) {
		list = append(list, frame.Wrapped(p.d.Text(key)))
	}
	return append(list,
		frame.Button(p.d.Text("app.settings.boot"), theme.LoginIcon(), p.boot),
		frame.Button(p.d.Text("app.settings.password"), theme.AccountIcon(), p.password),
		frame.Button(p.d.Text("app.settings.recovery"), theme.DocumentIcon(), p.recovery))
}
