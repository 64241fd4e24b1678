package widget

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

const (
	corner = 14
	inset  = 12
)

// Tile is a card with a title, a note beside it and whatever it is given below.
type Tile struct {
	widget.BaseWidget
	title, note *widget.Label
	ground      *canvas.Rectangle
	fill        fyne.ThemeColorName
	content     *fyne.Container
	line        *fyne.Container // the title and the note
}

// NewTile makes a tile. An empty title leaves its line out.
func NewTile(title string, body ...fyne.CanvasObject) *Tile {
	t := newTile(ColorTile)
	t.title.SetText(title)
	t.line = container.NewBorder(nil, nil, nil, container.NewCenter(t.note), t.title)
	if title == "" {
		t.line.Hide()
	}
	t.content = padded(container.NewVBox(append([]fyne.CanvasObject{t.line}, body...)...))
	t.ExtendBaseWidget(t)
	return t
}

// NewBanner makes a tile that calls for attention, with a button if text is not empty.
func NewBanner(title, detail, button string, tapped func()) *Tile {
	t := newTile(theme.ColorNameError)
	paint := widget.NewRichText(
		&widget.TextSegment{Text: title, Style: bannerStyle(theme.SizeNameSubHeadingText, true)},
		&widget.TextSegment{Text: detail, Style: bannerStyle(theme.SizeNameText, false)})
	paint.Truncation = fyne.TextTruncateEllipsis
	t.title.SetText(title)
	box := container.NewVBox(paint)
	if button != "" {
		box.Add(NewButton(button, nil, tapped, nil))
	}
	t.content = padded(box)
	t.ExtendBaseWidget(t)
	return t
}

// NewGround puts content on the ground of a tile, without its corners and its room.
func NewGround(name string, content *fyne.Container) *Tile {
	t := newTile(ColorTile)
	t.title.SetText(name)
	t.ground.CornerRadius = 0
	t.content = content
	t.ExtendBaseWidget(t)
	return t
}

// NewToast makes a short-lived message, with a button if text is not empty. bad says that something
// did not work.
func NewToast(text, button string, bad bool, tapped func()) *Tile {
	ground, ink := theme.ColorNameForeground, theme.ColorNameBackground
	if bad {
		ground, ink = theme.ColorNameError, theme.ColorNameForegroundOnError
	}
	t := newTile(ground)
	t.title.SetText(text)
	paint := widget.NewRichText(&widget.TextSegment{Text: text, Style: widget.RichTextStyle{ColorName: ink, SizeName: theme.SizeNameText}})
	paint.Wrapping = fyne.TextWrapWord
	box := container.NewBorder(nil, nil, nil, nil, paint)
	if button != "" {
		b := NewButton(button, nil, tapped, nil)
		box = container.NewBorder(nil, nil, nil, container.NewCenter(b), paint)
	}
	t.content = container.New(layout.NewCustomPaddedLayout(2, 2, inset, inset), box)
	t.ExtendBaseWidget(t)
	return t
}

func bannerStyle(size fyne.ThemeSizeName, bold bool) widget.RichTextStyle {
	return widget.RichTextStyle{ColorName: theme.ColorNameForegroundOnError, SizeName: size, TextStyle: fyne.TextStyle{Bold: bold}}
}

func newTile(fill fyne.ThemeColorName) *Tile {
	t := &Tile{title: widget.NewLabelWithStyle("", fyne.TextAlignLeading, fyne.TextStyle{Bold: true}),
		note: widget.NewLabel(""), ground: canvas.NewRectangle(theme.Color(fill)), fill: fill}
	t.ground.CornerRadius = corner
	t.paint()
	t.title.Truncation = fyne.TextTruncateEllipsis
	t.title.SizeName = theme.SizeNameSubHeadingText
	t.note.Importance = widget.LowImportance
	t.note.SizeName = theme.SizeNameCaptionText
	return t
}

func padded(o fyne.CanvasObject) *fyne.Container {
	return container.New(layout.NewCustomPaddedLayout(inset, inset, inset, inset), o)
}

// Content is what the tile holds.
func (t *Tile) Content() *fyne.Container { return t.content }

// SetTitle changes the title.
func (t *Tile) SetTitle(text string) { t.title.SetText(text) }

// SetNote puts a short word beside the title.
func (t *Tile) SetNote(text string) {
	if text == t.note.Text {
		return
	}
	t.note.SetText(text)
	if t.line != nil { // the title leaves more room to a short note
		t.line.Refresh()
	}
}

// AccessibilityLabel is the title.
func (t *Tile) AccessibilityLabel() string { return t.title.Text }

// AccessibilityRole says that the tile holds others.
func (t *Tile) AccessibilityRole() fyne.AccessibleRole { return fyne.AccessibleRoleContainer }

// CreateRenderer draws the card.
func (t *Tile) CreateRenderer() fyne.WidgetRenderer { return &tileRenderer{t} }

type tileRenderer struct{ *Tile }

func (r *tileRenderer) Layout(size fyne.Size) {
	r.ground.Resize(size)
	r.content.Resize(size)
}

func (r *tileRenderer) MinSize() fyne.Size { return r.content.MinSize() }

// paint colours the ground. Where tiles have the colour of the window, a line shows where they end.
func (t *Tile) paint() {
	t.ground.FillColor, t.ground.StrokeWidth = theme.Color(t.fill), 0
	if t.fill == ColorTile && t.ground.FillColor == theme.Color(theme.ColorNameBackground) {
		t.ground.StrokeWidth, t.ground.StrokeColor = 1, theme.Color(theme.ColorNameInputBorder)
	}
}

func (r *tileRenderer) Refresh() {
	r.paint()
	r.ground.Refresh()
	r.content.Refresh()
}

func (r *tileRenderer) Objects() []fyne.CanvasObject { return []fyne.CanvasObject{r.ground, r.content} }

func (r *tileRenderer) Destroy() {}
