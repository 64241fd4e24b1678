package keeper

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/trait"
)

// open opens a session and learns what it offers.
func (k *Keeper) open(ctx context.Context) (device.Session, device.Offer, error) {
	s, err := call(ctx, openTime, "open", dismiss, func(ctx context.Context) (device.Session, error) {
		return k.o.Driver.Open(ctx, k.o.Config)
	})
	if err != nil {
		return nil, device.Offer{}, err
	}
	if s == nil {
		return nil, device.Offer{}, fmt.Errorf("keeper: open gave no session: %w", device.ErrUnsupported)
	}
	offer, err := call(ctx, doTime, "offer", nil, func(context.Context) (device.Offer, error) { return s.Offer(), nil })
	if err != nil {
		dismiss(s)
		return nil, device.Offer{}, err
	}
	return s, offer, nil
}

// dismiss ends a session that nobody wants: a session ends when Run does.
func dismiss(s device.Session) {
	if s == nil {
		return
	}
	over, cancel := context.WithCancel(context.Background())
	cancel()
	_, _ = call(over, 0, "run", nil, only(func(ctx context.Context) error {
		return s.Run(ctx, func(trait.Reading) error { return errOver })
	}))
}

var errOver = fmt.Errorf("keeper: the session is over: %w", device.ErrUnreachable)

// serve runs the session and its commands until either ends, and waits for both. Readings that come
// after that, from a driver that was left behind, are refused: they would overwrite what is true.
func (k *Keeper) serve(ctx context.Context, s device.Session) error {
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	var over atomic.Bool
	defer over.Store(true)
	report := func(r trait.Reading) error {
		if over.Load() {
			return errOver
		}
		return k.o.Report(r)
	}
	done := make(chan struct{})
	deaf := false
	go func() {
		defer close(done)
		k.queue.serve(inner, s, func() { deaf = true; cancel() })
	}()
	_, err := call(inner, 0, "run", nil, only(func(ctx context.Context) error { return s.Run(ctx, report) }))
	over.Store(true)
	k.queue.refuse()
	cancel()
	<-done
	switch {
	case errors.Is(err, errAbandoned), errors.Is(err, errPanic):
		return err
	case deaf:
		return fmt.Errorf("keeper: do: %w", errAbandoned)
	case err == nil:
		return device.ErrUnreachable
	}
	return err
}
