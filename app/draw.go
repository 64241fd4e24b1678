package app

import (
	"context"
	"fmt"
	"image"
	"image/png"
	"os"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/software"

	"github.com/ingle-home/ingle/app/screen"
)

const drawTime = 15 * time.Second // for --screenshot

// draw waits until the screen is full and writes what the window holds. It is drawn anew in software:
// what a graphics card has shown cannot be read back everywhere.
func draw(ctx context.Context, file string, s *screen.Screen, w fyne.Window) error {
	ctx, cancel := context.WithTimeout(ctx, drawTime)
	defer cancel()
	look := time.NewTicker(200 * time.Millisecond)
	defer look.Stop()
	for full := 0; full < 3; { // a moment longer, so that it is drawn too
		select {
		case <-look.C:
		case <-ctx.Done():
			return fmt.Errorf("app: the screen was not full in %v", drawTime)
		}
		filled := false
		if err := inWindow(ctx, func() { filled = s.Filled() }); err != nil {
			return err
		}
		if filled {
			full++
		}
	}
	var m image.Image
	if err := inWindow(ctx, func() {
		c := software.NewCanvas()
		c.SetContent(w.Content())
		c.Resize(w.Canvas().Size())
		m = c.Capture()
	}); err != nil {
		return err
	}
	f, err := os.Create(file)
	if err != nil {
		return fmt.Errorf("app: screenshot: %w", err)
	}
	if err := png.Encode(f, m); err != nil {
		_ = f.Close()
		return fmt.Errorf("app: screenshot: %w", err)
	}
	return f.Close()
}

// inWindow runs f on the window's goroutine; the window may end before it is f's turn.
func inWindow(ctx context.Context, f func()) error {
	done := make(chan struct{})
	fyne.Do(func() { f(); close(done) })
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("app: window: %w", ctx.Err())
	}
}
