// Package bus carries what the home's things report to those who are cleared for it.
//
// Publishing never blocks: a State waits at most once per subscriber, the newest value wins; an Event
// waits in order. A subscriber names the highest class that it may receive, so one cleared for
// Household cannot receive a coordinate, whatever a driver reports. Every subscription starts with the
// whole state that it is cleared for.
package bus

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	"github.com/ingle-home/ingle/accessories/trait"
)

// ErrClosed is what Next returns after Close.
var ErrClosed = errors.New("bus: closed")

// maxEvents bounds the events that wait for one subscriber. One that is so far behind has stopped;
// the oldest events go, and Lost counts them.
const maxEvents = 4096

// Change is a reading of one accessory.
type Change struct {
	Accessory string
	Reading   trait.Reading
}

type key struct {
	accessory string
	trait     trait.Any
}

func (c Change) key() key { return key{c.Accessory, c.Reading.Trait} }

// Bus is safe for concurrent use.
type Bus struct {
	mu     sync.Mutex
	state  map[key]Change
	order  []key // in which states were first seen, so that snapshots are stable
	subs   map[*Subscription]struct{}
	closed bool
}

// New makes an empty bus.
func New() *Bus {
	return &Bus{state: map[key]Change{}, subs: map[*Subscription]struct{}{}}
}

// Publish hands a change to every subscriber that is cleared for it. A state older than the known one
// is dropped.
func (b *Bus) Publish(c Change) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return
	}
	if c.Reading.Trait.Kind() == trait.State {
		known, ok := b.state[c.key()]
		if ok && c.Reading.At.Before(known.Reading.At) {
			return
		}
		if !ok {
			b.order = append(b.order, c.key())
		}
		b.state[c.key()] = c
	}
	for s := range b.subs {
		s.offer(c)
	}
}

// Last gives the newest state of a trait of an accessory.
func (b *Bus) Last(accessory string, t trait.Any) (trait.Reading, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c, ok := b.state[key{accessory, t}]
	return c.Reading, ok
}

// Accessories lists those of which a state is known.
func (b *Bus) Accessories() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	known := map[string]bool{}
	for k := range b.state {
		known[k.accessory] = true
	}
	return slices.Sorted(maps.Keys(known))
}

// Drop forgets an accessory's states.
func (b *Bus) Drop(accessory string) {
	b.DropIf(func(c Change) bool { return c.Accessory == accessory })
}

// DropIf forgets the states that are meant.
func (b *Bus) DropIf(meant func(Change) bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	kept := b.order[:0]
	for _, k := range b.order {
		if meant(b.state[k]) {
			delete(b.state, k)
			continue
		}
		kept = append(kept, k)
	}
	b.order = kept
}

// Subscribe starts a subscription that is cleared for classes up to highest. The name is for
// diagnosis. Close ends it.
func (b *Bus) Subscribe(name string, highest trait.Class) *Subscription {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := &Subscription{name: name, highest: highest, bus: b, states: map[key]Change{}, wake: make(chan struct{}, 1), closed: b.closed}
	for _, k := range b.order {
		s.offer(b.state[k])
	}
	b.subs[s] = struct{}{}
	return s
}

// Close ends all subscriptions.
func (b *Bus) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	for s := range b.subs {
		s.end()
	}
}

// Subscription is one consumer's queue.
type Subscription struct {
	name    string
	highest trait.Class
	bus     *Bus

	mu     sync.Mutex
	queue  []waiting
	states map[key]Change // the newest value of each state in the queue
	events int
	lost   int
	closed bool
	wake   chan struct{}
}

// waiting is one place in the queue: a state by its key, or an event with its own change.
type waiting struct {
	state key
	event *Change
}

func (s *Subscription) offer(c Change) {
	if c.Reading.Trait.Class() > s.highest {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.Reading.Trait.Kind() == trait.Event {
		s.queueEvent(c)
	} else {
		if _, queued := s.states[c.key()]; !queued {
			s.queue = append(s.queue, waiting{state: c.key()})
		}
		s.states[c.key()] = c
	}
	s.signal()
}

func (s *Subscription) queueEvent(c Change) {
	if s.events == maxEvents {
		s.dropOldestEvent()
	}
	s.events++
	s.queue = append(s.queue, waiting{event: &c})
}

func (s *Subscription) dropOldestEvent() {
	for i, w := range s.queue {
		if w.event != nil {
			s.queue = append(s.queue[:i], s.queue[i+1:]...)
			s.events--
			s.lost++
			return
		}
	}
}

func (s *Subscription) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Next waits for the next change: ctx's error when it ends, ErrClosed after Close. One goroutine
// reads a subscription.
func (s *Subscription) Next(ctx context.Context) (Change, error) {
	for {
		if c, ok, err := s.take(); ok || err != nil {
			return c, err
		}
		select {
		case <-ctx.Done():
			return Change{}, ctx.Err()
		case <-s.wake:
		}
	}
}

func (s *Subscription) take() (Change, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return Change{}, false, ErrClosed
	}
	if len(s.queue) == 0 {
		return Change{}, false, nil
	}
	first := s.queue[0]
	s.queue = s.queue[1:]
	if first.event != nil {
		s.events--
		return *first.event, true, nil
	}
	c := s.states[first.state]
	delete(s.states, first.state)
	return c, true, nil
}

// Lost counts the events that this subscriber was too slow to take.
func (s *Subscription) Lost() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lost
}

// Name is the subscriber's name.
func (s *Subscription) Name() string { return s.name }

// Close ends the subscription.
func (s *Subscription) Close() {
	s.bus.mu.Lock()
	delete(s.bus.subs, s)
	s.bus.mu.Unlock()
	s.end()
}

func (s *Subscription) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.signal()
}
