package widget

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
)

// Card is a tile that leads somewhere when it is tapped.
type Card struct {
	Tile
	tapped func()
}

// NewCard makes one.
func NewCard(title string, tapped func(), body ...fyne.CanvasObject) *Card {
	t := NewTile(title, body...)
	c := &Card{tapped: tapped}
	c.title, c.note, c.ground, c.fill, c.content, c.line = t.title, t.note, t.ground, t.fill, t.content, t.line
	c.ExtendBaseWidget(c)
	return c
}

// Tapped goes there.
func (c *Card) Tapped(*fyne.PointEvent) { c.tapped() }

// FocusGained draws a line around it.
func (c *Card) FocusGained() {
	c.ground.StrokeWidth, c.ground.StrokeColor = 2, theme.Color(theme.ColorNamePrimary)
	c.ground.Refresh()
}

// FocusLost takes the line away.
func (c *Card) FocusLost() {
	c.paint()
	c.ground.Refresh()
}

// TypedRune does nothing.
func (c *Card) TypedRune(rune) {}

// TypedKey goes there with Enter or the space bar.
func (c *Card) TypedKey(e *fyne.KeyEvent) {
	switch e.Name {
	case fyne.KeySpace, fyne.KeyReturn, fyne.KeyEnter:
		c.tapped()
	}
}

// AccessibilityRole is that of a button.
func (c *Card) AccessibilityRole() fyne.AccessibleRole { return fyne.AccessibleRoleButton }
