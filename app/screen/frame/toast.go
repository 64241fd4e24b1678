package frame

import (
	"context"
	"slices"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	parts "github.com/ingle-home/ingle/app/widget"
)

const (
	undoTime  = 10 * time.Second
	widest    = 460 // of a toast
	mostShown = 3
)

// Toasts are the messages at the lower edge.
type Toasts struct {
	d   *Desk
	box *fyne.Container
}

// NewToasts gives the desk its toasts; Content belongs over the page.
func NewToasts(d *Desk) *Toasts {
	d.toasts = &Toasts{d: d, box: container.New(&stack{})}
	d.gone = map[string]bool{}
	return d.toasts
}

// Content is the layer with the messages.
func (t *Toasts) Content() fyne.CanvasObject { return t.box }

// Say tells that something was done.
func (d *Desk) Say(text string) { d.toasts.say(text, "", false, nil) }

// Later deletes the thing of an ID in ten seconds, unless it is undone. Until then it is hidden.
func (d *Desk) Later(id, said string, do func(ctx context.Context) error) {
	d.gone[id] = true
	stop := d.After(undoTime, func() {
		d.Try(func(ctx context.Context) error {
			err := do(ctx)
			if err != nil {
				fyne.Do(func() { delete(d.gone, id) })
			}
			return err
		}, nil)
	})
	d.toasts.say(said, d.Text("app.undo"), false, func() {
		stop()
		delete(d.gone, id)
		d.Again()
	})
	d.Again()
}

func (t *Toasts) say(text, button string, bad bool, tapped func()) {
	var toast *parts.Tile
	remove := func() {
		t.box.Objects = slices.DeleteFunc(t.box.Objects, func(o fyne.CanvasObject) bool { return o == toast })
		t.box.Refresh()
	}
	toast = parts.NewToast(text, button, bad, func() {
		remove()
		tapped()
	})
	t.box.Objects = append(t.box.Objects, toast)
	t.box.Objects = t.box.Objects[max(0, len(t.box.Objects)-mostShown):]
	t.box.Refresh()
	t.d.After(undoTime, remove)
}

// stack lays toasts out above one another at the lower edge, in the middle.
type stack struct{}

func (s *stack) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	const margin, gap = 12, 8
	y := size.Height - margin - 58 // above the bar
	w := min(widest, size.Width-2*margin)
	for _, o := range slices.Backward(objects) {
		o.Resize(fyne.NewSize(w, o.MinSize().Height)) // words wrap to the width first
		h := o.MinSize().Height
		y -= h
		o.Resize(fyne.NewSize(w, h))
		o.Move(fyne.NewPos((size.Width-w)/2, y))
		y -= gap
	}
}

func (s *stack) MinSize([]fyne.CanvasObject) fyne.Size { return fyne.Size{} }
