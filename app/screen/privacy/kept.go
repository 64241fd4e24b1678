package privacy

import (
	"context"

	"fyne.io/fyne/v2"

	"github.com/ingle-home/ingle/app/model/keeping"
	"github.com/ingle-home/ingle/app/screen/frame"
	parts "github.com/ingle-home/ingle/app/widget"
	"github.com/ingle-home/ingle/hub/api/wire"
)

// Kept shows all that is kept, kind by kind: how much, of whom, since when, until when and where.
type Kept struct {
	*frame.Living[keptView]
	d     *frame.Desk
	items []wire.PrivacyItem
	about int // which of the filters by person, room and thing
	of    int // which category; 0: all
	films int
	state frame.State
}

type keptView struct {
	Rows       []keeping.Row
	Abouts     []keeping.Choice
	Categories []string // IDs; the first is all
	About, Of  int
	Known      bool
}

// NewKept makes it.
func NewKept(d *frame.Desk) *Kept {
	p := &Kept{d: d, films: -1}
	p.Living = frame.NewLiving(d, p.build)
	return p
}

func (p *Kept) categories() []string {
	list := []string{""}
	for _, s := range keeping.SumsOf(p.items, p.d.Texts, p.d.Place) {
		list = append(list, s.Category)
	}
	return list
}

// Show brings it up to date.
func (p *Kept) Show(s frame.State) {
	p.state = s
	if p.films != s.Films {
		p.films = s.Films
		var items []wire.PrivacyItem
		p.d.Load(func(ctx context.Context) (err error) {
			items, err = p.d.Hub.PrivacyInventory(ctx, wire.PrivacyScope{}, "")
			return err
		}, func() {
			p.items = items
			p.Show(p.state)
		})
	}
	v := keptView{Abouts: keeping.Abouts(s.Home, p.d.Texts), Categories: p.categories(), About: p.about, Of: p.of, Known: p.items != nil}
	v.About, v.Of = min(v.About, len(v.Abouts)-1), min(v.Of, len(v.Categories)-1)
	f := v.Abouts[v.About].Filter
	f.Category = v.Categories[v.Of]
	v.Rows = keeping.RowsOf(f.Of(p.items, s.Home), s.Home, p.d.Texts, p.d.Place)
	p.Update(v)
}

func (p *Kept) build(v keptView) []fyne.CanvasObject {
	page := []fyne.CanvasObject{p.d.BackHead(p.d.Text("app.page.kept"))}
	if !v.Known {
		return page
	}
	var names, kinds []string
	for _, a := range v.Abouts {
		names = append(names, a.Name)
	}
	for _, c := range v.Categories {
		if c == "" {
			kinds = append(kinds, p.d.Text("app.kept.kinds"))
			continue
		}
		kinds = append(kinds, keeping.CategoryName(c, p.d.Texts))
	}
	about, of := parts.NewChoice(p.d.Text("app.privacy.whose"), names, idle()), parts.NewChoice(p.d.Text("app.kept.kind"), kinds, idle())
	about.SetSelectedIndex(v.About)
	of.SetSelectedIndex(v.Of)
	changed := func(string) {
		p.about, p.of = about.SelectedIndex(), of.SelectedIndex()
		p.Show(p.state)
	}
	about.OnChanged, of.OnChanged = changed, changed
	page = append(page, frame.Buttons(about, of))
	grid := frame.Grid()
	for _, r := range v.Rows {
		grid.Add(frame.Section("", lines(r.Title, r.Much, r.Whose, r.Oldest, r.Until, r.Where)))
	}
	if len(v.Rows) == 0 {
		return append(page, frame.Section("", frame.Wrapped(p.d.Text("app.privacy.none"))))
	}
	return append(page, grid)
}
