package widget

import (
	"fmt"
	"image"
	"image/color"

	"fyne.io/fyne/v2/canvas"

	"fyne.io/fyne/v2"
	"rsc.io/qr"
)

const quiet = 4 // light modules around the code, as ISO/IEC 18004 asks

// NewQR draws a text as a QR code, always dark on white, whatever the theme.
func NewQR(text string, side float32) (*canvas.Image, error) {
	code, err := qr.Encode(text, qr.Q)
	if err != nil {
		return nil, fmt.Errorf("widget: qr: %w", err)
	}
	n := code.Size + 2*quiet
	m := image.NewRGBA(image.Rect(0, 0, n, n))
	for y := range n {
		for x := range n {
			c := color.RGBA{255, 255, 255, 255}
			if code.Black(x-quiet, y-quiet) {
				c = color.RGBA{0, 0, 0, 255}
			}
			m.SetRGBA(x, y, c)
		}
	}
	out := canvas.NewImageFromImage(m)
	out.ScaleMode = canvas.ImageScalePixels
	out.FillMode = canvas.ImageFillContain
	out.SetMinSize(fyne.NewSize(side, side))
	return out, nil
}
