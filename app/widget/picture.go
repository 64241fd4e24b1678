package widget

import (
	"image"
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"
)

// Picture shows a camera's picture, 16 to 9, or words where there is none.
type Picture struct {
	widget.BaseWidget
	name   string
	ground *canvas.Rectangle
	image  *canvas.Image
	words  *canvas.Text
	width  float32
}

// NewPicture makes an empty picture of the thing called name.
func NewPicture(name, words string) *Picture {
	p := &Picture{name: name, ground: canvas.NewRectangle(rgb(0x101216)), image: canvas.NewImageFromImage(nil),
		words: canvas.NewText(words, color.NRGBA{R: 0xc8, G: 0xca, B: 0xcf, A: 0xff})}
	p.ground.CornerRadius = corner - 4
	p.image.CornerRadius = corner - 4
	p.image.FillMode = canvas.ImageFillCover
	p.image.ScaleMode = canvas.ImageScaleFastest
	p.words.Alignment = fyne.TextAlignCenter
	p.image.Hide()
	p.ExtendBaseWidget(p)
	return p
}

// Set shows a picture. It must be tightly packed and is not to be changed afterwards.
func (p *Picture) Set(m *image.RGBA) {
	p.image.Image = m
	p.image.Show()
	p.words.Hide()
	p.image.Refresh()
}

// Say takes the picture away and shows words.
func (p *Picture) Say(words string) {
	p.words.Text = words
	p.image.Image = nil
	p.image.Hide()
	p.words.Show()
	p.words.Refresh()
}

// Image is the picture on view, or nil.
func (p *Picture) Image() image.Image { return p.image.Image }

// Words are what is shown instead of a picture.
func (p *Picture) Words() string {
	if p.words.Visible() {
		return p.words.Text
	}
	return ""
}

// Resize remembers the width, which the height follows.
func (p *Picture) Resize(size fyne.Size) {
	p.width = size.Width
	p.BaseWidget.Resize(size)
}

// MinSize is 16 to 9 of the width that it was given.
func (p *Picture) MinSize() fyne.Size {
	return fyne.NewSize(160, max(90, p.width*9/16))
}

// AccessibilityLabel is the camera's name.
func (p *Picture) AccessibilityLabel() string { return p.name }

// AccessibilityRole is that of something to read: Fyne has no role for pictures.
func (p *Picture) AccessibilityRole() fyne.AccessibleRole { return fyne.AccessibleRoleText }

// CreateRenderer draws it.
func (p *Picture) CreateRenderer() fyne.WidgetRenderer {
	return widget.NewSimpleRenderer(container.NewStack(p.ground, p.image, p.words))
}
