package widget

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// Span is a recording on a timeline: both ends between 0 and 1.
type Span struct {
	From, To float32
	Name     string
}

// Timeline shows recordings along a day. A tap or the arrow keys choose one; Space and Enter play it, and
// Delete takes it away.
type Timeline struct {
	widget.BaseWidget
	Play, Remove func() // nil: nothing happens
	name         string
	spans        []Span
	at           int
	chosen       func(i int)
	focused      bool
	ground       *canvas.Rectangle
	bars         []*canvas.Rectangle
	notes        [2]*canvas.Text
}

// NewTimeline makes it with the span at chosen; from and to name its ends.
func NewTimeline(name string, spans []Span, at int, from, to string, chosen func(i int)) *Timeline {
	t := &Timeline{name: name, spans: spans, at: at, chosen: chosen, ground: canvas.NewRectangle(color.Transparent),
		notes: [2]*canvas.Text{canvas.NewText(from, color.Black), canvas.NewText(to, color.Black)}}
	t.ground.CornerRadius = 8
	for range spans {
		bar := canvas.NewRectangle(color.Black)
		bar.CornerRadius = 2
		t.bars = append(t.bars, bar)
	}
	t.ExtendBaseWidget(t)
	return t
}

// Tapped chooses the span that is nearest.
func (t *Timeline) Tapped(e *fyne.PointEvent) {
	best, gap := t.at, float32(2)
	for i, s := range t.spans {
		d := e.Position.X/t.Size().Width - (s.From+s.To)/2
		if d = max(d, -d); d < gap {
			best, gap = i, d
		}
	}
	t.choose(best)
}

func (t *Timeline) choose(i int) {
	if i < 0 || i >= len(t.spans) || i == t.at {
		return
	}
	t.at = i
	t.Refresh()
	t.chosen(i)
}

// FocusGained shows that the arrow keys work here.
func (t *Timeline) FocusGained() { t.focused = true; t.Refresh() }

// FocusLost shows that they do not.
func (t *Timeline) FocusLost() { t.focused = false; t.Refresh() }

// TypedRune does nothing.
func (t *Timeline) TypedRune(rune) {}

// TypedKey goes to the earlier or the later one. The spans stand the newest first.
func (t *Timeline) TypedKey(e *fyne.KeyEvent) {
	switch e.Name {
	case fyne.KeyLeft:
		t.choose(t.at + 1)
	case fyne.KeyRight:
		t.choose(t.at - 1)
	case fyne.KeySpace, fyne.KeyReturn, fyne.KeyEnter:
		if t.Play != nil {
			t.Play()
		}
	case fyne.KeyDelete:
		if t.Remove != nil {
			t.Remove()
		}
	}
}

// AccessibilityLabel says which is chosen.
func (t *Timeline) AccessibilityLabel() string {
	if t.at < len(t.spans) {
		return t.name + ": " + t.spans[t.at].Name
	}
	return t.name
}

// AccessibilityRole is that of a button: it can be tapped.
func (t *Timeline) AccessibilityRole() fyne.AccessibleRole { return fyne.AccessibleRoleButton }

// CreateRenderer draws it.
func (t *Timeline) CreateRenderer() fyne.WidgetRenderer {
	r := &timelineRenderer{t}
	r.paint()
	return r
}

type timelineRenderer struct{ *Timeline }

func (r *timelineRenderer) Layout(size fyne.Size) {
	caption := r.notes[0].MinSize().Height
	height := size.Height - caption - 2
	r.ground.Resize(fyne.NewSize(size.Width, height))
	for i, s := range r.spans {
		r.bars[i].Move(fyne.NewPos(s.From*(size.Width-8)+2, 6))
		r.bars[i].Resize(fyne.NewSize(max(4, (s.To-s.From)*size.Width), height-12))
	}
	r.notes[0].Move(fyne.NewPos(2, height+2))
	r.notes[1].Move(fyne.NewPos(size.Width-r.notes[1].MinSize().Width-2, height+2))
}

func (r *timelineRenderer) MinSize() fyne.Size { return fyne.NewSize(180, 58) }

func (r *timelineRenderer) paint() {
	r.ground.FillColor = theme.Color(theme.ColorNameInputBackground)
	r.ground.StrokeWidth = 0
	if r.focused {
		r.ground.StrokeWidth, r.ground.StrokeColor = 2, theme.Color(theme.ColorNamePrimary)
	}
	for i, b := range r.bars {
		b.FillColor = faint(theme.Color(theme.ColorNamePrimary), 0x90)
		if i == r.at {
			b.FillColor = theme.Color(theme.ColorNameError)
		}
	}
	for _, n := range r.notes {
		n.Color = theme.Color(theme.ColorNamePlaceHolder)
		n.TextSize = theme.Size(theme.SizeNameCaptionText)
	}
}

func (r *timelineRenderer) Refresh() {
	r.paint()
	canvas.Refresh(r.Timeline)
}

func (r *timelineRenderer) Objects() []fyne.CanvasObject {
	list := []fyne.CanvasObject{r.ground}
	for _, b := range r.bars {
		list = append(list, b)
	}
	return append(list, r.notes[0], r.notes[1])
}

func (r *timelineRenderer) Destroy() {}
