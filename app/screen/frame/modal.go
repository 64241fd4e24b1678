package frame

import (
	"context"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/ingle-home/ingle/app/model"
	parts "github.com/ingle-home/ingle/app/widget"
	"github.com/ingle-home/ingle/hub/api/wire"
)

const modalWidth = 440

// Field is one thing that a question asks for. With Options it is chosen, else typed.
type Field struct {
	Name, Value string
	Secret      bool
	Options     []string
}

// Question is a modal: Esc cancels it and Enter confirms it. What cannot be undone says so with
// Danger, and there Enter does nothing until somebody goes to the button: in a field it goes on.
type Question struct {
	Title, Text string
	Show        string // to be read and copied, in large letters
	Fields      []Field
	Yes         string
	Danger      bool
	Busy        string // said while Do runs; empty where it is quick

	// Do runs elsewhere with what was answered; of an option, its number. What it gives goes to Then.
	Do   func(ctx context.Context, answers []Answer) (string, error)
	Then func(string)
}

// Answer is what was typed, or the number of the option that was chosen.
type Answer struct {
	Text   string
	Option int
}

type asking struct {
	d       *Desk
	q       Question
	fields  []fyne.Focusable
	problem *widget.Label
	busy    *fyne.Container
	yes, no *parts.Button
	close   func()
	over    func() // what is asked for is done, or could not be
}

// Ask asks a question.
func (d *Desk) Ask(q Question) {
	a := &asking{d: d, q: q, problem: Wrapped("")}
	cancel := func() { a.close() }
	next := a.confirm
	if q.Danger {
		next = func() { d.Canvas().FocusNext() }
	}
	a.problem.Importance = widget.DangerImportance
	a.problem.Hide()
	title := Wrapped(q.Title)
	title.SizeName, title.TextStyle = theme.SizeNameSubHeadingText, fyne.TextStyle{Bold: true}
	box := container.NewVBox(title)
	if q.Text != "" {
		box.Add(Wrapped(q.Text))
	}
	if q.Show != "" {
		shown := Wrapped(q.Show)
		shown.Selectable, shown.TextStyle, shown.SizeName = true, fyne.TextStyle{Bold: true, Monospace: true}, theme.SizeNameSubHeadingText
		box.Add(shown)
	}
	for _, f := range q.Fields {
		box.Add(Caption(f.Name))
		box.Add(a.field(f, parts.Keys{Cancel: cancel, Confirm: next}))
	}
	a.yes = parts.NewButton(q.Yes, nil, a.confirm, cancel)
	a.yes.Importance = widget.HighImportance
	a.no = parts.NewButton(d.Text("app.cancel"), nil, cancel, cancel)
	if q.Danger {
		a.yes.Importance = widget.DangerImportance
	}
	box.Add(a.problem)
	a.busy = container.NewVBox(Low(q.Busy), widget.NewProgressBarInfinite())
	a.busy.Hide()
	box.Add(a.busy)
	box.Add(container.NewHBox(layout.NewSpacer(), a.no, a.yes))
	if q.Do == nil && !q.Danger {
		a.no.Hide()
	}
	a.close = d.Modal(box, a.first(), nil)
}

func (a *asking) field(f Field, keys parts.Keys) fyne.CanvasObject {
	if len(f.Options) > 0 {
		c := parts.NewChoice(f.Name, f.Options, keys)
		a.fields = append(a.fields, c)
		return c
	}
	e := parts.NewEntry(f.Name, f.Secret, keys)
	e.SetText(f.Value)
	a.fields = append(a.fields, e)
	return e
}

// first is what has the focus: the first field, or else the button that does no harm.
func (a *asking) first() fyne.Focusable {
	switch {
	case len(a.fields) > 0:
		return a.fields[0]
	case a.q.Danger:
		return a.no
	}
	return a.yes
}

func (a *asking) confirm() {
	if a.yes.Works() {
		return
	}
	if a.q.Do == nil {
		a.close()
		if a.q.Then != nil {
			a.q.Then("")
		}
		return
	}
	var answers []Answer
	for _, f := range a.fields {
		switch f := f.(type) {
		case *parts.Entry:
			answers = append(answers, Answer{Text: f.Text})
		case *parts.Choice:
			answers = append(answers, Answer{Text: f.Selected, Option: f.SelectedIndex()})
		}
	}
	a.over = a.yes.Busy("")
	Set(a.problem, "")
	Visible(a.busy, a.q.Busy != "")
	a.d.Work(func(ctx context.Context) {
		got, err := a.q.Do(ctx, answers)
		if ctx.Err() != nil {
			return
		}
		fyne.Do(func() { a.done(got, err) })
	})
}

func (a *asking) done(got string, err error) {
	a.over()
	Visible(a.busy, false)
	if wire.Code(err) == wire.CodeConfirm {
		a.d.confirm(a.confirm)
		return
	}
	if err != nil {
		Set(a.problem, model.Problem(err, a.d.Texts))
		return
	}
	a.close()
	if a.q.Then != nil {
		a.q.Then(got)
	}
}

// Modal puts content over the page and the focus where it says. It gives what closes it; cancelled
// runs when Esc did, and may be nil.
func (d *Desk) Modal(content fyne.CanvasObject, focus fyne.Focusable, cancelled func()) (closed func()) {
	c := d.Canvas()
	width := min(modalWidth, c.Size().Width-24)
	padded := container.New(layout.NewCustomPaddedLayout(14, 14, 14, 14), content)
	p := widget.NewModalPopUp(container.New(&column{width}, padded), c)
	open := true
	depth := len(d.modals)
	closed = func() {
		if open {
			open = false
			d.modals = d.modals[:min(depth, len(d.modals))]
			p.Hide()
		}
	}
	d.modals = append(d.modals, func() {
		closed()
		if cancelled != nil {
			cancelled()
		}
	})
	p.Show()
	c.Focus(focus)
	return closed
}

// Escape cancels the modal on top; false where there is none.
func (d *Desk) Escape() bool {
	if len(d.modals) == 0 {
		return false
	}
	d.modals[len(d.modals)-1]()
	return true
}

// column is one object of a set width, as high as its words need then.
type column struct{ width float32 }

func (c *column) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	for _, o := range objects {
		o.Resize(size)
	}
}

func (c *column) MinSize(objects []fyne.CanvasObject) fyne.Size {
	for _, o := range objects {
		if o.Size().Width != c.width {
			o.Resize(fyne.NewSize(c.width, o.MinSize().Height))
		}
	}
	return fyne.NewSize(c.width, objects[0].MinSize().Height)
}
