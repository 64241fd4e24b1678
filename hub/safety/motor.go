package safety

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
)

const full = 100 // percent

// motor is what a Guard knows about one accessory. Its fields belong to the Guard's mutex.
type motor struct {
	id      string
	cap     int // percent
	want    int // the last speed that was let through, in percent
	count   int // numbers commands
	driven  int // the number of the newest speed
	stopped int // the number of the newest stop
	moving  bool
	unknown bool // its link was lost in motion, and no stop has been confirmed since
	away    bool // it has no link
	removed bool
	restAt  time.Time // when a stop was last confirmed
	lease   *time.Timer
}

func (g *Guard) motor(accessory string) *motor {
	m := g.motors[accessory]
	if m == nil {
		m = &motor{id: accessory, cap: full, removed: g.left[accessory]}
		if !m.removed {
			g.motors[accessory] = m
		}
	}
	return m
}

// running says whether the newest command is a speed.
func (m *motor) running() bool { return m.moving && m.driven > m.stopped }

func (m *motor) disarm() {
	if m.lease != nil {
		m.lease.Stop()
		m.lease = nil
	}
}

// arm sets when the motor is stopped unless something renews it.
func (g *Guard) arm(m *motor, after time.Duration) {
	m.disarm()
	if g.sealed || m.removed {
		return
	}
	var mine *time.Timer
	mine = time.AfterFunc(after, func() {
		g.mu.Lock()
		current := m.lease == mine
		g.mu.Unlock()
		if current {
			g.begin(m)
		}
	})
	m.lease = mine
}

// drive lets a speed through. A person's renews the lease, which starts before the command is sent: a
// command without an answer may have been obeyed. Any other only changes what already runs.
func (g *Guard) drive(ctx context.Context, m *motor, percent int, person bool) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("safety: %w", err)
	}
	d, err := g.admit(m, percent, person)
	if err != nil {
		return err
	}
	done := make(chan error, 1)
	own := context.WithoutCancel(ctx) // the end of the call has to tell that the command is over
	if !g.spawn(func() { g.carry(own, m, d, done) }) {
		return ErrClosed
	}
	return g.await(ctx, done)
}

// drive is a speed that was let through.
type drive struct {
	percent int
	count   int
	moved   bool // the motor was moving before
}

func (g *Guard) admit(m *motor, percent int, person bool) (drive, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.closed || m.removed:
		return drive{}, ErrClosed
	case g.held:
		return drive{}, ErrHeld
	case m.unknown:
		return drive{}, ErrNotStopped
	case m.cap == 0, !person && !m.running():
		return drive{}, ErrStopped
	}
	m.count++
	d := drive{percent: min(percent, m.cap), count: m.count, moved: m.moving}
	m.driven, m.moving, m.want = m.count, true, d.percent
	if person {
		g.arm(m, g.o.Lease)
	}
	return d, nil
}

// carry brings a speed to the actuator and, if a stop was asked for meanwhile, another stop after it.
func (g *Guard) carry(ctx context.Context, m *motor, d drive, done chan<- error) {
	ctx, cancel := context.WithTimeout(ctx, driveTime)
	defer cancel()
	err := g.o.Actuator.Do(ctx, m.id, trait.Speed.Set(d.percent))
	g.mu.Lock()
	overtaken := m.stopped > d.count
	if err != nil && m.away && !d.moved && m.count == d.count { // it was not there to obey
		m.moving = false
		m.disarm()
	}
	g.mu.Unlock()
	if !overtaken {
		done <- err
		return
	}
	done <- errors.Join(ErrStopped, err)
	g.begin(m)
}

// stop stops a motor and waits for what becomes of it. When ctx ends the stop goes on.
func (g *Guard) stop(ctx context.Context, m *motor) error { return g.await(ctx, g.begin(m)) }

func (g *Guard) await(ctx context.Context, done <-chan error) error {
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("safety: %w", ctx.Err())
	}
}

// begin starts a stop.
func (g *Guard) begin(m *motor) <-chan error {
	done := make(chan error, 1)
	g.mu.Lock()
	m.count++
	m.stopped = m.count
	count := m.count
	m.disarm()
	g.mu.Unlock()
	if !g.spawn(func() { done <- g.verify(m, count) }) {
		done <- ErrClosed
	}
	return done
}

// verify sends the stop until the actuator confirms it.
func (g *Guard) verify(m *motor, count int) error {
	var err error
	for try := range stopTries {
		if try > 0 {
			pause := time.NewTimer(stopPause)
			<-pause.C
		}
		if err = g.attempt(m); err == nil {
			g.atRest(m, count)
			return nil
		}
		if g.gone(m) {
			return fmt.Errorf("safety: %w", err)
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if m.count == count && !m.removed {
		g.o.Faults.Raise(CodeNotStopped, m.id, nil)
		g.arm(m, retryTime)
	}
	return fmt.Errorf("%w: %w", ErrNotStopped, err)
}

// attempt sends one stop and waits for it no longer than stopTime, whatever the actuator does.
func (g *Guard) attempt(m *motor) error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	done := make(chan error, 1)
	g.wg.Go(func() { done <- g.o.Actuator.Do(ctx, m.id, trait.Speed.Set(0)) })
	return g.await(ctx, done)
}

// atRest keeps that a stop was confirmed, unless a newer command is under way.
func (g *Guard) atRest(m *motor, count int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if m.count != count {
		return
	}
	m.moving, m.unknown, m.want = false, false, 0
	m.disarm()
	m.restAt = time.Now()
	g.o.Faults.Clear(CodeNotStopped, m.id)
	g.o.Faults.Clear(CodeRestUnknown, m.id)
}

// gone says whether the motor has no link; then its stop waits for its return.
func (g *Guard) gone(m *motor) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if m.away && m.moving && !m.unknown {
		g.lose(m)
	}
	return m.away
}

// lose keeps that nobody knows what the motor does.
func (g *Guard) lose(m *motor) {
	m.unknown = true
	m.disarm()
	if !m.removed {
		g.o.Faults.Raise(CodeRestUnknown, m.id, nil)
	}
}
