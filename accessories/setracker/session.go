package setracker

import (
	"context"
	"crypto/sha256"
	"fmt"
	"sync"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/trait"
)

// echoLimit is how long a watch has to say that it rings.
const echoLimit = 10 * time.Second

// Session expects one watch. A silent watch changes nothing.
type Session struct {
	driver *Driver
	door   *door
	id     string
	now    func() time.Time
	unused *time.Timer // ends a session that is not run

	reporting sync.Mutex // one report at a time; guards the three that follow
	report    func(trait.Reading) error
	early     []trait.Reading // states that came before Run
	stored    memory

	mu      sync.Mutex
	ended   bool
	lines   map[*line]bool
	wg      sync.WaitGroup           // of lines
	live    *line                    // nil while the watch is away
	asked   time.Time                // when the last challenge began
	waiting map[chan struct{}]string // by what the watch is to echo
	frames  budget                   // of states: who calls again must not get a new one, every state is stored
}

func newSession(d *Driver, c device.Config) *Session {
	return &Session{driver: d, id: c.Address, now: c.Now, stored: memory{at: map[[sha256.Size]byte]time.Time{}},
		lines: map[*line]bool{}, waiting: map[chan struct{}]string{}, frames: newBudget(time.Now())}
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

// Run reports until ctx ends or the door breaks. The first Run of a session is the only one.
func (s *Session) Run(ctx context.Context, report func(trait.Reading) error) error {
	if !s.unused.Stop() {
		return fmt.Errorf("setracker: this session is over: %w", device.ErrUnreachable)
	}
	defer s.close()
	s.hear(report)
	select {
	case <-ctx.Done():
		return nil
	case <-s.door.gone:
		return fmt.Errorf("setracker: the door closed: %w", device.ErrUnreachable)
	}
}

func (s *Session) hear(report func(trait.Reading) error) {
	s.reporting.Lock()
	defer s.reporting.Unlock()
	s.report = report
	for _, r := range s.early {
		if report != nil {
			_ = report(r)
		}
	}
	s.early = nil
}

// close ends the session with all its lines, live or not, and waits for them.
func (s *Session) close() {
	s.mu.Lock()
	s.ended = true
	for l := range s.lines {
		l.conn.Close()
	}
	s.mu.Unlock()
	s.wg.Wait()
	s.hear(nil)
	s.driver.leave(s)
}

// Do rings the watch and returns once it has echoed the command.
func (s *Session) Do(ctx context.Context, cmd trait.Command) error {
	on, ok := trait.Find.Want(cmd)
	if !ok || !on {
		return fmt.Errorf("setracker: %s: %w", cmd.Trait.ID(), device.ErrUnsupported)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("setracker: find: %w", err)
	}
	return s.order(ctx, "FIND")
}

// Reset has the watch become as it left the factory: positions, contacts and settings go, the hub's address
// with them. It returns once the watch has echoed the order.
func (s *Session) Reset(ctx context.Context) error { return s.order(ctx, "FACTORY") }

// order sends a command and returns once the watch has echoed it.
func (s *Session) order(ctx context.Context, command string) error {
	echo := make(chan struct{})
	s.mu.Lock()
	l := s.live
	if l == nil {
		s.mu.Unlock()
		return fmt.Errorf("setracker: %s: the watch is not connected: %w", command, device.ErrUnreachable)
	}
	s.waiting[echo] = command
	f := l.command(s.id, command)
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.waiting, echo)
		s.mu.Unlock()
	}()
	if err := l.send(f); err != nil {
		return fmt.Errorf("setracker: %s: %w: %w", command, device.ErrUnreachable, err)
	}
	return await(ctx, command, echo, l.gone)
}

// await waits for the echo of a command on a line that may end first.
func await(ctx context.Context, command string, echo, gone <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, echoLimit)
	defer cancel()
	select {
	case <-echo:
		return nil
	case <-gone:
		return fmt.Errorf("setracker: %s: the line ended: %w", command, device.ErrUnreachable)
	case <-ctx.Done():
		return fmt.Errorf("setracker: %s: no echo: %w: %w", command, device.ErrUnreachable, ctx.Err())
	}
}

// echoed tells all who wait for it that the watch obeys a command. It needs s.mu.
func (s *Session) echoed(command string) {
	for echo, waits := range s.waiting {
		if waits != command {
			continue
		}
		close(echo)
		delete(s.waiting, echo)
	}
}

// Holds lists what the watch keeps: positions taken while offline, and the numbers it may call.
func (*Session) Holds(context.Context) ([]device.Holding, error) {
	return []device.Holding{{What: "holding.positions", Class: trait.Personal},
		{What: "holding.contacts", Class: trait.Personal}}, nil
}

// Erase sends nothing: no command deletes these alone, and a full reset, which Reset is, also moves the
// watch back to its maker's server, where the next positions go.
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
		{Claim: "own-password", Answer: device.Unknown, How: "inferred", At: now},
		{Claim: "can-be-wiped", Answer: device.No, How: "inferred", At: now}}, nil
}
