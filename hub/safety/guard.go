// Package safety is what stands between a person and a motor. A Guard is the only caller of an
// actuator, and these are its rules:
//
//   - A speed is clamped to 0–100 % and to the cap of its accessory.
//   - Every speed above 0 has a lease. When the lease ends the motor stops, and only a person's new
//     command renews it.
//   - A stop is sent up to three times until the actuator says that it is done. If it never does, that
//     is a fault for people to see, and the stop is sent again every now and then.
//   - While "Stop everything" is on, no motor gets a speed above 0.
//   - A motor whose link was lost in motion is at rest for the tiles and unknown for the Guard: when
//     it is back it gets a stop before anything else.
//   - Close stops every motor.
//
// A stop always overtakes: a speed that comes back from the actuator after a stop was asked for is
// followed by one more stop, so it does not matter in which order the layers below delivered them.
package safety

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/bus"
	"github.com/ingle-home/ingle/hub/home"
)

// Why a command was not obeyed. Each is also the i18n code of its message.
var (
	ErrHeld       = errors.New("safety.held")        // "Stop everything" is on
	ErrStopped    = errors.New("safety.stopped")     // a stop overtook the command
	ErrNotStopped = errors.New("safety.not-stopped") // the motor does not confirm the stop
	ErrClosed     = errors.New("safety.closed")      // the hub is going down
)

// The health codes that a Guard raises about an accessory and clears when it is at rest.
const (
	CodeNotStopped  = "motor-not-stopped"  // three stops went unanswered
	CodeRestUnknown = "motor-rest-unknown" // its link was lost while it ran
)

// DefaultLease is how long a motor runs without a new command.
const DefaultLease = 5 * time.Minute

const (
	stopTime  = 500 * time.Millisecond // for the actuator to confirm a stop
	stopTries = 3
	stopPause = 100 * time.Millisecond // between two tries, when one fails at once
	retryTime = 10 * time.Second       // between two rounds of tries
	driveTime = 20 * time.Second       // more than any actuator takes
)

// Actuator moves things. Do returns nil when the accessory has done it.
type Actuator interface {
	Do(ctx context.Context, accessory string, cmd trait.Command) error
}

// Faults is where a Guard says what is wrong with an accessory.
type Faults interface {
	Raise(code, subject string, args map[string]string)
	Clear(code, subject string)
}

// Options are what a Guard needs.
type Options struct {
	Actuator Actuator
	Bus      *bus.Bus
	Faults   Faults
	Lease    time.Duration // 0 is DefaultLease
	Held     bool          // whether "Stop everything" was on when the hub last ran
}

// Guard is safe for concurrent use.
type Guard struct {
	o  Options
	wg sync.WaitGroup

	mu     sync.Mutex
	motors map[string]*motor
	left   map[string]bool // accessories that are not of this home any more
	held   bool
	closed bool // no speed above 0 any more
	sealed bool // nothing at all any more
}

// New makes a Guard and publishes whether "Stop everything" is on.
func New(o Options) *Guard {
	if o.Lease <= 0 {
		o.Lease = DefaultLease
	}
	g := &Guard{o: o, motors: map[string]*motor{}, left: map[string]bool{}}
	g.hold(o.Held)
	return g
}

// Do has an accessory obey a person's command. Speeds go through the rules of the package, as does
// the switch home.StopSwitch; other traits go to the actuator as they are.
func (g *Guard) Do(ctx context.Context, accessory string, cmd trait.Command) error {
	if on, ok := trait.StopAll.Want(cmd); ok && accessory == home.StopSwitch {
		if on {
			return g.StopAll(ctx)
		}
		g.hold(false)
		return nil
	}
	percent, ok := trait.Speed.Want(cmd)
	if !ok {
		return g.o.Actuator.Do(ctx, accessory, cmd)
	}
	m, percent, unknown := g.allow(accessory, percent)
	if percent == 0 {
		return g.stop(ctx, m)
	}
	if unknown {
		if err := g.stop(ctx, m); err != nil {
			return err
		}
	}
	return g.drive(ctx, m, percent, true)
}

// allow gives the motor, the speed that it may have, and whether it has to be stopped before.
func (g *Guard) allow(accessory string, percent int) (*motor, int, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	m := g.motor(accessory)
	return m, min(max(percent, 0), m.cap), m.unknown
}

// Cap limits an accessory to a percentage. A motor that is faster is slowed down at once; that is no
// person's command and does not renew its lease.
func (g *Guard) Cap(ctx context.Context, accessory string, percent int) error {
	g.mu.Lock()
	m := g.motor(accessory)
	m.cap = min(max(percent, 0), full)
	slow, over := m.cap, m.running() && m.want > m.cap
	g.mu.Unlock()
	switch {
	case !over:
		return nil
	case slow == 0:
		return g.stop(ctx, m)
	}
	if err := g.drive(ctx, m, slow, false); !errors.Is(err, ErrStopped) {
		return err
	}
	return nil // it was stopped meanwhile, which is slow enough
}

// StopAll turns "Stop everything" on and stops every motor, all at the same time. It returns when
// each is at rest or known not to be, within about two seconds; one that hangs delays no other.
func (g *Guard) StopAll(ctx context.Context) error {
	g.hold(true)
	return g.rest(ctx)
}

// hold turns "Stop everything" on or off and says so.
func (g *Guard) hold(on bool) {
	g.mu.Lock()
	g.held = on
	g.mu.Unlock()
	g.o.Bus.Publish(bus.Change{Accessory: home.StopSwitch, Reading: trait.StopAll.Of(on, time.Now())})
}

// rest stops every motor but those that are away and were at rest when they left.
func (g *Guard) rest(ctx context.Context) error {
	g.mu.Lock()
	var list []*motor
	for _, m := range g.motors {
		if !m.away || m.moving {
			list = append(list, m)
		}
	}
	g.mu.Unlock()
	var stops []<-chan error
	for _, m := range list {
		stops = append(stops, g.begin(m))
	}
	var all error
	for _, done := range stops {
		all = errors.Join(all, g.await(ctx, done))
	}
	return all
}

// Remove stops an accessory's motor and forgets it; Left follows when the accessory is gone.
func (g *Guard) Remove(ctx context.Context, accessory string) error {
	g.mu.Lock()
	m, known := g.motors[accessory]
	g.mu.Unlock()
	if !known {
		return nil
	}
	err := g.stop(ctx, m)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.forget(accessory)
	return err
}

// Left tells that an accessory, whose ID never returns, is not of this home any more. What it reported
// while it was removed, and who still drove it, may have made a motor of it that no stop reaches.
func (g *Guard) Left(accessory string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.left[accessory] = true
	g.forget(accessory)
}

// forget runs under mu.
func (g *Guard) forget(accessory string) {
	m, known := g.motors[accessory]
	if !known {
		return
	}
	m.disarm()
	m.removed = true
	delete(g.motors, accessory)
	g.o.Faults.Clear(CodeNotStopped, accessory)
	g.o.Faults.Clear(CodeRestUnknown, accessory)
}

// Close stops every motor, refuses all further commands, and waits for what it started until ctx
// ends. It must be called while the actuator still works.
func (g *Guard) Close(ctx context.Context) error {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	err := g.rest(ctx)
	g.mu.Lock()
	g.sealed = true
	for _, m := range g.motors {
		m.disarm()
	}
	g.mu.Unlock()
	idle := make(chan struct{})
	go func() { defer close(idle); g.wg.Wait() }()
	select {
	case <-idle:
	case <-ctx.Done():
		err = errors.Join(err, fmt.Errorf("safety: close: %w", ctx.Err()))
	}
	return err
}

// spawn starts what Close waits for; false when it is too late.
func (g *Guard) spawn(f func()) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.sealed {
		return false
	}
	g.wg.Go(f)
	return true
}
