package gallery

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/jpeg"
	"net/http"

	"github.com/ingle-home/ingle/hub/api/wire"
)

// Still is what a camera sees: an evening with a moon that moves, or a garden at noon with a bee.
func (h *House) Still(_ context.Context, id string, width, height int) (wire.Still, error) {
	h.mu.Lock()
	h.frame++
	frame := h.frame
	h.mu.Unlock()
	if id != Porch && id != Garden {
		return wire.Still{}, wire.Refuse(http.StatusServiceUnavailable, wire.CodeNoPicture)
	}
	raw, err := jpegOf(id, width, height, frame)
	return wire.Still{JPEG: raw, At: h.now()}, err
}

func jpegOf(id string, width, height, frame int) ([]byte, error) {
	var out bytes.Buffer
	err := jpeg.Encode(&out, Scenery(id, width, height, frame), nil)
	return out.Bytes(), err
}

// Scenery draws what a camera sees in a frame.
func Scenery(id string, w, h, frame int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	paint := evening
	if id == Garden {
		paint = noon
	}
	for y := range h {
		for x := range w {
			m.SetRGBA(x, y, paint(float64(x)/float64(w), float64(y)/float64(h), float64(frame)/400))
		}
	}
	return m
}

// evening is a porch with a lit door; all measures are parts of the picture.
func evening(x, y, t float64) color.RGBA {
	moon := 0.12 + t - float64(int(t))
	switch {
	case near(x, y, moon, 0.22, 0.045):
		return color.RGBA{250, 240, 205, 255}
	case y > 0.86:
		return color.RGBA{38, 46, 44, 255}
	case x > 0.52 && x < 0.64 && y > 0.48:
		if near(x, y, 0.62, 0.68, 0.008) {
			return color.RGBA{90, 60, 30, 255}
		}
		return color.RGBA{226, 170, 84, 255}
	case x > 0.72 && x < 0.84 && y > 0.5 && y < 0.68:
		return color.RGBA{240, 200, 120, 255}
	case x > 0.4 && y > 0.36+0.3*distance(x, 0.68)*distance(x, 0.68):
		return color.RGBA{58, 48, 60, 255}
	}
	return color.RGBA{uint8(34 + 80*y), uint8(44 + 56*y), uint8(104 - 20*y), 255}
}

// noon is a lawn with a tree.
func noon(x, y, t float64) color.RGBA {
	bee := 0.9 - (t*3 - float64(int(t*3)))
	switch {
	case near(x, y, bee, 0.62, 0.014):
		return color.RGBA{250, 205, 40, 255}
	case near(x, y, 0.3, 0.34, 0.2) || near(x, y, 0.4, 0.42, 0.14) || near(x, y, 0.2, 0.44, 0.13):
		return color.RGBA{62, 122, 66, 255}
	case x > 0.28 && x < 0.33 && y > 0.4 && y < 0.8:
		return color.RGBA{110, 80, 56, 255}
	case y > 0.66:
		return color.RGBA{uint8(110 - 40*y), uint8(190 - 50*y), 80, 255}
	case y > 0.6:
		return color.RGBA{176, 150, 116, 255}
	}
	return color.RGBA{uint8(150 + 70*y), uint8(200 + 30*y), 236, 255}
}

// near measures in parts of the height of a picture of 16 to 9.
func near(x, y, cx, cy, r float64) bool {
	dx, dy := (x-cx)*16/9, y-cy
	return dx*dx+dy*dy < r*r
}

func distance(a, b float64) float64 { return max(a-b, b-a) }
