// Package app is the companion: a window on the home. It wires the link, the screens and Fyne's
// driver together and does nothing else; it is the only package that needs a display.
package app

import (
	"context"
	"flag"
	"fmt"
	"image"
	"image/png"
	"os"
	"sync"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/app"
	"fyne.io/fyne/v2/driver/software"

	"github.com/ingle-home/ingle/app/link"
	"github.com/ingle-home/ingle/app/screen"
	parts "github.com/ingle-home/ingle/app/widget"
	"github.com/ingle-home/ingle/hub/api/client"
	"github.com/ingle-home/ingle/i18n"
)

const (
	id          = "home.ingle.app"
	stillWidth  = 640 // of a camera's picture in a tile
	stillHeight = 360
	unseen      = 30 * time.Second // without focus, after which cameras are left alone
	drawTime    = 15 * time.Second // for --screenshot
)

// Main runs the app and ends the process.
func Main() {
	hub := flag.String("hub", "", "`socket` of a hub on this machine; as a rule the hub that the app is paired with, or this user's own")
	shot := flag.String("screenshot", "", "draw the first full screen into `file` (PNG) and end")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "ingle: %q is not understood; see --help\n", flag.Arg(0))
		os.Exit(2)
	}
	if err := run(*hub, *shot); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run shows the window until it is closed, and waits for all that it started.
func run(hub, shot string) error {
	if dir, err := os.UserCacheDir(); err == nil {
		_ = os.MkdirAll(dir, 0o700) // Fyne complains where there is none
	}
	vault := client.DefaultVault()
	line, err := dial(hub, vault)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	var work sync.WaitGroup
	defer line.Close()
	defer work.Wait()
	defer stop()

	a := app.NewWithID(id)
	a.Settings().SetTheme(parts.NewLook())
	texts := i18n.For(i18n.Locale())
	w := a.NewWindow(texts.Text("home.title", nil))
	l := link.New(line, vault)
	pictures := link.NewPictures(l.Still, stillWidth, stillHeight)
	s := screen.New(screen.Options{Hub: l, Texts: texts, Place: time.Local, OnView: pictures.Want,
		Work: func(f func(context.Context)) { work.Go(func() { f(ctx) }) }})
	w.SetContent(s.Content())
	w.Resize(fyne.NewSize(1060, 740))
	w.SetMaster()
	rest(a.Lifecycle(), s)

	shots := make(chan error, 1)
	a.Lifecycle().SetOnStarted(func() {
		work.Go(func() { l.Run(ctx, func(state link.State) { fyne.Do(func() { s.Show(state) }) }) })
		work.Go(func() {
			pictures.Run(ctx, func(id string, m link.Picture) { fyne.Do(func() { s.Picture(id, m) }) })
		})
		if shot != "" {
			work.Go(func() {
				shots <- draw(ctx, shot, s, w)
				fyne.Do(a.Quit)
			})
		}
	})
	w.ShowAndRun()
	stop()
	if shot != "" {
		return <-shots
	}
	return nil
}

// dial gives the line to the hub behind a socket, or else to the one that the app is paired with, or else
// to this user's own.
func dial(socket string, v client.Vault) (*client.Client, error) {
	if socket != "" {
		return client.Dial(socket), nil
	}
	line, err := link.Dial(v)
	if line != nil || err != nil {
		return line, err
	}
	return client.Dial(client.DefaultSocket()), nil
}

// rest leaves the cameras alone while nobody looks.
func rest(cycle fyne.Lifecycle, s *screen.Screen) {
	away := time.AfterFunc(unseen, func() { fyne.Do(func() { s.Rest(true) }) })
	away.Stop()
	cycle.SetOnExitedForeground(func() { away.Reset(unseen) })
	cycle.SetOnEnteredForeground(func() {
		away.Stop()
		s.Rest(false)
	})
}

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
		return fmt.Errorf("app: screenshot: %w", ctx.Err())
	}
}
