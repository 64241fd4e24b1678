package keeper

import (
	"context"
	"errors"
	"fmt"
	"slices"
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

// queue holds what waits for one accessory: in order, one order a trait and a stop before it. It takes
// orders only while a session serves it, and nothing outlives that session: a speed that was asked for
// on an earlier line must never run on a later one.
//
// A stop goes first and cuts short the speed that is being done: a motor that shall rest does not
// wait for one that answers late.
type queue struct {
	mu    sync.Mutex
	open  bool
	list  []*order
	cut   context.CancelFunc // ends the speed that is being done, if one is
	ready chan struct{}
}

func newQueue() *queue { return &queue{ready: make(chan struct{}, 1)} }

func (q *queue) do(ctx context.Context, cmd trait.Command) error {
	ctx, cancel := context.WithTimeout(ctx, timeFor(cmd)+patience)
	defer cancel()
	out := make(chan error, 1)
	if err := q.put(cmd, out); err != nil {
		return fmt.Errorf("keeper: %s: %w", cmd.Trait.ID(), err)
	}
	select {
	case err := <-out:
		return err
	case <-ctx.Done():
		q.withdraw(out)
		return fmt.Errorf("keeper: %s: %w", cmd.Trait.ID(), ctx.Err())
	}
}

func (q *queue) put(cmd trait.Command, out chan error) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.open {
		return device.ErrUnreachable
	}
	at := slices.IndexFunc(q.list, func(o *order) bool { return o.cmd.Trait == cmd.Trait && !stops(o.cmd) })
	switch {
	case stops(cmd):
		q.putFirst(cmd, out)
	case at >= 0:
		o := q.list[at]
		o.cmd, o.outs = cmd, append(o.outs, out)
	case len(q.list) >= depth:
		return ErrBusy
	default:
		q.list = append(q.list, &order{cmd, []chan error{out}})
	}
	select {
	case q.ready <- struct{}{}:
	default:
	}
	return nil
}

// putFirst puts a stop in place of every speed that waits, and ends the one that is being done. A
// speed that comes later waits behind it.
func (q *queue) putFirst(cmd trait.Command, out chan error) {
	first := &order{cmd, []chan error{out}}
	q.list = slices.DeleteFunc(q.list, func(o *order) bool {
		if o.cmd.Trait != cmd.Trait {
			return false
		}
		first.outs = append(first.outs, o.outs...)
		return true
	})
	q.list = slices.Insert(q.list, 0, first)
	if q.cut != nil {
		q.cut()
	}
}

// withdraw takes back what nobody waits for any more: its sender was told that it failed. A stop
// stays: it is right even then.
func (q *queue) withdraw(out chan error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, o := range q.list {
		o.outs = slices.DeleteFunc(o.outs, func(c chan error) bool { return c == out })
	}
	q.list = slices.DeleteFunc(q.list, func(o *order) bool { return len(o.outs) == 0 && !stops(o.cmd) })
}

// take gives the next order, if there is one. A stop that comes from then on calls cut, if it is a speed.
func (q *queue) take(cut context.CancelFunc) *order {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.cut = nil
	if len(q.list) == 0 {
		return nil
	}
	o := q.list[0]
	q.list = q.list[1:]
	if o.cmd.Trait == trait.Speed.Any() && !stops(o.cmd) {
		q.cut = cut
	}
	return o
}

func stops(cmd trait.Command) bool {
	percent, ok := trait.Speed.Want(cmd)
	return ok && percent <= 0
}

// admit opens the queue for a session.
func (q *queue) admit() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.open = true
}

// serve gives the orders to the session until ctx ends. A command that had to be abandoned breaks
// the session.
func (q *queue) serve(ctx context.Context, s device.Session, broken func()) {
	for {
		for ctx.Err() == nil && q.one(ctx, s, broken) {
			continue
		}
		select {
		case <-q.ready:
		case <-ctx.Done():
			return
		}
	}
}

// one does the next order; false when there is none.
func (q *queue) one(ctx context.Context, s device.Session, broken func()) bool {
	ctx, cut := context.WithCancel(ctx)
	defer cut()
	o := q.take(cut)
	if o == nil {
		return false
	}
	_, err := call(ctx, timeFor(o.cmd), "do", nil, only(func(ctx context.Context) error { return s.Do(ctx, o.cmd) }))
	if errors.Is(err, errAbandoned) {
		q.refuse() // before anyone can react to the answer
		broken()
	}
	o.answer(err)
	return true
}

// refuse closes the queue and turns away what waits.
func (q *queue) refuse() {
	q.mu.Lock()
	left := q.list
	q.open, q.list = false, nil
	q.mu.Unlock()
	for _, o := range left {
		o.answer(fmt.Errorf("keeper: %s: %w", o.cmd.Trait.ID(), device.ErrUnreachable))
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
