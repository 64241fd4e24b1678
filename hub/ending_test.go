package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/home"
	"github.com/ingle-home/ingle/i18n"
)

// late is a thing that is reached just when the hub ends, and still reports then.
type late struct {
	device.Session
	asked chan struct{}
	once  sync.Once
}

func (*late) About() device.About {
	return device.About{ID: "late", Kinds: []device.Kind{device.Watch}}
}
func (*late) Discover(context.Context, device.Net, func(device.Candidate)) error {
	return device.ErrUnsupported
}

func (l *late) Open(ctx context.Context, _ device.Config) (device.Session, error) {
	l.once.Do(func() { close(l.asked) })
	<-ctx.Done() // the line stands in the moment in which nobody wants it any more
	return l, nil
}

func (*late) Offer() device.Offer { return device.Offer{Model: "late"} }

func (*late) Run(ctx context.Context, report func(trait.Reading) error) error {
	<-ctx.Done()
	return report(trait.Steps.Of(7, time.Now()))
}

// opened is a house with a password, in this process.
func opened(t *testing.T) *house {
	t.Helper()
	d := must[*daemon](t)(newDaemon(settings{dir: shortDir(t), loopback: true, watchPort: -1}, "https://127.0.0.1:0"))
	must[wire.SetupAnswer](t)(d.Setup(t.Context(), wire.SetupRequest{Password: password, StartLocked: true}))
	return d.inside()
}

// A hub that is told to end while it reaches a thing ends; it used to wait for itself.
func TestAHubEndsWhileAThingIsReached(t *testing.T) {
	h := opened(t)
	l := &late{asked: make(chan struct{})}
	h.drivers["late"] = l
	a := must[home.Accessory](t)(h.home.AddAccessory(t.Context(), home.Accessory{Name: "Late", Driver: "late", Kind: string(device.Watch)}, nil))
	if err := h.keep(h.living, a); err != nil {
		t.Fatal(err)
	}
	<-l.asked
	ended := make(chan error, 1)
	go func() { ended <- h.close() }()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Fatal("it does not end")
	}
}

// What is reached at once after a restart is shown with all that it can do: HomeKit stands before the
// first thing is opened.
func TestNothingIsOpenedBeforeItCanBeShown(t *testing.T) {
	h := opened(t)
	shown := make(chan bool, 1)
	h.drivers["early"] = early{func() { shown <- h.bridges != nil }}
	must[home.Accessory](t)(h.home.AddAccessory(t.Context(), home.Accessory{Name: "Early", Driver: "early", Kind: string(device.Watch)}, nil))
	if err := h.bridges.close(); err != nil {
		t.Fatal(err)
	}
	h.daemon.mu.Lock()
	h.daemon.house, h.bridges = nil, nil // as before it was open
	h.daemon.mu.Unlock()
	if err := h.settle(h.living); err != nil {
		t.Fatal(err)
	}
	if !<-shown {
		t.Error("a thing was opened with nobody to show it")
	}
	if err := h.close(); err != nil {
		t.Error(err)
	}
}

// early is a thing whose opening is watched; it is never there.
type early struct{ opening func() }

func (early) About() device.About {
	return device.About{ID: "early", Kinds: []device.Kind{device.Watch}}
}
func (early) Discover(context.Context, device.Net, func(device.Candidate)) error {
	return device.ErrUnsupported
}

func (e early) Open(context.Context, device.Config) (device.Session, error) {
	e.opening()
	return nil, device.ErrRefused // it is not tried again
}

// Whoever ends a hub that is still getting ready, a demo that still furnishes its home, is not told of
// a failure; what went wrong by itself is told.
func TestToBeEndedIsNoFailure(t *testing.T) {
	broken := errors.New("broken")
	for _, c := range []struct{ cause, want error }{{context.Canceled, nil}, {broken, broken}} {
		ctx, end := context.WithCancel(t.Context())
		s := settings{dir: shortDir(t), api: "127.0.0.1:0", loopback: true, watchPort: -1, json: true}
		err := serve(ctx, s, io.Discard, i18n.For("en"), func(ctx context.Context, _ *daemon) (wire.Status, error) {
			end()
			<-ctx.Done()
			return wire.Status{}, fmt.Errorf("furnish: %w", c.cause)
		})
		if !errors.Is(err, c.want) {
			t.Errorf("%v was told as %v", c.cause, err)
		}
		end()
	}
}
