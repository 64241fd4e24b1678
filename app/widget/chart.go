package widget

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

const chartHeight = 130

// Mark is a point of a chart: both between 0 and 1, from the left and from the bottom.
type Mark struct{ X, Y float32 }

// Chart draws how a number went. A value holds until the next one, so the line goes in steps.
type Chart struct {
	widget.BaseWidget
	name  string
	marks []Mark
	notes [4]*canvas.Text // top, low, from, to
	frame *canvas.Rectangle
	lines []*canvas.Line
}

// NewChart makes it, with the words for the scale and for the time.
func NewChart(name string, marks []Mark, top, low, from, to string) *Chart {
	c := &Chart{name: name, marks: marks, frame: canvas.NewRectangle(theme.Color(theme.ColorNameInputBackground))}
	c.frame.CornerRadius = 8
	for i, words := range []string{top, low, from, to} {
		c.notes[i] = canvas.NewText(words, theme.Color(theme.ColorNamePlaceHolder))
		c.notes[i].TextSize = theme.Size(theme.SizeNameCaptionText)
	}
	for range max(0, 2*(len(marks)-1)) {
		line := canvas.NewLine(theme.Color(theme.ColorNamePrimary))
		line.StrokeWidth = 2
		c.lines = append(c.lines, line)
	}
	c.ExtendBaseWidget(c)
	return c
}

// AccessibilityLabel says what is drawn and its scale.
func (c *Chart) AccessibilityLabel() string {
	return c.name + ", " + c.notes[1].Text + "–" + c.notes[0].Text + ", " + c.notes[2].Text + "–" + c.notes[3].Text
}

// AccessibilityRole is that of something to read.
func (c *Chart) AccessibilityRole() fyne.AccessibleRole { return fyne.AccessibleRoleText }

// CreateRenderer draws it.
func (c *Chart) CreateRenderer() fyne.WidgetRenderer { return &chartRenderer{c} }

type chartRenderer struct{ *Chart }

func (r *chartRenderer) Layout(size fyne.Size) {
	caption := r.notes[0].MinSize().Height
	left := max(r.notes[0].MinSize().Width, r.notes[1].MinSize().Width) + 6
	area := fyne.NewSize(max(1, size.Width-left), max(1, size.Height-caption-4))
	r.frame.Move(fyne.NewPos(left, 0))
	r.frame.Resize(area)
	r.notes[0].Move(fyne.NewPos(0, 0))
	r.notes[1].Move(fyne.NewPos(0, area.Height-caption))
	r.notes[2].Move(fyne.NewPos(left, area.Height+4))
	r.notes[3].Move(fyne.NewPos(size.Width-r.notes[3].MinSize().Width, area.Height+4))
	inner := fyne.NewSize(area.Width-12, area.Height-12)
	at := func(m Mark) fyne.Position {
		return fyne.NewPos(left+6+m.X*inner.Width, 6+(1-min(1, max(0, m.Y)))*inner.Height)
	}
	for i := 0; i+1 < len(r.marks); i++ {
		from, to := at(r.marks[i]), at(r.marks[i+1])
		corner := fyne.NewPos(to.X, from.Y)
		r.lines[2*i].Position1, r.lines[2*i].Position2 = from, corner
		r.lines[2*i+1].Position1, r.lines[2*i+1].Position2 = corner, to
	}
}

func (r *chartRenderer) MinSize() fyne.Size {
	return fyne.NewSize(r.notes[2].MinSize().Width+r.notes[3].MinSize().Width+60, chartHeight)
}

func (r *chartRenderer) Refresh() {
	r.frame.FillColor = theme.Color(theme.ColorNameInputBackground)
	for _, n := range r.notes {
		n.Color = theme.Color(theme.ColorNamePlaceHolder)
	}
	for _, l := range r.lines {
		l.StrokeColor = theme.Color(theme.ColorNamePrimary)
	}
	r.Layout(r.Size())
	canvas.Refresh(r.Chart)
}

func (r *chartRenderer) Objects() []fyne.CanvasObject {
	list := []fyne.CanvasObject{r.frame}
	for _, l := range r.lines {
		list = append(list, l)
	}
	for _, n := range r.notes {
		list = append(list, n)
	}
	return list
}

func (r *chartRenderer) Destroy() {}
