// Package keeper keeps one session with one accessory: it opens, runs, waits and opens again, queues
// commands and names its condition. Each accessory has its own, so that one that flaps delays nobody.
package keeper

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/trait"
)

const (
	openTime = 15 * time.Second
	doTime   = 5 * time.Second
	findTime = 11 * time.Second // a bell counts only once the thing has echoed it
	patience = 10 * time.Second // after which a call that ignores its context is abandoned
	steady   = time.Minute      // a session that lasted this long starts the waits anew
	minWait  = time.Second
	maxWait  = 5 * time.Minute
	missed   = 2 * time.Minute // for which a thing that was there is called often
	missWait = 4 * time.Second
	stayed   = 10 * time.Second // a session that lasted this long was there
)

// State is where a keeper stands.
type State string

// The states. Refused and Unsupported last until Retry.
const (
	Opening     State = "opening"
	Open        State = "open"
	Waiting     State = "waiting"
	Refused     State = "refused"
	Unsupported State = "unsupported"
	Abandoned   State = "abandoned" // the driver ignores its context; its call was left behind
)

// Condition says where a keeper stands and why.
type Condition struct {
	State State
	Since time.Time // UTC
	Next  time.Time // when it opens again, for Waiting and Abandoned
	Code  string    // health code; empty when all is well
	Err   error
}

// Options are what a keeper needs. Report and Condition must be safe for concurrent use.
type Options struct {
	ID        string
	Driver    device.Driver
	Config    device.Config
	Report    func(trait.Reading) error
	Condition func(Condition)
	Log       device.Logger
}

// Keeper keeps one accessory. It is safe for concurrent use.
type Keeper struct {
	o     Options
	queue *queue
	retry chan struct{}

	mu      sync.Mutex
	session device.Session
	offer   *device.Offer
}

// New gives a keeper that does nothing until Run.
func New(o Options) *Keeper {
	return &Keeper{o: o, queue: newQueue(), retry: make(chan struct{}, 1)}
}

// Session is the open session, or nil.
func (k *Keeper) Session() device.Session {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.session
}

// Offer is what the thing offered when it was last open; false when it never was.
func (k *Keeper) Offer() (device.Offer, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.offer == nil {
		return device.Offer{}, false
	}
	return *k.offer, true
}

// Retry ends a wait or a stop: it opens at once.
func (k *Keeper) Retry() {
	select {
	case k.retry <- struct{}{}:
	default:
	}
}

// Run keeps the accessory until ctx ends. One that was there for a while and has gone is called often for
// two minutes: most of them come back soon.
func (k *Keeper) Run(ctx context.Context) error {
	wait := minWait
	var there time.Time // when a session that lasted ended
	for ctx.Err() == nil {
		began := time.Now()
		err := k.once(ctx)
		if ctx.Err() != nil {
			break
		}
		if time.Since(began) >= steady {
			wait = minWait
		}
		if time.Since(began) >= stayed {
			wait, there = min(wait, missWait), time.Now()
		}
		k.pause(ctx, err, wait)
		wait = min(2*wait, maxWait)
		if time.Since(there) < missed && !errors.Is(err, errPanic) && !errors.Is(err, errAbandoned) {
			wait = min(wait, missWait)
		}
	}
	return nil
}

// once opens and runs one session.
func (k *Keeper) once(ctx context.Context) error {
	k.tell(Condition{State: Opening})
	s, offer, err := k.open(ctx)
	if err != nil {
		return err
	}
	k.queue.admit()
	k.hold(s, &offer)
	k.tell(Condition{State: Open})
	k.reachable(true)
	err = k.serve(ctx, s)
	k.hold(nil, &offer)
	k.reachable(false)
	return err
}

func (k *Keeper) hold(s device.Session, o *device.Offer) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.session, k.offer = s, o
}

func (k *Keeper) reachable(yes bool) {
	if err := k.o.Report(trait.Reachable.Of(yes, time.Now())); err != nil {
		k.o.Log.Warn("reachability was not taken", "accessory", k.o.ID, "err", err)
	}
}

// Do has the thing obey, in its turn. Of several commands for one trait that wait, the newest wins
// and all get its outcome. ErrUnreachable while the thing is away, ErrBusy when too many wait.
func (k *Keeper) Do(ctx context.Context, cmd trait.Command) error { return k.queue.do(ctx, cmd) }

// pause waits for the next try: by the clock, or, where only a person can help, for Retry.
func (k *Keeper) pause(ctx context.Context, err error, wait time.Duration) {
	c := Condition{State: Waiting, Code: "accessory-unreachable", Err: err}
	switch {
	case errors.Is(err, errAbandoned):
		c.State, c.Code = Abandoned, "accessory-abandoned"
	case errors.Is(err, device.ErrRefused):
		c.State, c.Code = Refused, "accessory-refused"
	case errors.Is(err, device.ErrUnsupported):
		c.State, c.Code = Unsupported, "accessory-unsupported"
	case errors.Is(err, errPanic):
		c.Code = "accessory-panic"
	}
	if reason := device.Reason(err); reason != "" {
		c.Code = "accessory-" + reason
	}
	var clock <-chan time.Time
	if c.State == Waiting || c.State == Abandoned {
		wait = wait/2 + rand.N(wait/2)
		c.Next = time.Now().Add(wait).UTC()
		timer := time.NewTimer(wait)
		defer timer.Stop()
		clock = timer.C
	}
	k.tell(c)
	select {
	case <-clock:
	case <-k.retry:
	case <-ctx.Done():
	}
}

func (k *Keeper) tell(c Condition) {
	c.Since = time.Now().UTC()
	k.o.Condition(c)
}
