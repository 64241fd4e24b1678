package keeper

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/trait"
)

const depth = 8

// ErrBusy says that too many commands wait for one accessory.
var ErrBusy = errors.New("keeper: too many commands wait")

// order is a command that waits, and everyone who wants to know what became of it.
type order struct {
	cmd  trait.Command
	outs []chan error
}

// queue holds what waits for one accessory: in order, one order a trait.
type queue struct {
	mu    sync.Mutex
	list  []*order
	ready chan struct{}
}

func newQueue() *queue { return &queue{ready: make(chan struct{}, 1)} }

func (q *queue) do(ctx context.Context, cmd trait.Command) error {
	ctx, cancel := context.WithTimeout(ctx, timeFor(cmd)+patience)
	defer cancel()
	out := make(chan error, 1)
	if !q.put(cmd, out) {
		return ErrBusy
	}
	select {
	case err := <-out:
		return err
	case <-ctx.Done():
		return fmt.Errorf("keeper: %s: %w", cmd.Trait.ID(), ctx.Err())
	}
}

func (q *queue) put(cmd trait.Command, out chan error) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, o := range q.list {
		if o.cmd.Trait == cmd.Trait {
			o.cmd, o.outs = cmd, append(o.outs, out)
			return true
		}
	}
	if len(q.list) == depth {
		return false
	}
	q.list = append(q.list, &order{cmd, []chan error{out}})
	select {
	case q.ready <- struct{}{}:
	default:
	}
	return true
}

func (q *queue) take() *order {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.list) == 0 {
		return nil
	}
	o := q.list[0]
	q.list = q.list[1:]
	return o
}

// serve gives the orders to the session until ctx ends; then it turns away what waits. A command
// that had to be abandoned breaks the session.
func (q *queue) serve(ctx context.Context, s device.Session, broken func()) {
	defer q.refuse()
	for {
		for o := q.take(); o != nil && ctx.Err() == nil; o = q.take() {
			err := call(ctx, timeFor(o.cmd), "do", func(ctx context.Context) error { return s.Do(ctx, o.cmd) })
			o.answer(err)
			if errors.Is(err, errAbandoned) {
				broken()
			}
		}
		select {
		case <-q.ready:
		case <-ctx.Done():
			return
		}
	}
}

func (q *queue) refuse() {
	for o := q.take(); o != nil; o = q.take() {
		o.answer(device.ErrUnreachable)
	}
}

func (o *order) answer(err error) {
	for _, out := range o.outs {
		out <- err
	}
}

func timeFor(cmd trait.Command) time.Duration {
	if cmd.Trait == trait.Find.Any() {
		return findTime
	}
	return doTime
}
