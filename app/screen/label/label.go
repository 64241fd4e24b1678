package label

import (
	"context"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/ingle-home/ingle/app/model"
	"github.com/ingle-home/ingle/app/model/safety"
	"github.com/ingle-home/ingle/app/screen/frame"
	parts "github.com/ingle-home/ingle/app/widget"
	"github.com/ingle-home/ingle/hub/api/wire"
)

// Label is the label of one thing: what is to be fixed first, then what makers owe, then the rest. How a line
// is known stands behind a button.
type Label struct {
	*frame.Living[labelView]
	d     *frame.Desk
	id    string
	label *wire.Label
	shut  bool
	asked bool
	open  map[string]bool // lines of which the evidence is shown
}

type labelView struct {
	safety.Label
	Known, Shut bool
	Open        map[string]bool
}

// NewLabel makes the page of a thing by its ID, or of the hub.
func NewLabel(d *frame.Desk, id string) *Label {
	p := &Label{d: d, id: id, open: map[string]bool{}}
	p.Living = frame.NewLiving(d, p.build)
	return p
}

// Show brings it up to date.
func (p *Label) Show(frame.State) {
	if !p.asked {
		p.load()
	}
	v := labelView{Known: p.label != nil, Shut: p.shut, Open: map[string]bool{}}
	for id, yes := range p.open {
		v.Open[id] = yes
	}
	if v.Known {
		v.Label = safety.LabelOf(*p.label, p.d.Now(), p.d.Texts, p.d.Place)
	}
	p.Update(v)
}

func (p *Label) load() {
	p.asked = true
	var got wire.Label
	p.d.LoadOr(func(ctx context.Context) (err error) {
		got, err = p.d.Hub.Label(ctx, p.id)
		return err
	}, func() { p.take(got) }, func() {
		p.shut = true
		p.Show(frame.State{})
	})
}

func (p *Label) take(l wire.Label) {
	p.label = &l
	p.Show(frame.State{})
}

func (p *Label) build(v labelView) []fyne.CanvasObject {
	switch {
	case v.Shut:
		return []fyne.CanvasObject{p.d.BackHead(p.d.Text("app.page.label")), frame.Section("", frame.Wrapped(p.d.Text(wire.CodeForbidden)))}
	case !v.Known:
		return []fyne.CanvasObject{p.d.BackHead(p.d.Text("app.page.label")), frame.Section("", frame.Wrapped(p.d.Text("app.safety.looking")))}
	}
	page := []fyne.CanvasObject{p.d.BackHead(v.Name)}
	if detail := strings.Trim(v.Detail+" · "+v.Firmware, " ·"); detail != "" {
		page = append(page, frame.Low(detail))
	}
	grid := frame.Grid(frame.Section(p.d.Text("app.safety.stands"), Counts(v.Counts), frame.Caption(p.d.Text("app.safety.no-mark"))))
	for _, part := range []struct {
		key   string
		lines []safety.Line
	}{{"app.safety.to-fix", v.Fix}, {"app.safety.maker", v.Simple}} {
		if len(part.lines) > 0 {
			grid.Add(frame.Section(p.d.Text(part.key), p.lines(part.lines, v.Open)...))
		}
	}
	if v.Doors {
		grid.Add(p.doors(v))
	}
	if !v.Hub {
		grid.Add(p.offline(v))
	}
	if len(v.More) > 0 {
		grid.Add(frame.Section(p.d.Text("app.safety.more"), p.lines(v.More, v.Open)...))
	}
	if len(v.Senses)+len(v.Holds) > 0 {
		grid.Add(p.senses(v))
	}
	if len(v.Changes) > 0 {
		list := frame.Tight()
		for _, c := range v.Changes[:min(10, len(v.Changes))] {
			list.Add(frame.Pair(c.Name, c.Value))
		}
		grid.Add(frame.Section(p.d.Text("app.safety.changes"), list))
	}
	printed := frame.Button(p.d.Text("onboard.print"), theme.DocumentPrintIcon(), p.print)
	again := frame.Button(p.d.Text("app.safety.again"), theme.ViewRefreshIcon(), p.load)
	return append(page, grid, frame.Buttons(again, printed))
}

func (p *Label) print() {
	page, err := safety.Page(*p.label, p.d.Now(), p.d.Texts)
	if err != nil {
		p.d.Fail(err)
		return
	}
	p.d.Print(page)
}

func (p *Label) lines(list []safety.Line, open map[string]bool) []fyne.CanvasObject {
	var all []fyne.CanvasObject
	for _, l := range list {
		all = append(all, p.line(l, open[l.ID]))
	}
	return all
}

// line is a sign, the state in words, what was found, what to do, and behind a button how it is known.
func (p *Label) line(l safety.Line, open bool) fyne.CanvasObject {
	title := frame.Wrapped(l.Title)
	title.TextStyle.Bold = true
	state := frame.Wrapped(l.State.Word(p.d.Texts))
	state.SizeName, state.Importance = theme.SizeNameCaptionText, importance(l.State)
	box := frame.Tight(title, state, frame.Wrapped(l.Text))
	if l.Step != "" {
		step := frame.Wrapped(l.Step)
		step.TextStyle.Bold = true
		box.Add(step)
	}
	if open {
		for _, f := range l.Evidence {
			box.Add(frame.Caption(f.Name + ": " + f.Value))
		}
	}
	line := frame.Signed(sign(l.State), box)
	if len(l.Evidence) == 0 {
		return line
	}
	key, icon := "app.safety.evidence", theme.MenuExpandIcon()
	if open {
		key, icon = "app.safety.evidence.hide", theme.MenuDropUpIcon()
	}
	b := parts.NewSign(p.d.Text(key)+": "+l.Title, icon, func() {
		p.open[l.ID] = !open
		p.Show(frame.State{})
	})
	return container.NewBorder(nil, nil, nil, container.NewVBox(b), line)
}

func (p *Label) senses(v labelView) fyne.CanvasObject {
	var body []fyne.CanvasObject
	if len(v.Senses) > 0 {
		body = append(body, frame.Pair(p.d.Text("label.senses"), strings.Join(v.Senses, ", ")))
	}
	if len(v.Holds) > 0 {
		body = append(body, frame.Pair(p.d.Text("label.holds"), strings.Join(v.Holds, ", ")))
	}
	return frame.Section(p.d.Text("app.safety.what"), append(body, frame.Button(p.d.Text("app.page.looks"), theme.VisibilityIcon(), func() {
		p.d.Go(model.Route{Place: model.AtLooks, ID: p.id})
	}))...)
}

// doors is the look at what the thing leaves open. It takes the household's yes, once.
func (p *Label) doors(v labelView) fyne.CanvasObject {
	body := []fyne.CanvasObject{frame.Low(p.d.Text("app.safety.doors.text"))}
	if v.Checked != "" {
		body = append(body, frame.Pair(p.d.Text("app.safety.doors.last"), v.Checked))
	}
	look := frame.Button(p.d.Text("app.safety.doors.look"), theme.SearchIcon(), func() { p.knock(v) })
	if v.Next != "" {
		look.Disable()
		body = append(body, frame.Pair(p.d.Text("app.safety.doors.next"), v.Next))
	}
	if body = append(body, look); v.Agreed {
		no := frame.Button(p.d.Text("app.safety.doors.withdraw"), theme.CancelIcon(), p.withdraw)
		no.Importance = widget.LowImportance
		body = append(body, no)
	}
	return frame.Section(p.d.Text("app.safety.doors"), body...)
}

// withdraw takes the household's yes back.
func (p *Label) withdraw() {
	var got wire.Label
	title := p.d.Text("app.safety.doors.withdraw")
	p.d.Ask(frame.Question{Title: title, Text: p.d.Text("app.safety.doors.withdraw.text"), Yes: title,
		Do: func(ctx context.Context, _ []frame.Answer) (_ string, err error) {
			got, err = p.d.Hub.CheckLabel(ctx, p.id, wire.LabelCheck{Withdraw: true})
			return "", err
		}, Then: func(string) { p.take(got) }})
}

func (p *Label) knock(v labelView) {
	q := frame.Question{Title: p.d.Text("app.safety.doors.look"), Text: p.d.Text("app.safety.doors.again"), Yes: p.d.Text("app.safety.doors.look"), Busy: p.d.Text("app.safety.doors.busy")}
	if !v.Agreed {
		q.Text, q.Yes = p.d.Text("label.consent.ask"), p.d.Text("app.safety.doors.yes")
	}
	var got wire.Label
	q.Do = func(ctx context.Context, _ []frame.Answer) (_ string, err error) {
		got, err = p.d.Hub.CheckLabel(ctx, p.id, wire.LabelCheck{Consent: !v.Agreed})
		return "", err
	}
	q.Then = func(string) { p.take(got) }
	p.d.Ask(q)
}

// offline is the test whether the thing works while the house is off the internet.
func (p *Label) offline(v labelView) fyne.CanvasObject {
	step := func(key, step string, icon fyne.Resource) fyne.CanvasObject {
		return frame.Button(p.d.Text(key), icon, func() {
			var got wire.Label
			p.d.Try(func(ctx context.Context) (err error) {
				got, err = p.d.Hub.TestOffline(ctx, p.id, wire.LabelOffline{Step: step})
				return err
			}, func() { p.take(got) })
		})
	}
	if v.Offline == "" {
		return frame.Section(p.d.Text("app.safety.offline"), frame.Low(p.d.Text("app.safety.offline.text")), step("app.safety.offline.start", "start", theme.MediaPlayIcon()))
	}
	return frame.Section(p.d.Text("app.safety.offline"), frame.Wrapped(p.d.Text("app.safety.offline.now")), frame.Caption(v.Offline),
		frame.Buttons(step("app.safety.offline.finish", "finish", theme.ConfirmIcon()), step("app.cancel", "cancel", theme.CancelIcon())))
}
