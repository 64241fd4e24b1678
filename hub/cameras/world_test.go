package cameras_test

import (
	"context"
	"log/slog"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/onvif"
	"github.com/ingle-home/ingle/accessories/onvif/sim"
	"github.com/ingle-home/ingle/accessories/rtsp"
	rtspsim "github.com/ingle-home/ingle/accessories/rtsp/sim"
	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/cameras"
	"github.com/ingle-home/ingle/hub/keeper"
)

// porch is a camera of the household behind its keeper and driver, with what it reports and what is wrong
// with it.
type porch struct {
	t      *testing.T
	camera *cameras.Camera
	keeper *keeper.Keeper
	stop   func()

	mu       sync.Mutex
	readings []trait.Reading
	faults   []string
}

func (p *porch) report(r trait.Reading) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.readings = append(p.readings, r)
	return nil
}

// last is the newest value of a trait that is yes or no; found is false where there is none.
func (p *porch) last(t trait.Trait[bool]) (value, found bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.readings {
		if v, ok := t.In(r); ok {
			value, found = v, true
		}
	}
	return value, found
}

func (p *porch) Raise(code, _ string, _ map[string]string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !slices.Contains(p.faults, code) {
		p.faults = append(p.faults, code)
	}
}

func (p *porch) Clear(code, _ string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = slices.DeleteFunc(p.faults, func(c string) bool { return c == code })
}

func (p *porch) wrong(code string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Contains(p.faults, code)
}

// moveIn keeps a camera for as long as the test lasts.
func moveIn(t *testing.T, driver device.Driver, address string, fields map[string]string, password string, s cameras.Settings, change ...func(*cameras.Options)) *porch {
	t.Helper()
	p := &porch{t: t}
	o := cameras.Options{ID: "a-porch", Settings: s, Report: p.report, Faults: p, Log: slog.New(slog.DiscardHandler)}
	for _, c := range change {
		c(&o)
	}
	p.camera = cameras.New(o)
	p.keeper = keeper.New(keeper.Options{
		ID: "a-porch", Driver: driver, Log: slog.New(slog.DiscardHandler),
		Config: device.Config{
			Address: address, Fields: fields, Net: keeper.NewLAN(nil), Log: slog.New(slog.DiscardHandler), Now: time.Now,
			Secret: func(key string) device.Secret {
				if key != "password" {
					return device.Secret{}
				}
				return device.NewSecret(password)
			},
		},
		Report: func(r trait.Reading) error {
			if !p.camera.Believes(r) {
				return nil
			}
			return p.report(r)
		},
		Condition: func(c keeper.Condition) {
			if c.State == keeper.Open {
				p.camera.Opened(p.keeper.Session())
			} else {
				p.camera.Closed()
			}
		},
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = p.keeper.Run(ctx) }()
	p.stop = sync.OnceFunc(func() {
		cancel()
		<-ended
		_ = p.camera.Close()
	})
	t.Cleanup(p.stop)
	return p
}

// plain is a household behind an RTSP camera with two views.
func plain(t *testing.T, o rtspsim.Options, s cameras.Settings, change ...func(*cameras.Options)) (*rtspsim.Sim, *porch) {
	t.Helper()
	o.Dir, o.Small = os.TempDir(), true
	box, err := rtspsim.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = box.Close() })
	p := moveIn(t, rtsp.New(), box.Address(), map[string]string{"user": "hub", "small": box.View("/small")}, "porch-light", s, change...)
	return box, p
}

// smart is a household behind an ONVIF camera.
func smart(t *testing.T, o sim.Options, s cameras.Settings) (*sim.Sim, *porch) {
	t.Helper()
	o.Dir = os.TempDir()
	if o.User == "" {
		o.User, o.Password = "hub", "porch-light"
	}
	box, err := sim.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = box.Close() })
	return box, moveIn(t, onvif.New(), box.Address(), map[string]string{"user": o.User}, o.Password, s)
}

func streams(box *rtspsim.Sim) rtspsim.State { return box.State().(rtspsim.State) }

func state(box *sim.Sim) sim.State { return box.State().(sim.State) }

// until waits for something that happens soon, or some time on a busy machine.
func until(t *testing.T, what string, is func() bool) time.Duration {
	t.Helper()
	begin := time.Now()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		if time.Since(begin) > 40*time.Second {
			t.Fatalf("in vain: %s", what)
		}
		<-tick.C
	}
	return time.Since(begin)
}

// watch follows a view until the test ends and says how many pictures came.
func (p *porch) watch(width, height int) func() int {
	ctx, cancel := context.WithCancel(p.t.Context())
	view := p.camera.Nearest(width, height).View(ctx)
	var mu sync.Mutex
	n := 0
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			_, err := view.Next(ctx)
			if err != nil {
				select {
				case <-ctx.Done():
				case <-time.After(10 * time.Millisecond):
				}
				continue
			}
			mu.Lock()
			n++
			mu.Unlock()
		}
	}()
	p.t.Cleanup(func() { cancel(); view.Close(); <-done })
	return func() int {
		mu.Lock()
		defer mu.Unlock()
		return n
	}
}
