// Package alarm holds a person's call for help until somebody answers it: an SOS is a moment, but a
// parent who looks at the phone five minutes later must still see it.
package alarm

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/bus"
	"github.com/ingle-home/ingle/hub/home"
)

// hold is how long an alarm that nobody answers stays.
const hold = 10 * time.Minute

// Latch publishes trait.Emergency for home.EmergencyID of each person. It is safe for concurrent use.
type Latch struct {
	home *home.Home
	bus  *bus.Bus

	keep  func(map[string]time.Time)
	woken chan struct{}

	mu    sync.Mutex
	until map[string]time.Time // by person
}

// New makes a latch. Held are the emergencies that nobody had answered when the hub last ran: by
// person, until when they stay, which is not for years where the clock was put back. Keep is called with all of them after each change, before anybody
// hears of it.
func New(h *home.Home, b *bus.Bus, held map[string]time.Time, keep func(map[string]time.Time)) *Latch {
	l := &Latch{home: h, bus: b, keep: keep, woken: make(chan struct{}, 1), until: map[string]time.Time{}}
	for person, until := range held {
		if longest := time.Now().Add(hold); until.After(longest) {
			until = longest
		}
		l.until[person] = until
	}
	return l
}

// Run follows the bus until ctx or the bus ends.
func (l *Latch) Run(ctx context.Context) error {
	sub := l.bus.Subscribe("alarm", trait.Household)
	defer sub.Close()
	for person := range l.all() {
		l.publish(person, true)
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		l.release(ctx)
	}()
	defer func() { cancel(); <-ended }()
	for {
		c, err := sub.Next(ctx)
		if err != nil {
			return err
		}
		if home.IsAlarm(c.Reading.Trait) {
			l.raise(c)
		}
	}
}

func (l *Latch) raise(c bus.Change) {
	a, err := l.home.Contents().Accessory(c.Accessory)
	if err != nil || a.Person == "" {
		return
	}
	l.mu.Lock()
	l.until[a.Person] = time.Now().Add(hold)
	l.mu.Unlock()
	l.keep(l.all())
	l.publish(a.Person, true)
	select {
	case l.woken <- struct{}{}:
	default:
	}
}

// Answer ends a person's emergency: somebody has seen it.
func (l *Latch) Answer(person string) {
	l.mu.Lock()
	_, held := l.until[person]
	delete(l.until, person)
	l.mu.Unlock()
	if held {
		l.keep(l.all())
		l.publish(person, false)
	}
}

// all are the emergencies that nobody has answered.
func (l *Latch) all() map[string]time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.until)
}

// release ends emergencies that nobody answered.
func (l *Latch) release(ctx context.Context) {
	for {
		due, next := l.due()
		for _, person := range due {
			l.Answer(person)
		}
		timer := time.NewTimer(next)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-l.woken:
			timer.Stop()
		case <-timer.C:
		}
	}
}

func (l *Latch) due() (people []string, next time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	next = hold
	for person, until := range l.until {
		left := time.Until(until)
		if left <= 0 {
			people = append(people, person)
			continue
		}
		next = min(next, left)
	}
	return people, next
}

func (l *Latch) publish(person string, on bool) {
	l.bus.Publish(bus.Change{Accessory: home.EmergencyID(person), Reading: trait.Emergency.Of(on, time.Now())})
}
