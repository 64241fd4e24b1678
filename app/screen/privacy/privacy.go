// Package privacy holds the screens about what is kept: how much there is of whom, how long it stays, how it
// is taken along and forgotten, and the proof of that.
package privacy

import (
	"context"
	"os"
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/app/model"
	"github.com/ingle-home/ingle/app/model/keeping"
	"github.com/ingle-home/ingle/app/screen/frame"
	parts "github.com/ingle-home/ingle/app/widget"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/i18n"
)

// Privacy shows what the hub stores by category, with the switch that ends it, the way to a copy of
// everything and the ways to have it forgotten.
type Privacy struct {
	*frame.Living[privacyView]
	d     *frame.Desk
	held  []wire.PrivacyItem
	shut  bool // it is not for this person
	films int  // of the state when it was counted
	state frame.State
}

type privacyView struct {
	Switch  []model.Switch
	Sums    []keeping.Sum
	Kept    []model.Kept // without numbers, for those who are not told
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
	var held []wire.PrivacyItem
	p.films = p.state.Films
	p.d.LoadOr(func(ctx context.Context) (err error) {
		held, err = p.d.Hub.PrivacyInventory(ctx, wire.PrivacyScope{}, "")
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
	v := privacyView{Shut: p.shut, Sums: keeping.SumsOf(p.held, p.d.Texts, p.d.Place)}
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
	v.People, v.Persons = keeping.Persons(s.Home)
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
	tiles = append(tiles, p.kept(v), p.looks())
	sealed := []fyne.CanvasObject{frame.Wrapped(p.d.Text("app.privacy.local")), frame.Wrapped(p.d.Text("app.privacy.sealed"))}
	if v.Sealed != "" {
		sealed = append(sealed, frame.Low(v.Sealed))
	}
	where := frame.Section(p.d.Text("app.privacy.where"), sealed...)
	if v.Shut {
		return []fyne.CanvasObject{frame.Head(p.d.Text("app.page.privacy")), frame.Grid(append(tiles, where)...)}
	}
	tiles = append(tiles, p.forget(), frame.Section(p.d.Text("app.privacy.export"), frame.Low(p.d.Text("app.privacy.export.text")),
		frame.Button(p.d.Text("app.privacy.export.button"), theme.DocumentSaveIcon(), func() { p.export(v) })), where)
	return []fyne.CanvasObject{frame.Head(p.d.Text("app.page.privacy")), frame.Grid(tiles...)}
}

// kept is what is stored, by category, and the ways to see more of it.
func (p *Privacy) kept(v privacyView) fyne.CanvasObject {
	list := container.NewVBox()
	for _, k := range v.Kept {
		list.Add(lines(k.What, k.Much, "", k.Oldest, k.Until))
	}
	for _, s := range v.Sums {
		list.Add(lines(s.Title, s.Much, "", s.Oldest, s.Until, s.Where))
	}
	body := []fyne.CanvasObject{list}
	if !v.Shut {
		body = append(body, p.way("app.page.kept", theme.ListIcon(), model.Route{Place: model.AtKept}),
			p.way("app.rules.button", theme.HistoryIcon(), model.Route{Place: model.AtRules}))
	}
	return frame.Section(p.d.Text("app.privacy.kept"), body...)
}

func (p *Privacy) looks() fyne.CanvasObject {
	return frame.Section(p.d.Text("app.page.looks"), frame.Low(p.d.Text("app.looks.text")),
		p.way("app.looks.button", theme.VisibilityIcon(), model.Route{Place: model.AtLooks}))
}

func (p *Privacy) way(key string, icon fyne.Resource, to model.Route) fyne.CanvasObject {
	b := frame.Button(p.d.Text(key), icon, func() { p.d.Go(to) })
	b.Alignment = widget.ButtonAlignLeading
	return b
}

// lines are a title and what belongs to it, close together; what is empty is left out.
func lines(title, much, whose string, small ...string) *fyne.Container {
	name := frame.Wrapped(title)
	name.TextStyle.Bold = true
	box := frame.Tight(name)
	for _, text := range []string{whose, much} {
		if text != "" {
			box.Add(frame.Wrapped(text))
		}
	}
	for _, text := range small {
		if text != "" {
			box.Add(frame.Caption(text))
		}
	}
	return box
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

// idle are the keys of a choice that stands in no modal.
func idle() parts.Keys { return parts.Keys{Cancel: func() {}, Confirm: func() {}} }
