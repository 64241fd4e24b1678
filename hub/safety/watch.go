package safety

import (
	"context"
	"errors"
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/bus"
)

// Run watches the bus for motors, for their links and for speeds that nobody asked the Guard for,
// until ctx ends (nil) or the bus is closed.
func (g *Guard) Run(ctx context.Context) error {
	sub := g.o.Bus.Subscribe("safety", trait.Household)
	defer sub.Close()
	for {
		c, err := sub.Next(ctx)
		switch {
		case ctx.Err() != nil, errors.Is(err, bus.ErrClosed):
			return nil
		case err != nil:
			return err
		}
		if percent, ok := trait.Speed.In(c.Reading); ok {
			g.seen(c.Accessory, percent, c.Reading.At)
		}
		if there, ok := trait.Reachable.In(c.Reading); ok {
			g.linked(c.Accessory, there)
		}
	}
}

// seen takes a speed that was reported. One that runs without a lease gets one; one that runs against
// the rules is stopped. A report of 0 ends no lease: it may be older than the command.
func (g *Guard) seen(accessory string, percent int, at time.Time) {
	g.mu.Lock()
	m := g.motor(accessory)
	if percent <= 0 || !at.After(m.restAt) || m.removed {
		g.mu.Unlock()
		return
	}
	m.moving = true
	wrong := g.held || g.closed
	if !wrong && m.lease == nil {
		g.arm(m, g.o.Lease)
	}
	g.mu.Unlock()
	if wrong {
		g.begin(m)
	}
}

// linked takes that a link was lost or is back. Things without a motor are none of its business.
func (g *Guard) linked(accessory string, there bool) {
	g.mu.Lock()
	m, known := g.motors[accessory]
	if !known {
		g.mu.Unlock()
		return
	}
	m.away = !there
	lost := m.away && m.moving && !m.unknown
	owed := there && m.unknown
	if lost {
		g.lose(m)
	}
	g.mu.Unlock()
	if lost {
		g.o.Bus.Publish(bus.Change{Accessory: accessory, Reading: trait.Speed.Of(0, time.Now())})
	}
	if owed {
		g.begin(m)
	}
}
