package setup

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gomonobold"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
	"rsc.io/qr"
)

// quiet is how many light modules stand around a QR code, as ISO/IEC 18004 asks.
const quiet = 4

// maxModule bounds the picture: 64 pixels a module make about 2,000 by 2,400.
const maxModule = 64

// PNG writes the card to print: the QR code of uri in black on white, below it the code for those
// who would rather type. A module of the QR code is module pixels wide, 1 to 64; at 12 the card is
// about 400 pixels wide.
func PNG(w io.Writer, uri, code string, module int) error {
	if module < 1 || module > maxModule {
		return fmt.Errorf("setup: a module of %d pixels", module)
	}
	grid, err := encode(uri, qr.Q)
	if err != nil {
		return err
	}
	side := grid.side() * module
	const digits = 3 // modules: what the code needs of height when it is nearly as wide as the QR code
	card := image.NewPaletted(image.Rect(0, 0, side, side+(digits+quiet)*module), grays())
	for y := range side {
		for x := range side {
			if grid.dark(x/module, y/module) {
				card.SetColorIndex(x, y, black)
			}
		}
	}
	if err := write(card, code, side-2*(quiet+1)*module, side+digits*module); err != nil {
		return err
	}
	if err := png.Encode(w, card); err != nil {
		return fmt.Errorf("setup: png: %w", err)
	}
	return nil
}

// black is the last of grays, white the first: an empty card is white.
const black = 15

func grays() color.Palette {
	var p color.Palette
	for i := range black + 1 {
		p = append(p, color.Gray{Y: uint8(255 - 17*i)})
	}
	return p
}

// write puts the code on the card, width pixels wide, in the middle, its foot at y pixels.
func write(card draw.Image, code string, width, y int) error {
	if code == "" {
		return nil
	}
	letters, err := opentype.Parse(gomonobold.TTF)
	if err != nil {
		return fmt.Errorf("setup: font: %w", err)
	}
	const ofSize = 0.6 // of its size is how wide a letter of this font is
	size := float64(width) / (ofSize * float64(len(code)))
	face, err := opentype.NewFace(letters, &opentype.FaceOptions{Size: size, DPI: 72})
	if err != nil {
		return fmt.Errorf("setup: font: %w", err)
	}
	defer face.Close()
	pen := font.Drawer{Dst: card, Src: image.Black, Face: face}
	pen.Dot = fixed.Point26_6{X: (fixed.I(card.Bounds().Dx()) - pen.MeasureString(code)) / 2, Y: fixed.I(y)}
	pen.DrawString(code)
	return nil
}

// grid is a QR code with its quiet zone.
type grid struct{ *qr.Code }

// encode gives the smallest QR code that holds the text.
func encode(text string, level qr.Level) (grid, error) {
	code, err := qr.Encode(text, level)
	if err != nil {
		return grid{}, fmt.Errorf("setup: qr: %w", err)
	}
	return grid{code}, nil
}

// side is how many modules it has in a row.
func (g grid) side() int { return g.Size + 2*quiet }

// dark says what the module is; beyond the quiet zone all are light.
func (g grid) dark(x, y int) bool { return g.Black(x-quiet, y-quiet) }
