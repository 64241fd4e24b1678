package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/ingle-home/ingle/accessories/rtsp/sim"
	"github.com/ingle-home/ingle/hub/api/client"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/internal/measure"
)

// bench measures.
type bench struct {
	options
	dir     string
	log     io.Writer
	results []result
}

// window is where the app's window is on the display, and page what is in it beside the rail.
func window() image.Rectangle { return image.Rect(0, 0, 1060, 740) }
func page() image.Rectangle   { return image.Rect(190, 0, 1060, 740) }

// all does all parts.
func (b *bench) all(ctx context.Context) (results []result, err error) {
	about, err := os.Stat(b.app)
	if err != nil {
		return nil, err
	}
	b.add("the program, stripped", "MB", most(32), float64(about.Size())/1e6)
	d, err := b.openDesk(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	app, err := b.starts(ctx, d)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, app.stop()) }()
	for _, part := range []func(context.Context, *desk, *process) error{b.atHome, b.idle, b.events, b.camera, b.four} {
		if err := part(ctx, d, app); err != nil {
			return nil, err
		}
	}
	return b.results, nil
}

func (b *bench) add(name, unit string, l limit, values ...float64) {
	b.results = append(b.results, result{name, unit, l, values})
	fmt.Fprintf(b.log, "bench: %s: %.4g %s\n", name, values, unit)
}

// starts starts the app again and again, and leaves the last one open.
func (b *bench) starts(ctx context.Context, d *desk) (app *process, err error) {
	var first, full []float64
	left, right := page(), page()
	left.Max.X, right.Min.X = 620, 620
	for i := range b.options.starts {
		began := time.Now()
		if app, err = d.open(ctx); err != nil {
			return nil, err
		}
		seen, err := until(ctx, "the first pixels", func() bool { return d.glass.colours(window()) >= 8 })
		if err != nil {
			return nil, errors.Join(err, app.stop())
		}
		home, err := until(ctx, "Home with its cameras", func() bool { return d.glass.strong(left) >= 6 && d.glass.strong(right) >= 6 })
		if err != nil {
			return nil, errors.Join(err, app.stop())
		}
		first, full = append(first, seen.Sub(began).Seconds()), append(full, home.Sub(began).Seconds())
		if i == b.options.starts-1 {
			break
		}
		if err := app.stop(); err != nil {
			return nil, err
		}
		if _, err := until(ctx, "the window is gone", func() bool { return d.glass.colours(window()) == 1 }); err != nil {
			return nil, err
		}
	}
	b.add("from the start to the first pixels", "s", most(1.5), first...)
	b.add("from the start to Home with the pictures of two cameras", "s", shown(), full...)
	return app, nil
}

// atHome weighs the app at Home.
func (b *bench) atHome(ctx context.Context, _ *desk, app *process) error {
	if err := pause(ctx, b.span(10*time.Second)); err != nil {
		return err
	}
	return b.weigh(ctx, app, "resident memory at Home", 220)
}

func (b *bench) weigh(ctx context.Context, app *process, name string, limit float64) error {
	var all []float64
	for range 5 {
		mb, err := measure.Resident(app.cmd.Process.Pid)
		if err != nil {
			return err
		}
		all = append(all, mb)
		if err := pause(ctx, b.span(2*time.Second)); err != nil {
			return err
		}
	}
	b.add(name, "MB", most(limit), all...)
	return nil
}

// idle looks at what the app does while nothing happens in the home and no camera is on view.
func (b *bench) idle(ctx context.Context, d *desk, app *process) error {
	atHome, err := b.share(ctx, app, b.span(10*time.Second), nil)
	if err != nil {
		return err
	}
	if err := errors.Join(d.do(ctx, "key", "ctrl+2"), d.glass.rest(ctx, page(), time.Second)); err != nil {
		return err
	}
	still, err := b.share(ctx, app, b.span(20*time.Second), nil)
	if err != nil {
		return err
	}
	b.add("processor time while nothing happens, of one processor", "%", most(2), still)
	b.add("the same at Home with two cameras", "%", shown(), atHome)
	return nil
}

// share is the part of one processor that the app takes in a span, while meanwhile runs.
func (b *bench) share(ctx context.Context, app *process, span time.Duration, meanwhile func() error) (float64, error) {
	before, err := measure.CPU(app.cmd.Process.Pid)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	if meanwhile == nil {
		meanwhile = func() error { return pause(ctx, span) }
	}
	if err := meanwhile(); err != nil {
		return 0, err
	}
	after, err := measure.CPU(app.cmd.Process.Pid)
	return 100 * float64(after-before) / float64(time.Since(began)), err
}

// events has the watch report its battery, and looks when its page shows it.
func (b *bench) events(ctx context.Context, d *desk, _ *process) error {
	if err := d.visit(ctx, "Mia's Watch"); err != nil {
		return err
	}
	n := 60
	if b.quick {
		n = 6
	}
	var took []float64
	for i := range n {
		if err := d.glass.rest(ctx, page(), 300*time.Millisecond); err != nil {
			return err
		}
		before, began := d.glass.sum(page()), time.Now()
		if err := tell(ctx, fmt.Sprintf("%s/sim/watch/battery?level=%d", d.home.Control, 20+i%60)); err != nil {
			return err
		}
		seen, err := until(ctx, "the watch's battery", func() bool { return d.glass.sum(page()) != before })
		if err != nil {
			return err
		}
		took = append(took, float64(seen.Sub(began).Microseconds())/1000)
	}
	b.add("from the watch's report to the pixels, half are faster", "ms", shown(), part(took, 0.5))
	b.add("the same, 95 of 100 are faster", "ms", most(250), part(took, 0.95))
	return nil
}

// tell posts to the demo's simulators.
func tell(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	return answer.Body.Close()
}

// camera looks closely at a camera of 1280 by 720 pixels and 15 pictures a second.
func (b *bench) camera(ctx context.Context, d *desk, app *process) error {
	if err := errors.Join(d.do(ctx, "key", "ctrl+3"), pause(ctx, 2*time.Second),
		d.do(ctx, "mousemove", "400", "250", "click", "1"), pause(ctx, b.span(5*time.Second))); err != nil {
		return err
	}
	var eye image.Rectangle
	if _, err := until(ctx, "the camera's picture", func() (ok bool) {
		eye, ok = d.glass.picture(image.Rect(200, 60, 620, 400))
		return ok
	}); err != nil {
		return err
	}
	span, pictures := b.span(time.Minute), 0
	before, err := measure.Resident(app.cmd.Process.Pid)
	if err != nil {
		return err
	}
	cpu, err := b.share(ctx, app, span, func() (err error) {
		pictures, err = d.glass.changes(ctx, eye, span)
		return err
	})
	if err != nil {
		return err
	}
	b.add("pictures a second of one camera, 640 × 360", "", least(14), float64(pictures)/span.Seconds())
	b.add("processor time meanwhile, of one processor", "%", most(25), cpu)
	after, err := measure.Resident(app.cmd.Process.Pid)
	b.add("resident memory that a minute of it adds", "MB", most(20), after-before)
	return err
}

// four adds two cameras, and weighs the app with four at Home.
func (b *bench) four(ctx context.Context, d *desk, app *process) (err error) {
	line := client.Dial(d.home.Socket)
	defer line.Close()
	for _, name := range []string{"Yard", "Cellar"} {
		box, err := sim.Start(sim.Options{})
		if err != nil {
			return err
		}
		defer box.Close()
		if _, err := line.Add(ctx, wire.AddRequest{Driver: "rtsp", Name: name, Address: box.Address(),
			Fields: map[string]string{"user": "hub"}, Secret: map[string]string{"password": "porch-light"}}); err != nil {
			return err
		}
	}
	if err := errors.Join(d.do(ctx, "key", "ctrl+1"), pause(ctx, b.span(15*time.Second))); err != nil {
		return err
	}
	if err := b.weigh(ctx, app, "resident memory with four live cameras", 260); err != nil {
		return err
	}
	cpu, err := b.share(ctx, app, b.span(10*time.Second), nil)
	b.add("processor time meanwhile, of one processor", "%", shown(), cpu)
	return err
}
