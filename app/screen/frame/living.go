package frame

import (
	"reflect"
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	parts "github.com/ingle-home/ingle/app/widget"
)

// The measures of pages.
const (
	Narrowest = 300 // of a column of tiles
	Gap       = 14
)

// Living is a page that is made anew from its view, and only when the view differs: a storm of
// reports that change nothing on it costs nothing.
type Living[V any] struct {
	d     *Desk
	page  *container.Scroll
	body  *fyne.Container
	build func(V) []fyne.CanvasObject
	was   *V
}

// NewLiving gives an empty page.
func NewLiving[V any](d *Desk, build func(V) []fyne.CanvasObject) *Living[V] {
	l := &Living[V]{d: d, body: container.NewVBox(), build: build}
	l.page = container.NewVScroll(container.New(layout.NewCustomPaddedLayout(10, 24, Gap, Gap), l.body))
	return l
}

// Content is the page.
func (l *Living[V]) Content() fyne.CanvasObject { return l.page }

// Update shows a view. Where the focus was it stays, if there still is as much to focus.
func (l *Living[V]) Update(v V) {
	if l.was != nil && reflect.DeepEqual(*l.was, v) {
		return
	}
	l.was = &v
	at := slices.Index(focusable(l.body), l.focused())
	l.body.Objects = l.build(v)
	Settle(l.body, l.page)
	if list := focusable(l.body); at >= 0 && at < len(list) {
		l.d.Canvas().Focus(list[at])
	}
}

// Settle lays the page out anew after something on it changed by itself.
func (l *Living[V]) Settle() { Settle(l.body, l.page) }

func (l *Living[V]) focused() fyne.Focusable {
	if c := l.d.Canvas(); c != nil {
		return c.Focused()
	}
	return nil
}

// focusable lists what Tab reaches.
func focusable(o fyne.CanvasObject) []fyne.Focusable {
	var list []fyne.Focusable
	if f, ok := o.(fyne.Focusable); ok {
		list = append(list, f)
	}
	switch o := o.(type) {
	case *fyne.Container:
		for _, c := range o.Objects {
			list = append(list, focusable(c)...)
		}
	case interface{ Content() *fyne.Container }:
		list = append(list, focusable(o.Content())...)
	}
	return list
}

// Settle lays a page out anew. Words that wrap know their height only once they have a width, so it
// may take a second round.
func Settle(body *fyne.Container, page *container.Scroll) {
	for range 3 {
		before := body.MinSize()
		body.Refresh()
		page.Refresh()
		if body.MinSize() == before {
			return
		}
	}
}

// Wrapped gives a label that is as wide as its place and as high as its text.
func Wrapped(text string) *widget.Label {
	l := widget.NewLabel(text)
	l.Wrapping = fyne.TextWrapWord
	return l
}

// Caption gives a small quiet label.
func Caption(text string) *widget.Label {
	l := Wrapped(text)
	l.SizeName, l.Importance = theme.SizeNameCaptionText, widget.LowImportance
	return l
}

// Low gives a quiet label.
func Low(text string) *widget.Label {
	l := Wrapped(text)
	l.Importance = widget.LowImportance
	return l
}

// Head is a page's name, with what stands beside it at the right.
func Head(title string, beside ...fyne.CanvasObject) fyne.CanvasObject {
	l := widget.NewLabelWithStyle(title, fyne.TextAlignLeading, fyne.TextStyle{Bold: true})
	l.SizeName, l.Truncation = theme.SizeNameHeadingText, fyne.TextTruncateEllipsis
	return container.NewBorder(nil, nil, nil, container.NewCenter(container.NewHBox(beside...)), l)
}

// BackHead is a page's name with the way back before it.
func (d *Desk) BackHead(title string, beside ...fyne.CanvasObject) fyne.CanvasObject {
	back := parts.NewSign(d.Text("pair.back"), theme.NavigateBackIcon(), d.Back)
	return container.NewBorder(nil, nil, container.NewCenter(back), nil, Head(title, beside...))
}

// Tight stands lines of one thing close below one another.
func Tight(lines ...fyne.CanvasObject) *fyne.Container {
	return container.New(layout.NewCustomPaddedVBoxLayout(-10), lines...)
}

// Buttons stands buttons beside one another as long as they fit.
func Buttons(list ...fyne.CanvasObject) *fyne.Container {
	return container.New(&parts.Columns{Narrowest: 170, Gap: 6}, list...)
}

// Section is a tile with a title.
func Section(title string, body ...fyne.CanvasObject) fyne.CanvasObject {
	return parts.NewTile(title, body...)
}

// Pair is a name and what belongs to it: beside one another as long as the value is short.
func Pair(name, value string) fyne.CanvasObject {
	label := Low(name)
	text := Wrapped(value)
	return container.New(&pair{}, label, text)
}

// Signed puts a sign before lines, at the height of the first.
func Signed(sign fyne.Resource, lines fyne.CanvasObject) fyne.CanvasObject {
	icon := container.New(layout.NewCustomPaddedLayout(8, 0, 4, 0), widget.NewIcon(sign))
	return container.NewBorder(nil, nil, container.NewVBox(icon), nil, lines)
}

// Button is an ordinary button.
func Button(text string, icon fyne.Resource, tapped func()) *parts.Button {
	return parts.NewButton(text, icon, tapped, nil)
}

// Grid puts sections into as many columns as there is room for.
func Grid(sections ...fyne.CanvasObject) *fyne.Container {
	return container.New(&parts.Columns{Narrowest: Narrowest, Gap: Gap}, sections...)
}

// Set changes a label that is hidden while it is empty.
func Set(l *widget.Label, text string) {
	if l.Text != text {
		l.SetText(text)
	}
	Visible(l, text != "")
}

// Visible shows or hides.
func Visible(o fyne.CanvasObject, yes bool) {
	switch {
	case yes == o.Visible():
	case yes:
		o.Show()
	default:
		o.Hide()
	}
}

// pair gives two labels two fifths and three fifths of the width.
type pair struct{ width float32 }

func (p *pair) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	p.width = size.Width
	left := size.Width * 2 / 5
	objects[0].Resize(fyne.NewSize(left, size.Height))
	objects[1].Move(fyne.NewPos(left, 0))
	objects[1].Resize(fyne.NewSize(size.Width-left, size.Height))
}

func (p *pair) MinSize(objects []fyne.CanvasObject) fyne.Size {
	a, b := objects[0].MinSize(), objects[1].MinSize()
	return fyne.NewSize(a.Width+b.Width, max(a.Height, b.Height)-4)
}
