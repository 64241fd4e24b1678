package onboard

import (
	"context"
	"slices"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/ingle-home/ingle/app/model"
	"github.com/ingle-home/ingle/app/screen/frame"
	parts "github.com/ingle-home/ingle/app/widget"
	"github.com/ingle-home/ingle/hub/api/wire"
)

const (
	qrSide   = 200
	lookTime = 4 * time.Second // for things on the network
)

// adding is the third step: Apple Home, and what is on the network.
type adding struct {
	g     *Guide
	found []model.Candidate
	state map[string]string // what became of a thing, by its address

	words  *widget.Label
	list   *fyne.Container
	all    *parts.Button
	done   *parts.Button
	copied *widget.Label
}

func newHome(g *Guide, servers []wire.HomeKit) *adding {
	g.step, g.keep = atHome, nil
	a := &adding{g: g, state: map[string]string{}, words: frame.Low(g.text("onboard.devices.looking")), list: container.NewVBox(), copied: frame.Caption("")}
	a.copied.Hide()
	a.all = frame.Button(g.text("onboard.devices.all"), theme.ContentAddIcon(), a.addAll)
	a.all.Hide()
	a.done = next(g.text("onboard.done"), func() {
		g.held = false
		g.Close()
		g.Done()
	})
	var body []fyne.CanvasObject
	for _, k := range servers {
		if k.Kind == "bridge" && k.SetupURI != "" { // one code adds all; what stands alone has its own in the settings
			body = append(body, a.code(k))
			break
		}
	}
	body = append(body, a.copied, widget.NewSeparator(), a.words, a.list, frame.Buttons(a.all), a.done)
	g.put(3, "onboard.home", a.done, body...)
	a.look()
	return a
}

// code is what Apple Home scans or is typed into it.
func (a *adding) code(k wire.HomeKit) fyne.CanvasObject {
	words := widget.NewLabelWithStyle(k.SetupCode, fyne.TextAlignCenter, fyne.TextStyle{Bold: true, Monospace: true})
	words.SizeName, words.Selectable = theme.SizeNameSubHeadingText, true
	take := frame.Button(a.g.text("onboard.copy"), theme.ContentCopyIcon(), func() {
		fyne.CurrentApp().Clipboard().SetContent(k.SetupCode)
		frame.Set(a.copied, a.g.text("onboard.copied"))
		a.g.settle()
	})
	side := container.NewVBox(words, container.NewCenter(take))
	if picture, err := parts.NewQR(k.SetupURI, qrSide); err == nil {
		side = container.NewVBox(container.NewCenter(picture), words, container.NewCenter(take))
	}
	return side
}

func (a *adding) look() {
	a.g.Desk.Work(func(ctx context.Context) {
		found, err := a.g.Hub.Find(ctx, lookTime)
		if ctx.Err() != nil {
			return
		}
		fyne.Do(func() {
			if err != nil {
				frame.Set(a.words, model.Problem(err, a.g.Desk.Texts))
				return
			}
			a.found = model.CandidatesOf(found)
			a.show()
		})
	})
}

func (a *adding) show() {
	a.list.RemoveAll()
	open := 0
	for _, d := range a.found {
		said := a.state[d.Address]
		name := frame.Wrapped(d.Title)
		if said != "" {
			a.list.Add(frame.Tight(name, frame.Caption(said)))
			continue
		}
		open++
		add := frame.Button(a.g.text("onboard.devices.add"), nil, func() { a.add([]model.Candidate{d}) })
		a.list.Add(beside(frame.Tight(name, frame.Caption(d.Address)), add))
	}
	switch {
	case len(a.found) == 0:
		frame.Set(a.words, a.g.text("onboard.devices.none"))
	default:
		frame.Set(a.words, a.g.Desk.Texts.Count("onboard.devices.found", len(a.found)))
	}
	frame.Visible(a.all, open > 1)
	a.g.settle()
}

func (a *adding) addAll() {
	a.add(slices.DeleteFunc(slices.Clone(a.found), func(d model.Candidate) bool { return a.state[d.Address] != "" }))
}

// add adds one after the other. A thing that asks something is asked for it; who cancels skips the rest.
func (a *adding) add(list []model.Candidate) {
	if len(list) == 0 {
		return
	}
	d, rest := list[0], list[1:]
	if len(d.Asks) > 0 {
		a.ask(d, rest)
		return
	}
	over := a.all.Busy("")
	a.g.Desk.Work(func(ctx context.Context) {
		_, err := a.g.Hub.Add(ctx, d.Request(nil))
		if ctx.Err() != nil {
			return
		}
		fyne.Do(func() {
			over()
			a.note(d, err)
			a.add(rest)
		})
	})
}

func (a *adding) note(d model.Candidate, err error) {
	a.state[d.Address] = a.g.text("onboard.devices.added")
	if err != nil {
		a.state[d.Address] = model.Problem(err, a.g.Desk.Texts)
	}
	a.show()
}

func (a *adding) ask(d model.Candidate, rest []model.Candidate) {
	var fields []frame.Field
	for _, q := range d.Asks {
		fields = append(fields, frame.Field{Name: a.g.text("field." + d.Driver + "." + q.Key), Secret: q.Secret})
	}
	a.g.Desk.Ask(frame.Question{
		Title: d.Title, Text: a.g.text("onboard.devices.ask"), Yes: a.g.text("onboard.devices.add"), Fields: fields,
		Do: func(ctx context.Context, answers []frame.Answer) (string, error) {
			var said []string
			for _, one := range answers {
				said = append(said, one.Text)
			}
			_, err := a.g.Hub.Add(ctx, d.Request(said))
			return "", err
		},
		Then: func(string) {
			a.note(d, nil)
			a.add(rest)
		},
	})
}
