// Package nearby lists the things on the network that are not in the home yet, and adds them.
package nearby

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

const lookTime = 4 * time.Second

// Hub is what finds things and takes them in.
type Hub interface {
	Find(ctx context.Context, d time.Duration) ([]wire.Found, error)
	Add(ctx context.Context, r wire.AddRequest) (wire.Accessory, error)
}

// List is what was found. Its methods are for the window's goroutine.
type List struct {
	d      *frame.Desk
	hub    Hub
	settle func() // lays out anew what the list stands in
	found  []model.Candidate
	state  map[string]string // what became of a thing, by its address

	words *widget.Label
	list  *fyne.Container
	all   *parts.Button
	body  *fyne.Container
}

// New makes a list that is empty until Look.
func New(d *frame.Desk, hub Hub, settle func()) *List {
	a := &List{d: d, hub: hub, settle: settle, state: map[string]string{}, words: frame.Low(""), list: container.NewVBox()}
	a.all = frame.Button(d.Text("onboard.devices.all"), theme.ContentAddIcon(), a.addAll)
	a.all.Hide()
	a.body = container.NewVBox(a.words, a.list, frame.Buttons(a.all))
	return a
}

// Content is the list.
func (a *List) Content() fyne.CanvasObject { return a.body }

// Look looks around, and then shows what there is.
func (a *List) Look() {
	frame.Set(a.words, a.d.Text("onboard.devices.looking"))
	a.settle()
	a.d.Work(func(ctx context.Context) {
		found, err := a.hub.Find(ctx, lookTime)
		if ctx.Err() != nil {
			return
		}
		fyne.Do(func() {
			if err != nil {
				frame.Set(a.words, model.Problem(err, a.d.Texts))
				return
			}
			a.found = model.CandidatesOf(found)
			a.show()
		})
	})
}

func (a *List) show() {
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
		add := frame.Button(a.d.Text("onboard.devices.add"), nil, func() { a.add([]model.Candidate{d}) })
		a.list.Add(container.NewBorder(nil, nil, nil, container.NewCenter(add), frame.Tight(name, frame.Caption(d.Address))))
	}
	switch {
	case len(a.found) == 0:
		frame.Set(a.words, a.d.Text("onboard.devices.none"))
	default:
		frame.Set(a.words, a.d.Texts.Count("onboard.devices.found", len(a.found)))
	}
	frame.Visible(a.all, open > 1)
	a.settle()
}

func (a *List) addAll() {
	a.add(slices.DeleteFunc(slices.Clone(a.found), func(d model.Candidate) bool { return a.state[d.Address] != "" }))
}

// add adds one after the other. A thing that asks something is asked for it; who cancels skips the rest.
func (a *List) add(list []model.Candidate) {
	if len(list) == 0 {
		return
	}
	d, rest := list[0], list[1:]
	if len(d.Asks) > 0 {
		a.ask(d, rest)
		return
	}
	over := a.all.Busy("")
	a.d.Work(func(ctx context.Context) {
		_, err := a.hub.Add(ctx, d.Request(nil))
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

func (a *List) note(d model.Candidate, err error) {
	a.state[d.Address] = a.d.Text("onboard.devices.added")
	if err != nil {
		a.state[d.Address] = model.Problem(err, a.d.Texts)
	}
	a.show()
}

func (a *List) ask(d model.Candidate, rest []model.Candidate) {
	var fields []frame.Field
	for _, q := range d.Asks {
		fields = append(fields, frame.Field{Name: a.d.Text("field." + d.Driver + "." + q.Key), Secret: q.Secret})
	}
	a.d.Ask(frame.Question{
		Title: d.Title, Text: a.d.Text("onboard.devices.ask"), Yes: a.d.Text("onboard.devices.add"), Fields: fields,
		Do: func(ctx context.Context, answers []frame.Answer) (string, error) {
			var said []string
			for _, one := range answers {
				said = append(said, one.Text)
			}
			_, err := a.hub.Add(ctx, d.Request(said))
			return "", err
		},
		Then: func(string) {
			a.note(d, nil)
			a.add(rest)
		},
	})
}
