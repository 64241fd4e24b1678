// Package seclog keeps what happened to the security of a hub: who tried to get in, who was let in, what
// changed. It is a chain (hub/chain), so that nobody takes back what it says, and it stays in the hub.
// Entries hold IDs and network addresses, never a name.
//
// Rules say what people should hear of: five wrong passwords within ten minutes, every new controller.
// What comes again within ten minutes from one place is one entry, and of many places at once only the
// first few are told apart: a storm of tries costs no more than a few.
package seclog

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/ingle-home/ingle/hub/chain"
)

// Name is of the chain and of its kinds of record.
const Name = "security"

const (
	keep    = 365 * 24 * time.Hour
	most    = 20_000
	merge   = 10 * time.Minute
	sources = 8 // of one kind that are told apart within merge
)

// Event is something that happened. IDs only.
type Event struct {
	Kind    Kind
	Device  string // the accessory that it is about, or
	Subject string // the app, the HomeKit server or whatever else
	From    string // the address or the app that it came from
}

// about is what of an event is sealed with its subject.
type about struct {
	Device  string `json:"device,omitempty"`
	Subject string `json:"subject,omitempty"`
	From    string `json:"from,omitempty"`
}

// Entry is an event that is in the log. Times is how often it happened, until Last.
type Entry struct {
	ID    uint64
	At    time.Time
	Last  time.Time
	Times int
	Event
}

// Memory keeps the alerts. Save is durable when it returns.
type Memory interface {
	Load(ctx context.Context) ([]Alert, error)
	Save(ctx context.Context, all []Alert) error
}

// Options are what New needs.
type Options struct {
	// Alarm hears the kinds of which there are alerts that nobody has seen to, whenever that changes. It
	// must answer at once. Nil: nobody.
	Alarm  func(open []Kind)
	Failed func(error) // hears what the store said, and nil when it is well; nil: nobody
	Log    *slog.Logger
	Now    func() time.Time // nil: the clock
}

// Log is safe for concurrent use. Until Open it keeps what it can in memory: much happens to a hub
// that is locked.
type Log struct {
	o   Options
	pen *chain.Pen

	saving sync.Mutex // one save at a time

	mu     sync.Mutex
	chain  *chain.Chain // nil until Open
	memory Memory
	recent map[Kind][]time.Time // of each kind with a rule, no more than the rule counts
	near   map[Kind]map[string]time.Time
	alerts []Alert
	dirty  bool
	told   []Kind
}

// New gives a log that is not open yet.
func New(o Options) *Log {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Alarm == nil {
		o.Alarm = func([]Kind) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Log{
		o: o, pen: chain.NewPen(chain.PenOptions{Merge: merge, Failed: o.Failed, Now: o.Now}),
		recent: map[Kind][]time.Time{}, near: map[Kind]map[string]time.Time{},
	}
}

// Open takes the log up where it ended; Store, Dir and Restores of c are needed.
func (l *Log) Open(ctx context.Context, c chain.Options, m Memory) error {
	c.Name, c.Keep, c.Most, c.Log, c.Now = Name, keep, most, l.o.Log, l.o.Now
	opened, err := chain.Open(ctx, c)
	if err != nil {
		return fmt.Errorf("seclog: %w", err)
	}
	old, err := m.Load(ctx)
	if err != nil {
		return fmt.Errorf("seclog: alerts: %w", err)
	}
	l.mu.Lock()
	l.chain, l.memory = opened, m
	l.alerts = bounded(append(old, l.alerts...))
	l.dirty = l.dirty || len(l.alerts) > len(old)
	l.tell()
	l.mu.Unlock()
	l.pen.Attach(opened)
	return nil
}

// Note takes an event and returns at once.
func (l *Log) Note(e Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.o.Now().UTC()
	e = l.crowd(e, now)
	body, err := json.Marshal(about{e.Device, e.Subject, e.From})
	if err != nil {
		return // strings always can be written
	}
	d := chain.Draft{Kind: string(e.Kind)}
	if body := string(body); body != "{}" {
		d.Parts = []chain.Part{{Name: partAbout, Subject: e.subject(), Body: []byte(body)}}
	}
	end, _ := l.pen.Note(string(e.Kind)+string(body), d)
	end()
	l.judge(e, now)
}

const partAbout = "about"

func (e Event) subject() string {
	if e.Device != "" {
		return "accessory/" + e.Device
	}
	return "household"
}

// crowd has an event be one of many where its kind comes from too many places at once.
func (l *Log) crowd(e Event, now time.Time) Event {
	key := e.Device + "/" + e.Subject + "/" + e.From
	near := l.near[e.Kind]
	if near == nil {
		near = map[string]time.Time{}
		l.near[e.Kind] = near
	}
	if _, known := near[key]; !known && len(near) >= sources {
		for k, at := range near {
			if now.Sub(at).Abs() >= merge {
				delete(near, k)
			}
		}
		if len(near) >= sources {
			return Event{Kind: e.Kind}
		}
	}
	near[key] = now
	return e
}

// Run writes what is noted until ctx ends.
func (l *Log) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var saving sync.WaitGroup
	saving.Go(func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			if err := l.save(ctx); err != nil && ctx.Err() == nil {
				l.o.Log.Debug("the alerts are not kept yet", "err", err)
			}
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	})
	err := l.pen.Run(ctx)
	cancel()
	saving.Wait()
	return err
}

// Fresh forgets what is in memory, between one home and the next. The log must be closed.
func (l *Log) Fresh(ctx context.Context) error {
	_, err := l.Forget(ctx, Scope{})
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.recent)
	clear(l.near)
	return err
}

// Close writes what is left. Later events are kept in memory.
func (l *Log) Close(ctx context.Context) error {
	if err := l.pen.Close(ctx); err != nil {
		return fmt.Errorf("seclog: %w", err)
	}
	l.pen.Attach(nil)
	err := l.save(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.chain, l.memory = nil, nil
	return err
}

// Entries gives what happened from a time, the newest first.
func (l *Log) Entries(ctx context.Context, since time.Time) ([]Entry, error) {
	folded, err := l.pen.Folded(ctx, since)
	if err != nil {
		return nil, fmt.Errorf("seclog: %w", err)
	}
	var list []Entry
	for _, f := range folded {
		e := Entry{ID: f.Seq, At: f.At, Last: f.Until, Times: f.Times, Event: Event{Kind: Kind(f.Kind)}}
		if f.Until.IsZero() {
			e.Last = f.At
		}
		var a about
		if body := f.Part(partAbout); body != nil && json.Unmarshal(body, &a) == nil {
			e.Device, e.Subject, e.From = a.Device, a.Subject, a.From
		}
		list = append(list, e)
	}
	slices.Reverse(list)
	return list, nil
}

// Verify says whether the log is as it was written.
func (l *Log) Verify(ctx context.Context) (chain.Report, error) {
	c := l.opened()
	if c == nil {
		return chain.Report{}, nil
	}
	if err := l.pen.Write(ctx); err != nil {
		return chain.Report{}, fmt.Errorf("seclog: %w", err)
	}
	return c.Verify(ctx)
}

// Sweep removes what had its time.
func (l *Log) Sweep(ctx context.Context, now time.Time) (int, error) {
	if c := l.opened(); c != nil {
		return c.Trim(ctx, now)
	}
	return 0, nil
}

func (l *Log) opened() *chain.Chain {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.chain
}

// Scope is what is asked for: what is about one device, app or HomeKit server, by its ID; "" is all.
type Scope struct{ ID string }

func (s Scope) match(_ chain.Entry, p chain.Part) bool {
	var a about
	if s.ID == "" || json.Unmarshal(p.Body, &a) != nil {
		return true
	}
	return a.Device == s.ID || a.Subject == s.ID || a.From == s.ID
}

// Inventory says how much there is.
func (l *Log) Inventory(ctx context.Context, s Scope) (chain.Holding, error) {
	if c := l.opened(); c != nil {
		return c.Find(ctx, s.match)
	}
	return chain.Holding{}, nil
}

// Forget erases it, and says how many entries lost what they were about. That something happened, and
// when, stays.
func (l *Log) Forget(ctx context.Context, s Scope) (int, error) {
	l.mu.Lock()
	l.alerts = slices.DeleteFunc(l.alerts, func(a Alert) bool { return s.ID == "" || a.Subject == s.ID })
	l.dirty = true
	l.tell()
	l.mu.Unlock()
	n, err := l.pen.Erase(ctx, s.match)
	if err != nil {
		return n, fmt.Errorf("seclog: %w", err)
	}
	return n, l.save(ctx)
}
