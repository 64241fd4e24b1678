package widget

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// Nav is one place in the rail, where its name stands beside the picture, or in the bar, where it
// stands below.
type Nav struct {
	widget.BaseWidget
	name     string
	tapped   func()
	beside   bool
	selected bool
	focused  bool
	hovered  bool
	icon     *widget.Icon
	picture  fyne.Resource
	words    *canvas.Text
	ground   *canvas.Rectangle
	badge    *canvas.Circle
}

// NewNav makes one that calls back when it is tapped.
func NewNav(name string, picture fyne.Resource, beside bool, tapped func()) *Nav {
	n := &Nav{name: name, tapped: tapped, beside: beside, picture: picture, icon: widget.NewIcon(picture),
		words: canvas.NewText(name, color.Black), ground: canvas.NewRectangle(color.Transparent), badge: canvas.NewCircle(color.Transparent)}
	n.ground.CornerRadius = 10
	n.badge.Hide()
	if !beside {
		n.words.Alignment = fyne.TextAlignCenter
	}
	n.ExtendBaseWidget(n)
	return n
}

// Select marks it as the place on view.
func (n *Nav) Select(yes bool) {
	if n.selected != yes {
		n.selected = yes
		n.Refresh()
	}
}

// Mark puts a dot on it: something there needs care.
func (n *Nav) Mark(yes bool) {
	if yes != n.badge.Visible() {
		visible(n.badge, yes)
		n.Refresh()
	}
}

func visible(o fyne.CanvasObject, yes bool) {
	if yes {
		o.Show()
	} else {
		o.Hide()
	}
}

// Tapped goes there.
func (n *Nav) Tapped(*fyne.PointEvent) { n.tapped() }

// FocusGained shows that a key would go there.
func (n *Nav) FocusGained() { n.focused = true; n.Refresh() }

// FocusLost shows that it would not.
func (n *Nav) FocusLost() { n.focused = false; n.Refresh() }

// TypedRune does nothing.
func (n *Nav) TypedRune(rune) {}

// TypedKey goes there with Enter or the space bar.
func (n *Nav) TypedKey(e *fyne.KeyEvent) {
	switch e.Name {
	case fyne.KeySpace, fyne.KeyReturn, fyne.KeyEnter:
		n.tapped()
	}
}

// MouseIn shows that the pointer is on it.
func (n *Nav) MouseIn(*desktop.MouseEvent) { n.hovered = true; n.Refresh() }

// MouseMoved does nothing.
func (n *Nav) MouseMoved(*desktop.MouseEvent) {}

// MouseOut shows that the pointer left.
func (n *Nav) MouseOut() { n.hovered = false; n.Refresh() }

// AccessibilityLabel is its name.
func (n *Nav) AccessibilityLabel() string { return n.name }

// AccessibilityRole is that of a button.
func (n *Nav) AccessibilityRole() fyne.AccessibleRole { return fyne.AccessibleRoleButton }

// CreateRenderer draws it.
func (n *Nav) CreateRenderer() fyne.WidgetRenderer {
	r := &navRenderer{n}
	r.paint()
	return r
}

type navRenderer struct{ *Nav }

const (
	navIcon = 22
	navPad  = 10
)

func (r *navRenderer) Layout(size fyne.Size) {
	r.ground.Resize(size)
	words := r.words.MinSize()
	r.icon.Resize(fyne.NewSquareSize(navIcon))
	at := fyne.NewPos((size.Width-navIcon)/2, 7)
	if r.beside {
		at = fyne.NewPos(navPad, (size.Height-navIcon)/2)
		r.words.Move(fyne.NewPos(navIcon+2*navPad, (size.Height-words.Height)/2))
		r.words.Resize(fyne.NewSize(size.Width-navIcon-3*navPad, words.Height))
	} else {
		r.words.Move(fyne.NewPos(0, size.Height-words.Height-5))
		r.words.Resize(fyne.NewSize(size.Width, words.Height))
	}
	r.icon.Move(at)
	r.badge.Resize(fyne.NewSquareSize(9))
	r.badge.Move(at.AddXY(navIcon-5, -3))
}

func (r *navRenderer) MinSize() fyne.Size {
	words := r.words.MinSize()
	if r.beside {
		return fyne.NewSize(words.Width+navIcon+3*navPad, 42)
	}
	return fyne.NewSize(max(words.Width+4, 48), 54)
}

func (r *navRenderer) paint() {
	ink := theme.Color(theme.ColorNameForeground)
	fill := color.Color(color.Transparent)
	switch {
	case r.selected:
		fill, ink = theme.Color(theme.ColorNamePrimary), theme.Color(theme.ColorNameForegroundOnPrimary)
	case r.hovered || r.focused:
		fill = theme.Color(theme.ColorNameButton)
	}
	r.ground.FillColor = fill
	r.ground.StrokeWidth = 0
	if r.focused {
		r.ground.StrokeWidth, r.ground.StrokeColor = 2, theme.Color(theme.ColorNameForeground)
	}
	r.words.Color = ink
	r.words.TextSize = theme.Size(theme.SizeNameCaptionText)
	if r.beside {
		r.words.TextSize = theme.Size(theme.SizeNameText)
	}
	r.words.TextStyle = fyne.TextStyle{Bold: r.selected && r.beside}
	r.badge.FillColor = theme.Color(theme.ColorNameWarning)
	if r.selected {
		r.icon.SetResource(theme.NewColoredResource(r.picture, theme.ColorNameForegroundOnPrimary))
		return
	}
	r.icon.SetResource(theme.NewThemedResource(r.picture))
}

func (r *navRenderer) Refresh() {
	r.paint()
	r.Layout(r.Size())
	r.ground.Refresh()
	r.words.Refresh()
	r.badge.Refresh()
}

func (r *navRenderer) Objects() []fyne.CanvasObject {
	return []fyne.CanvasObject{r.ground, r.icon, r.words, r.badge}
}

func (r *navRenderer) Destroy() {}
