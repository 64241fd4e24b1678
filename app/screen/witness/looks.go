// Package witness holds the screens of what the hub witnessed: who looked at what, and what happened to its
// security.
package witness

import (
	"context"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/ingle-home/ingle/app/model/keeping"
	"github.com/ingle-home/ingle/app/model/safety"
	"github.com/ingle-home/ingle/app/screen/frame"
	parts "github.com/ingle-home/ingle/app/widget"
	"github.com/ingle-home/ingle/hub/api/wire"
)

const most = 100 // looks that are shown at once

// Looks shows who looked at what, by person and thing.
type Looks struct {
	*frame.Living[looksView]
	d      *frame.Desk
	query  wire.LedgerQuery
	list   []wire.Viewing
	check  *wire.ChainCheck
	shut   bool
	asked  bool
	state  frame.State
	sought int // the newest question: an answer to an older one is left
}

type looksView struct {
	Sights         []safety.Sight
	Names, People  []string // by name, and by ID
	Things, IDs    []string // likewise
	Device, Person int
	Check          *safety.Whole
	Known, Shut    bool
}

// NewLooks makes the page of all looks, or of those at one thing.
func NewLooks(d *frame.Desk, device string) *Looks {
	p := &Looks{d: d, query: wire.LedgerQuery{Device: device}}
	p.Living = frame.NewLiving(d, p.build)
	return p
}

// Show brings it up to date.
func (p *Looks) Show(s frame.State) {
	p.state = s
	if !p.asked {
		p.load()
	}
	v := looksView{Known: p.list != nil, Shut: p.shut, Sights: safety.SightsOf(p.list[:min(most, len(p.list))], p.d.Now(), p.d.Texts, p.d.Place)}
	v.Things, v.IDs = keeping.Devices(s.Home)
	v.Names, v.People = keeping.Persons(s.Home)
	v.Device, v.Person = index(v.IDs, p.query.Device), index(v.People, p.query.Person)
	if p.check != nil {
		w := safety.WholeOf(*p.check, p.d.Texts)
		v.Check = &w
	}
	p.Update(v)
}

// index is where an ID stands behind the choice of all.
func index(ids []string, id string) int {
	for i, one := range ids {
		if one == id {
			return i + 1
		}
	}
	return 0
}

func (p *Looks) load() {
	p.asked = true
	p.sought++
	query, mine := p.query, p.sought
	var list []wire.Viewing
	p.d.LoadOr(func(ctx context.Context) (err error) {
		list, err = p.d.Hub.Ledger(ctx, query)
		return err
	}, func() {
		if mine == p.sought {
			p.list = append([]wire.Viewing{}, list...)
			p.Show(p.state)
		}
	}, func() {
		p.shut = true
		p.Show(p.state)
	})
}

func (p *Looks) build(v looksView) []fyne.CanvasObject {
	page := []fyne.CanvasObject{p.d.BackHead(p.d.Text("app.page.looks"))}
	switch {
	case v.Shut:
		return append(page, frame.Section("", frame.Wrapped(p.d.Text(wire.CodeForbidden))))
	case !v.Known:
		return page
	}
	page = append(page, frame.Low(p.d.Text("app.looks.text")), p.filters(v))
	grid := frame.Grid()
	for _, s := range v.Sights {
		grid.Add(p.sight(s))
	}
	if len(v.Sights) == 0 {
		grid.Add(frame.Section("", frame.Wrapped(p.d.Text("app.looks.empty"))))
	}
	return append(page, grid, checked(p.d, v.Check, p.verify))
}

func (p *Looks) filters(v looksView) fyne.CanvasObject {
	keys := parts.Keys{Cancel: func() {}, Confirm: func() {}}
	device := parts.NewChoice(p.d.Text("app.looks.device"), append([]string{p.d.Text("app.looks.anything")}, v.Things...), keys)
	person := parts.NewChoice(p.d.Text("app.looks.person"), append([]string{p.d.Text("app.privacy.everybody")}, v.Names...), keys)
	device.SetSelectedIndex(v.Device)
	person.SetSelectedIndex(v.Person)
	changed := func(string) {
		p.query = wire.LedgerQuery{}
		if n := device.SelectedIndex(); n > 0 {
			p.query.Device = v.IDs[n-1]
		}
		if n := person.SelectedIndex(); n > 0 {
			p.query.Person = v.People[n-1]
		}
		p.load()
	}
	device.OnChanged, person.OnChanged = changed, changed
	return frame.Buttons(device, person)
}

func (p *Looks) sight(s safety.Sight) fyne.CanvasObject {
	who := frame.Wrapped(s.Who)
	who.TextStyle.Bold = true
	when := frame.Caption(s.When)
	if s.Going {
		when.Importance = widget.WarningImportance
	}
	box := frame.Tight(who, frame.Wrapped(s.What), when)
	if s.How != "" {
		box.Add(frame.Caption(s.How))
	}
	return frame.Section("", frame.Signed(theme.VisibilityIcon(), box))
}

func (p *Looks) verify() {
	var got wire.ChainCheck
	p.d.Try(func(ctx context.Context) (err error) {
		got, err = p.d.Hub.VerifyLedger(ctx)
		return err
	}, func() {
		p.check = &got
		p.Show(p.state)
	})
}

// checked is whether a list is as the hub wrote it, or the button that asks.
func checked(d *frame.Desk, w *safety.Whole, ask func()) fyne.CanvasObject {
	if w == nil {
		return container.NewHBox(frame.Button(d.Text("app.looks.verify"), theme.SearchIcon(), ask))
	}
	text := frame.Wrapped(w.Text)
	var sign fyne.Resource = theme.NewSuccessThemedResource(theme.ConfirmIcon())
	if !w.Yes {
		text.Importance, sign = widget.DangerImportance, theme.NewErrorThemedResource(theme.WarningIcon())
	}
	box := frame.Tight(text)
	for _, f := range w.Flaws {
		box.Add(frame.Caption(f))
	}
	if !w.Yes {
		box.Add(frame.Wrapped(d.Text("chain.broken.do")))
	}
	return frame.Section("", frame.Signed(sign, box))
}
