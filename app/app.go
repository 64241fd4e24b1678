// Package app is the companion: a window on the home. It wires the link, the screens and Fyne's
// driver together and does nothing else; it is the only package that needs a display.
package app

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"os"
	"sync"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/app"

	"github.com/ingle-home/ingle/app/gallery"
	"github.com/ingle-home/ingle/app/link"
	"github.com/ingle-home/ingle/app/model"
	"github.com/ingle-home/ingle/app/parcel"
	"github.com/ingle-home/ingle/app/screen"
	"github.com/ingle-home/ingle/app/screen/frame"
	"github.com/ingle-home/ingle/app/vault"
	parts "github.com/ingle-home/ingle/app/widget"
	"github.com/ingle-home/ingle/app/widget/words"
	"github.com/ingle-home/ingle/hub/api/client"
	"github.com/ingle-home/ingle/i18n"
)

const (
	id          = "home.ingle.app"
	stillWidth  = 640 // of a camera's picture in a tile
	stillHeight = 360
	unseen      = 30 * time.Second // without focus, after which cameras are left alone
)

// flags are what the command line says.
type flags struct {
	hub, shot     string
	demo, gallery bool
}

// Main runs the app and ends the process.
func Main() {
	var f flags
	flag.StringVar(&f.hub, "hub", "", "`socket` of a hub on this machine; as a rule the hub that the app is paired with, or this user's own")
	flag.BoolVar(&f.demo, "demo", false, "show a made home, without a hub")
	flag.BoolVar(&f.gallery, "gallery", false, "show every screen with made data")
	flag.StringVar(&f.shot, "screenshot", "", "draw the first full screen into `file` (PNG) and end")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "ingle: %q is not understood; see --help\n", flag.Arg(0))
		os.Exit(2)
	}
	if err := run(f); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// home is what the window looks at: a hub, or a made home.
type home interface {
	screen.Hub
	Run(ctx context.Context, changed func(link.State))
	link.Eyes
}

// run shows the window until it is closed, and waits for all that it started.
func run(f flags) error {
	if dir, err := os.UserCacheDir(); err == nil {
		_ = os.MkdirAll(dir, 0o700) // Fyne complains where there is none
	}
	l, closed, err := open(f)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	var work sync.WaitGroup
	defer closed()
	defer work.Wait()
	defer stop()

	a := program()
	taste := tasteOf(a.Preferences())
	a.Settings().SetTheme(parts.LookIn(taste.Mood)) // before anything is made in its colours
	texts := textsIn(taste.Language)
	if err := words.Speak(texts); err != nil {
		return err
	}
	w := a.NewWindow(texts.Text("home.title", nil))
	pictures := link.NewPictures(l, stillWidth, stillHeight)
	later := func(f func(context.Context)) { work.Go(func() { f(ctx) }) }
	n := &news{app: a, window: w, hub: l, texts: texts, work: later}
	s := screen.New(screen.Options{Hub: l, Texts: texts, Place: time.Local, OnView: pictures.Want, Work: later, Taste: taste})
	follow(a, s, n, taste)
	dropping(l, s, n)
	w.SetContent(s.Content())
	w.SetPadded(false)
	w.Resize(fyne.NewSize(1060, 740))
	w.SetMaster()
	rest(a.Lifecycle(), s)
	n.tray() // Fyne starts none later

	shots := make(chan error, 1)
	a.Lifecycle().SetOnStarted(func() {
		s.Keys()
		later(func(ctx context.Context) {
			l.Run(ctx, func(state link.State) { fyne.Do(func() { s.Show(state); n.take(state) }) })
		})
		later(func(ctx context.Context) { pictures.Run(ctx, show(ctx, s)) })
		if f.gallery {
			tour(a, s, l)
		}
		if f.shot != "" {
			later(func(ctx context.Context) {
				shots <- draw(ctx, f.shot, s, w)
				fyne.Do(a.Quit)
			})
		}
	})
	w.ShowAndRun()
	stop()
	if f.shot != "" {
		return <-shots
	}
	return nil
}

// dropping has the app forget what it has of the home beside its state, when the hub says so, and wait until
// that is done.
func dropping(l home, s *screen.Screen, n *news) {
	line, ok := l.(*link.Link)
	if !ok {
		return
	}
	line.Drop = func(ctx context.Context, now link.State) bool {
		return inWindow(ctx, func() {
			s.Show(now)
			s.Drop()
			n.crier = model.Crier{}
			n.take(now)
		}) == nil
	}
}

// show gives what brings pictures into the window, and waits until they are in it.
func show(ctx context.Context, s *screen.Screen) func(map[string]link.Picture) {
	return func(newest map[string]link.Picture) {
		_ = inWindow(ctx, func() { s.Pictures(newest) }) // or the window is gone
	}
}

// program is the app as the system knows it.
func program() fyne.App {
	a := app.NewWithID(id)
	a.SetIcon(fyne.NewStaticResource("icon.png", parcel.Icon))
	return a
}

// open gives the home that the window looks at.
func open(f flags) (l home, closed func(), err error) {
	if f.demo || f.gallery {
		return gallery.New(time.Now), func() {}, nil
	}
	keys := vault.New(client.DefaultVault())
	line, err := dial(f.hub, keys)
	if err != nil {
		return nil, nil, err
	}
	made := link.New(line.Client, keys, line.known)
	made.Socket, made.Stay = cmp.Or(f.hub, client.DefaultSocket()), f.hub != ""
	return made, made.Close, nil
}

// line is a client, and whether it is one of a hub that the app is paired with.
type line struct {
	*client.Client
	known bool
}

// dial gives the line to the hub behind a socket, or else to the one that the app is paired with, or else
// to this user's own.
func dial(socket string, v client.Vault) (line, error) {
	if socket != "" {
		return line{client.Dial(socket), false}, nil
	}
	c, err := link.Dial(v)
	if c != nil || err != nil {
		return line{c, true}, err
	}
	return line{client.Dial(client.DefaultSocket()), false}, nil
}

// follow does what a person chooses in the settings, and remembers it.
func follow(a fyne.App, s *screen.Screen, n *news, taste frame.Taste) {
	s.OnTaste(func(t frame.Taste) {
		remember(a.Preferences(), t)
		a.Settings().SetTheme(parts.LookIn(t.Mood))
		if t.Language != taste.Language {
			texts := textsIn(t.Language)
			if err := words.Speak(texts); err != nil {
				fyne.LogError("words", err)
			}
			s.Speak(texts)
			n.speak(texts)
		}
		taste = t
	})
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

// tasteOf reads what a person chose. Preferences are a plain file: nothing secret is in them.
func tasteOf(p fyne.Preferences) frame.Taste {
	return frame.Taste{Language: p.String("language"), Mood: parts.Mood(p.String("mood"))}
}

func remember(p fyne.Preferences, t frame.Taste) {
	p.SetString("language", t.Language)
	p.SetString("mood", string(t.Mood))
}

// textsIn gives the texts of a language; of the system's, if none was chosen.
func textsIn(language string) *i18n.Texts {
	if language == "" {
		language = i18n.Locale()
	}
	return i18n.For(language)
}
