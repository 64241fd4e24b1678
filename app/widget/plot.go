package widget

import (
	"image/color"
	"math"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// Spot is a circle on a plot: metres to the right and up, and its radius in metres. A person is a dot
// inside the circle of how exact the position is.
type Spot struct {
	Name         string
	X, Y, Radius float64
	Person       bool
}

// Plot shows places to scale on an empty ground: it asks nobody for a map.
type Plot struct {
	widget.BaseWidget
	name   string
	spots  []Spot
	routes [][]Spot
	ground *canvas.Rectangle
	marks  []spotMark
	lines  [][]*canvas.Line
	bar    *canvas.Line
	scale  *canvas.Text
	words  func(metres int) string
}

type spotMark struct {
	circle, dot *canvas.Circle
	label       *canvas.Text
}

// NewPlot makes one; name is read out, words names a distance.
func NewPlot(name string, spots []Spot, routes [][]Spot, words func(metres int) string) *Plot {
	p := &Plot{name: name, spots: spots, routes: routes, words: words, ground: canvas.NewRectangle(color.Transparent),
		bar: canvas.NewLine(color.Black), scale: canvas.NewText("", color.Black)}
	p.ground.CornerRadius = 10
	p.bar.StrokeWidth = 2
	for _, s := range spots {
		m := spotMark{canvas.NewCircle(color.Transparent), canvas.NewCircle(color.Transparent), canvas.NewText(s.Name, color.Black)}
		visible(m.dot, s.Person)
		m.label.TextStyle.Bold = s.Person
		p.marks = append(p.marks, m)
	}
	for _, route := range routes {
		var lines []*canvas.Line
		for range max(0, len(route)-1) {
			line := canvas.NewLine(color.Black)
			line.StrokeWidth = 2
			lines = append(lines, line)
		}
		p.lines = append(p.lines, lines)
	}
	p.ExtendBaseWidget(p)
	return p
}

// AccessibilityLabel says what is drawn.
func (p *Plot) AccessibilityLabel() string { return p.name }

// AccessibilityRole is that of something to read.
func (p *Plot) AccessibilityRole() fyne.AccessibleRole { return fyne.AccessibleRoleText }

// CreateRenderer draws it.
func (p *Plot) CreateRenderer() fyne.WidgetRenderer {
	r := &plotRenderer{p}
	r.paint()
	return r
}

type plotRenderer struct{ *Plot }

// box is what has to be on view, in metres.
func (r *plotRenderer) box() (left, low, right, top float64) {
	left, low, right, top = math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, s := range r.spots {
		left, right = min(left, s.X-s.Radius), max(right, s.X+s.Radius)
		low, top = min(low, s.Y-s.Radius), max(top, s.Y+s.Radius)
	}
	if left > right {
		return -100, -100, 100, 100
	}
	return left, low, right, top
}

func (r *plotRenderer) Layout(size fyne.Size) {
	const margin = 34
	r.ground.Resize(size)
	left, low, right, top := r.box()
	perMetre := min(float64(size.Width-2*margin)/max(50, right-left), float64(size.Height-2*margin)/max(50, top-low))
	perMetre = max(perMetre, 1e-9)
	mid := [2]float64{(left + right) / 2, (low + top) / 2}
	at := func(s Spot) fyne.Position {
		return fyne.NewPos(size.Width/2+float32((s.X-mid[0])*perMetre), size.Height/2-float32((s.Y-mid[1])*perMetre))
	}
	for i, s := range r.spots {
		p, m := at(s), r.marks[i]
		radius := max(5, float32(s.Radius*perMetre))
		m.circle.Move(p.SubtractXY(radius, radius))
		m.circle.Resize(fyne.NewSquareSize(2 * radius))
		m.dot.Move(p.SubtractXY(6, 6))
		m.dot.Resize(fyne.NewSquareSize(12))
		words := m.label.MinSize()
		down := float32(-radius) - words.Height
		if s.Person {
			down = 8
		}
		m.label.Move(fyne.NewPos(min(max(4, p.X-words.Width/2), size.Width-words.Width-4), min(max(2, p.Y+down), size.Height-words.Height-2)))
		m.label.Resize(words)
	}
	for i, route := range r.routes {
		for j, line := range r.lines[i] {
			line.Position1, line.Position2 = at(route[j]), at(route[j+1])
		}
	}
	metres := round(float64(size.Width) / 4 / perMetre)
	y := size.Height - 10
	r.bar.Position1, r.bar.Position2 = fyne.NewPos(12, y), fyne.NewPos(12+float32(float64(metres)*perMetre), y)
	r.scale.Text = r.words(metres)
	r.scale.Move(fyne.NewPos(12, y-4-r.scale.MinSize().Height))
}

// round gives a distance that is easy to read: 1, 2 or 5 with zeros.
func round(metres float64) int {
	step := math.Pow(10, math.Floor(math.Log10(max(1, metres))))
	for _, n := range []float64{5, 2} {
		if n*step <= metres {
			return int(n * step)
		}
	}
	return int(step)
}

func (r *plotRenderer) MinSize() fyne.Size { return fyne.NewSize(220, 260) }

func (r *plotRenderer) paint() {
	ink, primary := theme.Color(theme.ColorNameForeground), theme.Color(theme.ColorNamePrimary)
	r.ground.FillColor = theme.Color(theme.ColorNameInputBackground)
	for i, s := range r.spots {
		m := r.marks[i]
		m.circle.StrokeWidth, m.circle.StrokeColor = 1, primary
		m.circle.FillColor = faint(primary, 0x30)
		if s.Person {
			m.circle.StrokeColor, m.circle.FillColor = faint(ink, 0x60), faint(ink, 0x18)
			m.dot.FillColor = theme.Color(theme.ColorNameError)
		}
		m.label.Color = ink
		m.label.TextSize = theme.Size(theme.SizeNameCaptionText)
	}
	for _, lines := range r.lines {
		for _, l := range lines {
			l.StrokeColor = faint(ink, 0x90)
		}
	}
	r.bar.StrokeColor, r.scale.Color = ink, ink
	r.scale.TextSize = theme.Size(theme.SizeNameCaptionText)
}

func faint(c color.Color, alpha uint8) color.Color {
	n, _ := color.NRGBAModel.Convert(c).(color.NRGBA)
	n.A = alpha
	return n
}

func (r *plotRenderer) Refresh() {
	r.paint()
	r.Layout(r.Size())
	canvas.Refresh(r.Plot)
}

func (r *plotRenderer) Objects() []fyne.CanvasObject {
	list := []fyne.CanvasObject{r.ground}
	for _, m := range r.marks {
		list = append(list, m.circle)
	}
	for _, lines := range r.lines {
		for _, l := range lines {
			list = append(list, l)
		}
	}
	for _, m := range r.marks {
		list = append(list, m.dot, m.label)
	}
	return append(list, r.bar, r.scale)
}

func (r *plotRenderer) Destroy() {}
