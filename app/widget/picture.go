package widget

import (
	"image"
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"
)

// faded is how much of a picture that is not live gives way to its ground.
const faded = 0.65

// Picture shows a camera's picture, 16 to 9, or words where there is none.
type Picture struct {
	widget.BaseWidget
	name   string
	ground *canvas.Rectangle
	image  *canvas.Image
	words  *canvas.Text
	age    *canvas.Text // of a picture that is not live
	width  float32
}

// NewPicture makes an empty picture of the thing called name.
func NewPicture(name, words string) *Picture {
	grey := color.NRGBA{R: 0xc8, G: 0xca, B: 0xcf, A: 0xff}
	p := &Picture{name: name, ground: canvas.NewRectangle(rgb(0x101216)), image: canvas.NewImageFromImage(nil),
		words: canvas.NewText(words, grey), age: canvas.NewText("", grey)}
	p.ground.CornerRadius = corner - 4
	p.image.CornerRadius = corner - 4
	p.image.FillMode = canvas.ImageFillCover
	p.image.ScaleMode = canvas.ImageScaleFastest
	p.words.Alignment, p.age.Alignment = fyne.TextAlignCenter, fyne.TextAlignCenter
	p.age.TextStyle.Bold = true
	p.age.Hide()
	p.image.Hide()
	p.ExtendBaseWidget(p)
	return p
}

// Set shows a picture as what is to be seen now. It must be tightly packed and is not to be changed
// afterwards. It covers its ground, which is not painted for nothing then; a picture that is on view already
// is not painted again.
func (p *Picture) Set(m *image.RGBA) {
	if p.image.Image == m && !p.ground.Visible() {
		return
	}
	p.image.Image, p.image.Translucency = m, 0
	p.image.Show()
	p.ground.Hide()
	p.words.Hide()
	p.age.Hide()
	p.image.Refresh()
}

// Faded shows a picture that is not live any more: dark, under its age and, where there are any, words.
func (p *Picture) Faded(m *image.RGBA, age, words string) {
	p.image.Image, p.image.Translucency = m, faded
	p.age.Text, p.words.Text = age, words
	p.image.Show()
	p.ground.Show()
	p.age.Show()
	p.words.Hidden = words == ""
	p.Refresh()
}

// Say takes the picture away and shows words.
func (p *Picture) Say(words string) {
	p.words.Text = words
	p.image.Image = nil
	p.image.Hide()
	p.ground.Show()
	p.age.Hide()
	p.words.Show()
	p.Refresh()
}

// Image is the picture on view, or nil.
func (p *Picture) Image() image.Image { return p.image.Image }

// Words are what is shown instead of a picture, or over one.
func (p *Picture) Words() string {
	if p.words.Visible() {
		return p.words.Text
	}
	return ""
}

// Age is the age of a picture that is not live, in words.
func (p *Picture) Age() string {
	if p.age.Visible() {
		return p.age.Text
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
	return widget.NewSimpleRenderer(container.NewStack(p.ground, p.image, container.NewCenter(container.NewVBox(p.words, p.age))))
}
