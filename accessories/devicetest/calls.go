package devicetest

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/trait"
)

func ignore(trait.Reading) error { return nil }

// tryOpen calls Open. A session that comes after it was left behind is ended.
func (r *run) tryOpen(ctx context.Context, max time.Duration) (device.Session, error) {
	driver, config := r.suite.Driver, r.config
	from := start("Open", func() (device.Session, error) { return driver.Open(ctx, config) })
	s, err := await(r, "Open", max, from)
	if errors.As(err, new(*late)) {
		go func() {
			if a := <-from; a.err == nil && a.value != nil {
				_ = a.value.Run(over(), ignore)
			}
		}()
	}
	return s, err
}

// open opens the thing, or says that it could not.
func (r *run) open() device.Session {
	ctx, cancel := context.WithTimeout(context.Background(), r.limits.open)
	defer cancel()
	s, err := r.tryOpen(ctx, r.limits.open+r.limits.grace)
	if err == nil && s == nil {
		err = errors.New("it gave neither a session nor an error")
	}
	if err != nil {
		r.failf("Open: %v", err)
		return nil
	}
	return s
}

// over is a context that has ended.
func over() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// end ends a session that is not run. Whether Run obeys is judged elsewhere.
func (r *run) end(s device.Session) {
	hung := r.hung
	_, _ = guard(r, "Run", r.limits.grace, only(func() error { return s.Run(over(), ignore) }))
	r.hung = hung
}

// running opens the thing and runs it; body runs from the first reading on. Then it ends it, and
// waits. A thing that reports nothing unasked gets a moment instead.
func (r *run) running(report func(trait.Reading) error, body func(device.Session)) {
	s := r.open()
	if s == nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var once sync.Once
	up := make(chan struct{})
	ended := start("Run", only(func() error {
		return s.Run(ctx, func(x trait.Reading) error {
			err := report(x)
			once.Do(func() { close(up) })
			return err
		})
	}))
	r.moment(up)
	body(s)
	cancel()
	_, err := await(r, "Run", r.limits.grace, ended)
	if errors.As(err, new(*late)) {
		r.failf("Run ignores its context: it did not end within %v", r.limits.grace)
	} else if errors.As(err, new(*panicked)) {
		r.failf("%v", err)
	}
}

func (r *run) moment(up <-chan struct{}) {
	timer := time.NewTimer(2 * time.Second)
	defer timer.Stop()
	select {
	case <-up:
	case <-timer.C:
	}
}

// command has the thing obey.
func (r *run) command(s device.Session, cmd trait.Command) error {
	ctx, cancel := context.WithTimeout(context.Background(), r.limits.do)
	defer cancel()
	_, err := guard(r, "Do", r.limits.do+r.limits.grace, only(func() error { return s.Do(ctx, cmd) }))
	return err
}

// ask calls one of the methods that only tell; it says itself what went wrong.
func ask[T any](r *run, call string, f func(context.Context) (T, error)) (T, bool) {
	ctx, cancel := context.WithTimeout(context.Background(), r.limits.call)
	defer cancel()
	v, err := guard(r, call, r.limits.call+r.limits.grace, func() (T, error) { return f(ctx) })
	if err != nil {
		r.failf("%s: %v", call, err)
	}
	return v, err == nil
}

// offer asks for the offer.
func (r *run) offer(s device.Session) device.Offer {
	o, _ := ask(r, "Offer", func(context.Context) (device.Offer, error) { return s.Offer(), nil })
	return o
}

// about asks the driver to describe itself.
func (r *run) about() device.About {
	d := r.suite.Driver
	a, _ := ask(r, "About", func(context.Context) (device.About, error) { return d.About(), nil })
	return a
}
