// Package desk collects the evidence for labels, keeps it with the device, and answers who asks. The
// judgement is hub/label's, the knocking hub/label/probe's.
package desk

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/hub/home"
	"github.com/ingle-home/ingle/hub/label"
	"github.com/ingle-home/ingle/hub/label/facts"
	"github.com/ingle-home/ingle/hub/label/probe"
)

const (
	often   = time.Hour          // between two rounds through the house
	fresh   = 24 * time.Hour     // evidence that is younger is not asked for again
	weekly  = 7 * 24 * time.Hour // between two looks that nobody asked for
	askTime = 15 * time.Second
)

// Store keeps the records; Load gives the zero record for a device that has none.
type Store interface {
	Load(ctx context.Context, device string) (label.Record, error)
	Save(ctx context.Context, device string, r label.Record) error
}

// Thing is where the line to a device stands.
type Thing struct {
	Session device.Session // nil while there is none
	Offer   device.Offer
	Open    bool
	Refused bool      // it did not let the hub in
	Since   time.Time // when that last changed
}

// Options are what New needs.
type Options struct {
	Home    func() home.Contents
	Secrets func(ctx context.Context, device string) (map[string]string, error)
	Thing   func(device string) Thing
	Quiet   func() bool      // nobody asks the devices anything by himself now
	Own     func() label.Own // what the hub measured of itself
	Store   Store
	Looks   probe.Memory
	Facts   facts.Facts
	Clock   probe.Clock    // nil is the real one
	Roots   *x509.CertPool // nil are the system's
	Log     *slog.Logger
}

// Desk is safe for concurrent use.
type Desk struct {
	Options
	prober *probe.Prober
	wake   chan string
	life   context.Context // ends with Run
	end    context.CancelFunc

	mu   sync.Mutex // one change of a record at a time
	gone map[string]bool
}

// New gives a desk.
func New(o Options) *Desk {
	if o.Clock == nil {
		o.Clock = wall{}
	}
	if o.Quiet == nil {
		o.Quiet = func() bool { return false }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	life, end := context.WithCancel(context.Background())
	return &Desk{Options: o, life: life, end: end, prober: probe.New(o.Looks, o.Clock, o.Roots), wake: make(chan string, 64), gone: map[string]bool{}}
}

// wall is the real clock.
type wall struct{}

func (wall) Now() time.Time { return time.Now().UTC() }

func (wall) Wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Opened says that there is a session with a device: its evidence is asked for soon. It never blocks.
func (d *Desk) Opened(id string) {
	select {
	case d.wake <- id:
	default: // the next round asks
	}
}

// Forget keeps nothing about a device any more. It must be called before the device's key is destroyed.
func (d *Desk) Forget(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.gone[id] = true
}

// Run asks devices for evidence when they open and once a day, and looks every week at the doors of those
// for which the household agreed, until ctx ends.
func (d *Desk) Run(ctx context.Context) error {
	defer d.end()
	tick := time.NewTicker(often)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case id := <-d.wake:
			d.told(id, d.refresh(ctx, id, 0)) // a new session may be one with a new password
		case <-tick.C:
			d.round(ctx)
		}
	}
}

func (d *Desk) round(ctx context.Context) {
	for _, a := range d.Home().Accessories {
		d.told(a.ID, d.Refresh(ctx, a.ID))
		r, err := d.Store.Load(ctx, a.ID)
		if err != nil || d.Quiet() || agreed(a, r).IsZero() || d.Clock.Now().Sub(r.Looked) < weekly {
			continue
		}
		if err := d.look(ctx, a); !errors.Is(err, probe.ErrDaily) && !errors.Is(err, probe.ErrPaused) {
			d.told(a.ID, err)
		}
	}
}

func (d *Desk) told(id string, err error) {
	if err != nil && !errors.Is(err, context.Canceled) {
		d.Log.Info("a label could not be brought up to date", "accessory", id, "err", err)
	}
}

// Refresh asks an open device for what its driver knows, if that is older than a day.
func (d *Desk) Refresh(ctx context.Context, id string) error { return d.refresh(ctx, id, fresh) }

// refresh asks unless what is known is younger than an age.
func (d *Desk) refresh(ctx context.Context, id string, young time.Duration) error {
	thing := d.Thing(id)
	if thing.Session == nil || d.Quiet() {
		return nil
	}
	old, err := d.Store.Load(ctx, id)
	if err != nil {
		return err
	}
	o := thing.Offer
	if old.Firmware == o.Firmware && old.Model == o.Model && d.Clock.Now().Sub(old.Told) < young && !old.Told.After(d.Clock.Now()) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	list, err := asked(ctx, thing.Session.Evidence)
	if err != nil {
		return fmt.Errorf("label: evidence: %w", err)
	}
	held, errHeld := asked(ctx, thing.Session.Holds)
	return d.edit(ctx, id, func(r *label.Record) {
		r.Maker, r.Model, r.Firmware, r.Told = o.Maker, o.Model, o.Firmware, d.Clock.Now()
		r.Evidence, r.Senses = evidenceOf(list), sensesOf(thing)
		if r.Holds = nil; errHeld == nil {
			r.Holds = make([]string, 0, len(held))
			for _, h := range held {
				r.Holds = append(r.Holds, h.What)
			}
		}
	})
}

// asked asks a driver, whose panic must not take the hub along.
func asked[T any](ctx context.Context, f func(context.Context) ([]T, error)) (list []T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return f(ctx)
}

// edit changes a record, and notes what stands otherwise since.
func (d *Desk) edit(ctx context.Context, id string, change func(*label.Record)) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	a, err := d.Home().Accessory(id)
	if err != nil {
		return err
	}
	if d.gone[id] {
		return home.ErrUnknown
	}
	r, err := d.Store.Load(ctx, id)
	if err != nil {
		return err
	}
	change(&r)
	lines, err := d.judge(ctx, a, r)
	if err != nil {
		return err
	}
	r.Note(lines, d.Clock.Now())
	return d.Store.Save(ctx, id, r)
}
