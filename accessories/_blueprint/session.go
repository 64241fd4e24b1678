package blueprint

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/trait"
)

const (
	steps     = 10 // of the motor, between rest and full
	pingEvery = 10 * time.Second
	maxKept   = 1 << 30 // minutes
)

// session is one fan on one line. Run reads; every question waits for Run to hand it its answer.
type session struct {
	line            *line
	now             func() time.Time
	model, firmware string
	over            chan struct{} // closed when Run has ended

	mu      sync.Mutex
	waiting []chan message // who waits for an answer, in the order of their questions
}

func newSession(l *line, now func() time.Time) *session {
	return &session{line: l, now: now, over: make(chan struct{})}
}

// login answers the greeting with a proof of the password.
func (s *session) login(password device.Secret) error {
	hello, err := s.line.next()
	if err != nil {
		return err
	}
	if hello.word != "BREEZE" || len(hello.args) != 2 || hello.args[0] != "1" {
		return fmt.Errorf("%w: it is not a Breeze of version 1", device.ErrUnsupported)
	}
	if err := s.line.send("LOGIN", proof(password, hello.args[1])); err != nil {
		return err
	}
	m, err := s.line.next()
	switch {
	case err != nil:
		return err
	case m.word == "NO":
		return fmt.Errorf("%w: the password is wrong", device.ErrRefused)
	case m.word != "OK" || len(m.args) != 2:
		return fmt.Errorf("%w: %w", device.ErrUnsupported, errLine)
	}
	s.model, s.firmware = m.args[0], m.args[1]
	return nil
}

// Offer is one motor and one battery.
func (s *session) Offer() device.Offer {
	return device.Offer{Maker: "Breeze", Model: s.model, Firmware: s.firmware, Traits: []device.Offered{
		{Trait: trait.Speed.Any(), Settable: true, Steps: steps},
		{Trait: trait.Battery.Any()},
	}}
}

// Run reports the speed and the battery: first as they are, then as they change.
func (s *session) Run(ctx context.Context, report func(trait.Reading) error) error {
	inner, cancel := context.WithCancel(ctx)
	defer context.AfterFunc(inner, s.line.close)()
	var pings sync.WaitGroup
	pings.Go(func() { s.ping(inner) })
	err := s.read(report)
	close(s.over)
	cancel()
	pings.Wait()
	s.line.close()
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("blueprint: %w", err)
}

// read hands out answers and reports news until the line breaks.
func (s *session) read(report func(trait.Reading) error) error {
	for {
		m, err := s.line.next()
		if err != nil {
			return err
		}
		if m.word != "!" {
			if !s.hand(m) {
				return fmt.Errorf("%w: an answer that nobody asked for", device.ErrUnsupported)
			}
			continue
		}
		r, err := s.reading(m)
		if err != nil {
			return fmt.Errorf("%w: %w", device.ErrUnsupported, err)
		}
		_ = report(r) // states: a newer one will follow
	}
}

// reading understands "! SPEED step" and "! BATTERY percent".
func (s *session) reading(m message) (trait.Reading, error) {
	if len(m.args) != 2 {
		return trait.Reading{}, errLine
	}
	switch m.args[0] {
	case "SPEED":
		n, err := m.number(1, steps)
		return trait.Speed.Of(percentOf(n), s.now()), err
	case "BATTERY":
		n, err := m.number(1, 100)
		return trait.Battery.Of(n, s.now()), err
	}
	return trait.Reading{}, errLine
}

// hand gives an answer to the oldest question, whether or not somebody still waits for it.
func (s *session) hand(m message) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waiting) == 0 {
		return false
	}
	s.waiting[0] <- m
	s.waiting = s.waiting[1:]
	return true
}

// ask sends a question and waits for OK.
func (s *session) ask(ctx context.Context, words ...string) (message, error) {
	if err := ctx.Err(); err != nil {
		return message{}, err // a command that nobody waits for must not move a motor
	}
	out := make(chan message, 1)
	s.mu.Lock() // questions must go out in the order in which they wait
	s.waiting = append(s.waiting, out)
	err := s.line.send(words...)
	s.mu.Unlock()
	if err != nil {
		return message{}, err
	}
	select {
	case m := <-out:
		if m.word != "OK" {
			return message{}, fmt.Errorf("%w: it says %s", device.ErrUnsupported, m.word)
		}
		return m, nil
	case <-s.over:
		return message{}, device.ErrUnreachable
	case <-ctx.Done():
		return message{}, fmt.Errorf("%w: %w", device.ErrUnreachable, ctx.Err())
	}
}

// ping keeps the line busy, so that its silence means something.
func (s *session) ping(ctx context.Context) {
	tick := time.NewTicker(pingEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if _, err := s.ask(ctx, "PING"); err != nil {
				s.line.close() // Run sees that and says why
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// Do sets the speed, in percent, and returns when the fan has said OK.
func (s *session) Do(ctx context.Context, cmd trait.Command) error {
	percent, ok := trait.Speed.Want(cmd)
	if !ok {
		return fmt.Errorf("blueprint: %s: %w", cmd.Trait.ID(), device.ErrUnsupported)
	}
	if _, err := s.ask(ctx, "SPEED", strconv.Itoa(stepOf(percent))); err != nil {
		return fmt.Errorf("blueprint: speed: %w", err)
	}
	return nil
}

const holdingUse = "holding.use"

// Holds asks the fan how much of its use it remembers: when somebody was in the room is personal.
func (s *session) Holds(ctx context.Context) ([]device.Holding, error) {
	m, err := s.ask(ctx, "KEPT")
	if err != nil {
		return nil, fmt.Errorf("blueprint: holds: %w", err)
	}
	minutes, err := m.number(0, maxKept)
	if err != nil {
		return nil, fmt.Errorf("blueprint: holds: %w: %w", device.ErrUnsupported, err)
	}
	if minutes == 0 {
		return []device.Holding{}, nil
	}
	return []device.Holding{{What: holdingUse, Class: trait.Personal}}, nil
}

// Erase has the fan forget, and looks again before it says so.
func (s *session) Erase(ctx context.Context) ([]device.Erased, error) {
	if _, err := s.ask(ctx, "FORGET"); err != nil {
		return nil, fmt.Errorf("blueprint: erase: %w", err)
	}
	left, err := s.Holds(ctx)
	if err != nil {
		return nil, err
	}
	if len(left) > 0 {
		return []device.Erased{{What: holdingUse, Why: "erase.still-there"}}, nil
	}
	return []device.Erased{{What: holdingUse, Gone: true}}, nil
}

// Evidence: the line is readable by all who hear it, and the fan lets in nobody without a password.
func (s *session) Evidence(context.Context) ([]device.Evidence, error) {
	at := s.now()
	return []device.Evidence{
		{Claim: "encrypted", Answer: device.No, How: "measured", At: at},
		{Claim: "own-password", Answer: device.Unknown},
	}, nil
}
