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

// outcome is what a call gave.
type outcome[T any] struct {
	value T
	err   error
}

// call calls a driver under a deadline (0: none), catches its panic, and leaves it behind when it
// has not returned patience after its context ended. What a call that was left behind gives in the
// end goes to late, which may be nil: nobody else would close what it opened.
func call[T any](ctx context.Context, max time.Duration, name string, late func(T), f func(context.Context) (T, error)) (T, error) {
	cancel := context.CancelFunc(func() {})
	if max > 0 {
		ctx, cancel = context.WithTimeout(ctx, max)
	}
	defer cancel()
	done := make(chan outcome[T], 1)
	go func() {
		v, err := caught(ctx, name, f)
		done <- outcome[T]{v, err}
	}()
	select {
	case o := <-done:
		return o.value, o.err
	case <-ctx.Done():
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case o := <-done:
		return o.value, o.err
	case <-timer.C:
	}
	if late != nil {
		go func() {
			if o := <-done; o.err == nil {
				late(o.value)
			}
		}()
	}
	var none T
	return none, fmt.Errorf("keeper: %s: %w", name, errAbandoned)
}

func caught[T any](ctx context.Context, name string, f func(context.Context) (T, error)) (v T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("keeper: %s: %w: %v", name, errPanic, p)
		}
	}()
	return f(ctx)
}

// nothing is what calls give that give only an error.
type nothing struct{}

func only(f func(context.Context) error) func(context.Context) (nothing, error) {
	return func(ctx context.Context) (nothing, error) { return nothing{}, f(ctx) }
}
