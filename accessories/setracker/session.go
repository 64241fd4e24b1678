package setracker

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/trait"
)

const (
	echoLimit      = 10 * time.Second
	challengeLimit = 20 * time.Second
	remembered     = 256
)

// Session expects one watch. A silent watch changes nothing.
type Session struct {
	driver *Driver
	door   *door
	id     string
	log    device.Logger
	now    func() time.Time

	reporting sync.Mutex // one report at a time; guards report, seen, order
	report    func(trait.Reading) error
	seen      map[[32]byte]bool // stored alarms
	order     [][32]byte

	mu         sync.Mutex
	live       *line
	challenged time.Time
	echo       chan struct{}
}

// Offer says what the family can do; the watch itself tells nothing that could be trusted.
func (s *Session) Offer() device.Offer {
	o := device.Offer{Serial: s.id, Traits: []device.Offered{{Trait: trait.Find.Any(), Settable: true}}}
	for _, t := range []trait.Any{trait.Where.Any(), trait.Battery.Any(), trait.Steps.Any(), trait.Heart.Any(),
		trait.SOS.Any(), trait.Fall.Any(), trait.TakenOff.Any(), trait.Alarm.Any()} {
		o.Traits = append(o.Traits, device.Offered{Trait: t})
	}
	return o
}

// Run reports until ctx ends or the door breaks.
func (s *Session) Run(ctx context.Context, report func(trait.Reading) error) error {
	s.reporting.Lock()
	s.report = report
	s.reporting.Unlock()
	defer s.driver.leave(s)
	defer func() {
		s.reporting.Lock()
		s.report = nil
		s.reporting.Unlock()
		s.mu.Lock()
		if s.live != nil {
			s.live.conn.Close()
		}
		s.mu.Unlock()
	}()
	select {
	case <-ctx.Done():
		return nil
	case <-s.door.gone:
		return fmt.Errorf("setracker: the door closed: %w", device.ErrUnreachable)
	}
}

// Do rings the watch and returns once it has echoed the command.
func (s *Session) Do(ctx context.Context, cmd trait.Command) error {
	on, ok := trait.Find.Want(cmd)
	if !ok || !on {
		return fmt.Errorf("setracker: %s: %w", cmd.Trait.ID(), device.ErrUnsupported)
	}
	if err := ctx.Err(); err != nil { // nobody waits: it must not ring
		return fmt.Errorf("setracker: find: %w: %w", device.ErrUnreachable, err)
	}
	echo := make(chan struct{}, 1)
	s.mu.Lock()
	l := s.live
	if l == nil || s.echo != nil {
		s.mu.Unlock()
		return fmt.Errorf("setracker: find: no line: %w", device.ErrUnreachable)
	}
	s.echo = echo
	f := l.command(s.id, "FIND")
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.echo = nil
		s.mu.Unlock()
	}()
	if err := l.send(f); err != nil {
		return fmt.Errorf("setracker: find: %w: %w", device.ErrUnreachable, err)
	}
	ctx, cancel := context.WithTimeout(ctx, echoLimit)
	defer cancel()
	select {
	case <-echo:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("setracker: find: no echo: %w: %w", device.ErrUnreachable, ctx.Err())
	}
}

// command writes to a 3G watch as SG, and with a constant index: what is known to work in the field.
func (l *line) command(id, kind string) Frame {
	f := Frame{Maker: l.maker, ID: id, Type: kind}
	if f.Maker == "3G" {
		f.Maker = "SG"
	}
	if l.index != "" {
		f.Index = "0001"
	}
	return f
}

// receive takes one frame of the watch; false when it could not be stored.
func (s *Session) receive(l *line, f Frame) bool {
	s.mu.Lock()
	l.maker, l.index, l.heard = f.Maker, f.Index, time.Now()
	if s.live == nil {
		s.live = l
	}
	live := s.live == l
	if live && f.Type == "FIND" && s.echo != nil {
		select {
		case s.echo <- struct{}{}:
		default:
		}
	}
	var old *line
	if !live && time.Since(s.challenged) > 2*challengeLimit {
		s.challenged, old = time.Now(), s.live
	}
	s.mu.Unlock()
	if old != nil { // a second line with this ID: ask both who they are
		s.mu.Lock()
		first, second := old.command(s.id, "VERNO"), l.command(s.id, "VERNO")
		s.mu.Unlock()
		_ = old.send(first)
		_ = l.send(second)
	}
	return s.store(f, live)
}

// promote gives the watch to a newcomer whose forerunner did not answer the challenge.
func (s *Session) promote(l *line) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.live
	if old == l || old == nil || s.challenged.IsZero() || time.Since(s.challenged) < challengeLimit {
		return
	}
	if old.heard.Before(s.challenged) && l.heard.After(s.challenged) {
		s.live = l
		old.conn.Close()
	}
}

func (s *Session) detach(l *line) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.live == l {
		s.live = nil
	}
}

func (s *Session) store(f Frame, live bool) bool {
	readings := s.read(f, live)
	s.reporting.Lock()
	defer s.reporting.Unlock()
	if s.report == nil {
		return false
	}
	stored := true
	for _, r := range readings {
		if r.Trait.Kind() != trait.Event {
			_ = s.report(r) // a newer state will follow
			continue
		}
		// Each alarm of a frame by itself: a repeat must not store again what was stored.
		key := sha256.Sum256(append([]byte(r.Trait.ID()+","), f.Body...))
		if s.seen[key] {
			continue
		}
		if s.report(r) != nil {
			stored = false
			continue
		}
		s.remember(key)
	}
	return stored
}

func (s *Session) remember(key [32]byte) {
	if s.order = append(s.order, key); len(s.order) > remembered {
		delete(s.seen, s.order[0])
		s.order = s.order[1:]
	}
	s.seen[key] = true
}

// read turns a frame into readings, alarms first. A line in quarantine may only cry for help.
func (s *Session) read(f Frame, live bool) []trait.Reading {
	now := s.now()
	var out []trait.Reading
	switch kind := strings.ToUpper(f.Type); {
	case isPosition(f.Type):
		p, err := ParsePosition(f.Body)
		if isAlarm(f.Type) {
			out = alarms(p.Status, now)
		}
		if !live {
			return out
		}
		out = append(out, counts(p.Battery, p.Steps, now)...)
		if err == nil && p.At.Before(now.Add(10*time.Minute)) && (p.Place.Lat != 0 || p.Place.Lon != 0) {
			out = append(out, trait.Where.Of(p.Place, p.At))
		}
	case kind == "LK" && live:
		if v := strings.Split(string(f.Body), ","); len(v) == 3 {
			out = counts(number(v[2], 100), number(v[0], 1_000_000), now)
		}
	case (kind == "HEART" || kind == "PULSE") && live:
		if n, err := strconv.Atoi(string(f.Body)); err == nil && n > 0 && n < 300 {
			out = append(out, trait.Heart.Of(n, now))
		}
	case kind == "BPHRT" && live:
		if v := strings.Split(string(f.Body), ","); len(v) > 2 && number(v[2], 300) > 0 {
			out = append(out, trait.Heart.Of(number(v[2], 300), now))
		}
	}
	return out
}

func counts(battery, steps int, at time.Time) (out []trait.Reading) {
	if battery >= 0 {
		out = append(out, trait.Battery.Of(battery, at))
	}
	if steps >= 0 {
		out = append(out, trait.Steps.Of(steps, at))
	}
	return out
}

// Holds lists what the watch keeps: positions taken while offline, and the numbers it may call.
func (*Session) Holds(context.Context) ([]device.Holding, error) {
	return []device.Holding{{What: "holding.positions", Class: trait.Personal},
		{What: "holding.contacts", Class: trait.Personal}}, nil
}

// Erase sends nothing: no command deletes these alone, and a full reset would also move the watch
// back to its maker's server, where the next positions would go.
func (*Session) Erase(context.Context) ([]device.Erased, error) {
	return []device.Erased{{What: "holding.positions", Why: "erase.reset-on-watch"},
		{What: "holding.contacts", Why: "erase.reset-on-watch"}}, nil
}

// Evidence says that the line is readable by all on its way; whether the password is the buyer's own
// is not known.
func (s *Session) Evidence(context.Context) ([]device.Evidence, error) {
	now, how := s.now(), "inferred"
	s.mu.Lock()
	if s.live != nil { // its frames were read as they came
		how = "measured"
	}
	s.mu.Unlock()
	return []device.Evidence{{Claim: "encrypted", Answer: device.No, How: how, At: now},
		{Claim: "own-password", Answer: device.Unknown, How: "inferred", At: now}}, nil
}
