package gallery

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"net/http"
	"slices"
	"time"

	"github.com/ingle-home/ingle/hub/api/frames"
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

// Frames is what a camera sees, for as long as somebody looks.
func (h *House) Frames(ctx context.Context, id string, l wire.Look, put func(frames.Frame) error) error {
	return pace(ctx, l.Rate, func(int) error {
		s, err := h.Still(ctx, id, l.Width, l.Height)
		if err != nil {
			return err
		}
		return put(frames.Frame{JPEG: s.JPEG})
	})
}

// ClipFrames plays a recording.
func (h *House) ClipFrames(ctx context.Context, id string, from time.Duration, l wire.Look, put func(frames.Frame) error) error {
	h.mu.Lock()
	at := slices.IndexFunc(h.clips, func(c wire.Clip) bool { return c.ID == id })
	if at < 0 {
		h.mu.Unlock()
		return unknownClip(id)
	}
	c := h.clips[at]
	h.mu.Unlock()
	err := pace(ctx, l.Rate, func(n int) error {
		into := from + time.Duration(n)*time.Second/time.Duration(l.Rate)
		if into >= c.Lasts() {
			return errOver
		}
		raw, err := jpegOf(c.Camera, l.Width, l.Height, 40*at+int(into/(50*time.Millisecond)))
		if err != nil {
			return err
		}
		return put(frames.Frame{JPEG: raw, Into: into})
	})
	if errors.Is(err, errOver) {
		return nil
	}
	return err
}

var errOver = errors.New("the recording is over")

// pace calls f so many times a second until ctx ends or f fails.
func pace(ctx context.Context, rate int, f func(n int) error) error {
	tick := time.NewTicker(time.Second / time.Duration(max(1, rate)))
	defer tick.Stop()
	for n := 0; ; n++ {
		if err := f(n); err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
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
