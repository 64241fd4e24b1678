package apitest

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/jpeg"
	"net/http"
	"time"

	"github.com/ingle-home/ingle/hub/api/frames"
	"github.com/ingle-home/ingle/hub/api/wire"
)

// Still draws an evening sky, a house and a moon that moves with every picture.
func (h *Home) Still(_ context.Context, id string, width, height int) (wire.Still, error) {
	h.mu.Lock()
	a, ok := h.find(id)
	h.frame++
	frame := h.frame
	h.mu.Unlock()
	if !ok || a.Kind != "camera" {
		return wire.Still{}, wire.Refuse(http.StatusNotFound, wire.CodeUnknown, "id", id)
	}
	if width == 0 || height == 0 {
		width, height = 640, 360
	}
	width = min(width, height*16/9)
	height = width * 9 / 16
	var out bytes.Buffer
	if err := jpeg.Encode(&out, evening(width, height, frame), nil); err != nil {
		return wire.Still{}, err
	}
	return wire.Still{JPEG: out.Bytes(), At: time.Now()}, nil
}

// Frames are such pictures, one after the other.
func (h *Home) Frames(ctx context.Context, id string, l wire.Look, put func(frames.Frame) error) error {
	tick := time.NewTicker(time.Second / time.Duration(l.Rate))
	defer tick.Stop()
	for {
		still, err := h.Still(ctx, id, l.Width, l.Height)
		if err == nil {
			err = put(frames.Frame{JPEG: still.JPEG})
		}
		if err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// SetCamera changes a camera.
func (h *Home) SetCamera(_ context.Context, id string, r wire.CameraRequest) (wire.Accessory, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	a, ok := h.find(id)
	if !ok || a.Kind != "camera" {
		return wire.Accessory{}, wire.Refuse(http.StatusNotFound, wire.CodeUnknown, "id", id)
	}
	now := wire.Camera{}
	if a.Camera != nil {
		now = *a.Camera
	}
	if r.Sound != nil {
		now.Sound = *r.Sound
	}
	if r.Motion != nil {
		now.Motion = *r.Motion
	}
	a.Camera = &now
	h.apply(wire.Change{Accessory: &a})
	return a, nil
}

// Secure knows no factory's password.
func (h *Home) Secure(_ context.Context, id string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if a, ok := h.find(id); !ok || a.Kind != "camera" {
		return wire.Refuse(http.StatusNotFound, wire.CodeUnknown, "id", id)
	}
	return nil
}

// Find sees the porch, which is there already, and a garden.
func (h *Home) Find(context.Context, time.Duration) ([]wire.Found, error) {
	ask := []wire.Question{{Key: "user", Optional: true}, {Key: "password", Secret: true, Optional: true}}
	return []wire.Found{
		{Driver: "onvif", Name: "Garden Cam", Model: "Sim 1", Address: "192.0.2.7", Ask: ask},
		{Driver: "onvif", Name: "Porch Cam", Model: "Sim 1", Address: "192.0.2.8", Known: Camera, Ask: ask},
	}, nil
}

func evening(w, h, frame int) image.Image {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	moonX, moonY := (w/8+frame*w/200)%w, h/4
	for y := range h {
		for x := range w {
			c := color.RGBA{uint8(40 + 90*y/h), uint8(50 + 60*y/h), uint8(110 - 20*y/h), 255}
			roof := y > h*5/8-(w/8-abs(x-w*5/8))*h/w && abs(x-w*5/8) < w/8
			switch {
			case (x-moonX)*(x-moonX)+(y-moonY)*(y-moonY) < h*h/200:
				c = color.RGBA{250, 240, 200, 255}
			case y > h*7/8:
				c = color.RGBA{34, 48, 40, 255}
			case roof && y > h*3/4 && abs(x-w*5/8) < w/40:
				c = color.RGBA{240, 190, 90, 255}
			case roof:
				c = color.RGBA{46, 38, 48, 255}
			}
			m.SetRGBA(x, y, c)
		}
	}
	return m
}

func abs(n int) int { return max(n, -n) }
