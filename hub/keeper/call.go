package keeper

import (
	"context"
	"errors"
	"fmt"
	"time"
)

var (
	errAbandoned = errors.New("the driver ignores its context")
	errPanic     = errors.New("the driver panicked")
)

// call calls a driver under a deadline (0: none), catches its panic, and leaves it behind when it
// has not returned patience after its context ended.
func call(ctx context.Context, max time.Duration, name string, f func(context.Context) error) error {
	cancel := context.CancelFunc(func() {})
	if max > 0 {
		ctx, cancel = context.WithTimeout(ctx, max)
	}
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- caught(ctx, name, f) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case err := <-done:
		return err
	case <-timer.C:
		return fmt.Errorf("keeper: %s: %w", name, errAbandoned)
	}
}

func caught(ctx context.Context, name string, f func(context.Context) error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("keeper: %s: %w: %v", name, errPanic, v)
		}
	}()
	return f(ctx)
}
