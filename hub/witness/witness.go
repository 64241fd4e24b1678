// Package witness joins the house to its two records: who looked at what (hub/ledger) and what happened
// to the hub's security (hub/seclog). It hears of looks where the API and HomeKit let somebody look, turns
// what the parts of the house notice into events, and tells people in the words of the API.
package witness

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/ingle-home/ingle/hub/api/server"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/chain"
	"github.com/ingle-home/ingle/hub/home"
	"github.com/ingle-home/ingle/hub/ledger"
	"github.com/ingle-home/ingle/hub/seclog"
)

// Faults is where people are told what is wrong.
type Faults interface {
	Raise(code, subject string, args map[string]string)
	Clear(code, subject string)
}

// Units is where it is kept what each thing last said that it is.
type Units interface {
	Load(ctx context.Context) (map[string]Unit, error)
	Save(ctx context.Context, all map[string]Unit) error
}

// House is what an open house gives.
type House struct {
	Chain    chain.Options // Store, Dir, Restores
	Alerts   seclog.Memory
	Units    Units
	Contents func() home.Contents
	Apps     func(ctx context.Context) []wire.App
	Clip     func(id string) (camera, clip string) // of a clip's ID or a beginning of it
	Placed   func(accessory string) bool           // whether it said where it is
	Faults   Faults
	Failed   func(error) // hears what the store said
}

// Stand is safe for concurrent use. Looks count while there is a house; events always.
type Stand struct {
	log      *slog.Logger
	security *seclog.Log

	mu     sync.Mutex
	house  *House         // nil while the hub is unclaimed or locked
	ledger *ledger.Ledger // likewise
	sound  bool           // both could be opened
	units  map[string]Unit
	raised map[seclog.Kind]bool
	open   []seclog.Kind
	seen   map[string]bool // troubles that were there at the last look
}

// New gives one without a house.
func New(log *slog.Logger) *Stand {
	s := &Stand{log: log, raised: map[seclog.Kind]bool{}, seen: map[string]bool{}}
	s.security = seclog.New(seclog.Options{Log: log, Alarm: s.alarm, Failed: s.failed})
	return s
}

// Enter opens both records of a house. A house without them is better than none: the error is for the log.
func (s *Stand) Enter(ctx context.Context, h House) error {
	l, err := ledger.Open(ctx, ledger.Options{Chain: h.Chain, Failed: h.Failed, Log: s.log})
	units, errUnits := h.Units.Load(ctx)
	if units == nil {
		units = map[string]Unit{}
	}
	s.mu.Lock()
	s.house, s.ledger, s.units = &h, l, units
	s.mu.Unlock()
	s.tell()
	err = errors.Join(err, errUnits, s.security.Open(ctx, h.Chain, h.Alerts))
	s.mu.Lock()
	s.sound = err == nil
	s.mu.Unlock()
	return err
}

// Run writes until ctx ends.
func (s *Stand) Run(ctx context.Context) error {
	var writing sync.WaitGroup
	if l := s.inside(); l != nil {
		writing.Go(func() { _ = l.Run(ctx) }) // it ends with ctx only
	}
	err := s.security.Run(ctx)
	writing.Wait()
	return err
}

// Leave writes what is left, before the store closes.
func (s *Stand) Leave(ctx context.Context) error {
	l := s.inside()
	s.mu.Lock()
	s.house, s.ledger = nil, nil
	s.mu.Unlock()
	err := s.security.Close(ctx)
	if l != nil {
		err = errors.Join(l.Close(ctx), err)
	}
	return err
}

// Sweep removes what had its time from both.
func (s *Stand) Sweep(ctx context.Context, now time.Time) (int, error) {
	n, err := s.security.Sweep(ctx, now)
	if l := s.inside(); l != nil {
		m, errLedger := l.Sweep(ctx, now)
		n, err = n+m, errors.Join(err, errLedger)
	}
	return n, err
}

// Records are both, for whoever forgets somebody; the ledger is nil while there is no house.
func (s *Stand) Records() (*ledger.Ledger, *seclog.Log) { return s.inside(), s.security }

// Whole says that both records are open.
func (s *Stand) Whole() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ledger != nil && s.sound
}

// Note takes an event and returns at once.
func (s *Stand) Note(e seclog.Event) { s.security.Note(e) }

func (s *Stand) inside() *ledger.Ledger {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ledger
}

func (s *Stand) at() (*ledger.Ledger, *House) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ledger, s.house
}

func (s *Stand) failed(err error) {
	if _, h := s.at(); h != nil && h.Failed != nil {
		h.Failed(err)
	}
}

// Looked implements server.Witness.
func (s *Stand) Looked(look server.Look) (end func()) {
	l, h := s.at()
	if l == nil {
		return func() {}
	}
	who := viewerOf(look)
	var ends []func()
	for _, what := range h.seen(look) {
		if look.Long {
			ends = append(ends, l.Begin(who, what, ledger.Act(look.Act)))
		} else {
			l.Look(who, what, ledger.Act(look.Act))
		}
	}
	return func() {
		for _, end := range ends {
			end()
		}
	}
}

func viewerOf(l server.Look) ledger.Viewer {
	v := ledger.Viewer{Via: ledger.App, ID: l.App.ID, Role: l.Caller.String(), Person: l.App.Person}
	switch {
	case l.Caller == server.Console:
		v.Via, v.Role = ledger.Console, ""
	case strings.HasPrefix(l.App.ID, "page-"): // each log-in has another
		v.Via, v.ID = ledger.Page, ""
	case l.App.Name == "":
		v.Via = ledger.Token
	}
	return v
}

// seen is what there was to be seen: of a place, everything that says where it is.
func (h *House) seen(l server.Look) []ledger.Seen {
	has := h.Contents()
	switch {
	case strings.HasPrefix(l.Act, "clip") || l.Act == string(ledger.Export) && l.Which != "":
		camera, clip := h.Clip(l.Which)
		if l.Act == string(ledger.ClipStill) { // a page of them is one look
			clip = ""
		}
		return []ledger.Seen{{Device: camera, Clip: clip}}
	case l.Act == string(ledger.Place):
		var all []ledger.Seen
		for _, a := range has.Accessories {
			if (l.Which == "" || l.Which == a.ID || strings.EqualFold(l.Which, a.Name)) && h.Placed(a.ID) {
				all = append(all, ledger.Seen{Device: a.ID, Whose: a.Person})
			}
		}
		return all
	case l.Which == "":
		return []ledger.Seen{{}}
	}
	a, err := has.Accessory(l.Which)
	if err != nil {
		return nil
	}
	return []ledger.Seen{{Device: a.ID, Whose: a.Person}}
}

// Snapped notes that a HomeKit controller was given a picture of a camera.
func (s *Stand) Snapped(camera, controller string) {
	if l, _ := s.at(); l != nil {
		l.Look(ledger.Viewer{Via: ledger.HomeKit, ID: controller}, s.camera(camera), ledger.Still)
	}
}

// Streamed notes that a HomeKit controller sees a camera live, until end is called.
func (s *Stand) Streamed(camera, controller string) (end func()) {
	l, _ := s.at()
	if l == nil {
		return func() {}
	}
	return l.Begin(ledger.Viewer{Via: ledger.HomeKit, ID: controller}, s.camera(camera), ledger.Live)
}

func (s *Stand) camera(id string) ledger.Seen {
	seen := ledger.Seen{Device: id}
	if _, h := s.at(); h != nil {
		if a, err := h.Contents().Accessory(id); err == nil {
			seen.Whose = a.Person
		}
	}
	return seen
}
