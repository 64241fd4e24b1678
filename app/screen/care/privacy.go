package care

import (
	"context"
	"os"
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/app/model"
	"github.com/ingle-home/ingle/app/screen/frame"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/i18n"
)

// Privacy shows what the hub stores, how much and until when, with the switch that ends it and the
// way to a copy of everything.
type Privacy struct {
	*frame.Living[privacyView]
	d     *frame.Desk
	held  []wire.Holding
	shut  bool // it is not for this person
	films int  // of the state when it was counted
	state frame.State
}

type privacyView struct {
	Switch  []model.Switch
	Kept    []model.Kept
	Sealed  string
	People  []string
	Persons []string // IDs
	Shut    bool
}

// NewPrivacy makes it.
func NewPrivacy(d *frame.Desk) *Privacy {
	p := &Privacy{d: d, films: -1}
	p.Living = frame.NewLiving(d, p.build)
	return p
}

// count asks the hub how much it keeps.
func (p *Privacy) count() {
	var held []wire.Holding
	p.films = p.state.Films
	p.d.LoadOr(func(ctx context.Context) (err error) {
		held, err = p.d.Hub.Holdings(ctx)
		return err
	}, func() {
		p.held = held
		p.Show(p.state)
	}, func() {
		p.shut = true
		p.Show(p.state)
	})
}

// Show brings it up to date.
func (p *Privacy) Show(s frame.State) {
	p.state = s
	if p.films != s.Films {
		p.count()
	}
	v := privacyView{Shut: p.shut, Kept: model.CountsOf(p.held, p.d.Texts, p.d.Place)}
	for _, w := range model.Of(s.Home, p.d.Texts, p.d.Place).Switches {
		if w.Trait == trait.Privacy.ID() {
			v.Switch = append(v.Switch, w)
		}
	}
	if p.held == nil {
		v.Kept = model.HoldingsOf(s.Home, p.d.Texts)
	}
	if key := "protection." + string(s.Home.Status.Protection); p.d.Texts.Has(key) {
		v.Sealed = p.d.Text(key)
	}
	for _, one := range s.Home.People {
		v.People, v.Persons = append(v.People, one.Name), append(v.Persons, one.ID)
	}
	p.Update(v)
}

func (p *Privacy) build(v privacyView) []fyne.CanvasObject {
	var tiles []fyne.CanvasObject
	for _, w := range v.Switch {
		c := widget.NewCheck(w.Name, nil)
		c.SetChecked(w.On)
		c.OnChanged = func(on bool) { p.d.Order(model.Turn(w, on)) }
		tiles = append(tiles, frame.Section(p.d.Text("app.privacy.now"), c, frame.Low(p.d.Text("app.privacy.switch"))))
	}
	var kept []fyne.CanvasObject
	for _, k := range v.Kept {
		title := frame.Wrapped(k.What)
		title.TextStyle.Bold = true
		lines := frame.Tight(title, frame.Wrapped(k.Much))
		for _, more := range []string{k.Oldest, k.Until} {
			if more != "" {
				lines.Add(frame.Caption(more))
			}
		}
		kept = append(kept, lines)
	}
	tiles = append(tiles, frame.Section(p.d.Text("app.privacy.kept"), kept...))
	sealed := []fyne.CanvasObject{frame.Wrapped(p.d.Text("app.privacy.local")), frame.Wrapped(p.d.Text("app.privacy.sealed"))}
	if v.Sealed != "" {
		sealed = append(sealed, frame.Low(v.Sealed))
	}
	tiles = append(tiles, frame.Section(p.d.Text("app.privacy.where"), sealed...))
	if v.Shut {
		return []fyne.CanvasObject{frame.Head(p.d.Text("app.page.privacy")), frame.Grid(tiles...)}
	}
	tiles = append(tiles, frame.Section(p.d.Text("app.privacy.export"), frame.Low(p.d.Text("app.privacy.export.text")),
		frame.Button(p.d.Text("app.privacy.export.button"), theme.DocumentSaveIcon(), func() { p.export(v) })),
		frame.Section(p.d.Text("app.privacy.delete"), frame.Low(p.d.Text("app.privacy.delete.text"))))
	return []fyne.CanvasObject{frame.Head(p.d.Text("app.page.privacy")), frame.Grid(tiles...)}
}

func (p *Privacy) export(v privacyView) {
	folder, _ := os.UserHomeDir()
	whose := slices.Concat([]string{p.d.Text("app.privacy.everybody")}, v.People)
	p.d.Ask(frame.Question{Title: p.d.Text("app.privacy.export"), Text: p.d.Text("export.clear"), Yes: p.d.Text("app.privacy.export.button"),
		Fields: []frame.Field{{Name: p.d.Text("app.privacy.whose"), Options: whose}, {Name: p.d.Text("app.path"), Value: folder}, {Name: p.d.Text("gate.password"), Secret: true}},
		Do: func(ctx context.Context, a []frame.Answer) (string, error) {
			r := wire.ExportRequest{Path: a[1].Text, Password: a[2].Text, Language: p.d.Texts.Lang()}
			if n := a[0].Option; n > 0 {
				r.Person = v.Persons[n-1]
			}
			made, err := p.d.Hub.Export(ctx, r)
			return p.d.Texts.Text("app.privacy.exported", i18n.Args{"path": made.Path, "size": p.d.Texts.Size(made.Size)}), err
		}, Then: p.d.Say})
}
