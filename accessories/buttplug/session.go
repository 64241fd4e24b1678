package buttplug

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/trait"
)

const (
	motorTime   = 2 * time.Second        // a server that has not answered by then is given up
	haltTime    = 500 * time.Millisecond // the stop at the end of Run
	sensorTime  = 10 * time.Second       // a toy may sleep
	batteryTime = 5 * time.Minute        // between two looks at the battery
)

var (
	errReplaced = errors.New("replaced by a newer command")
	errEarly    = errors.New("within the message gap")
)

// Session is one toy on one line.
type Session struct {
	line *line
	toy  toy
	now  func() time.Time
	tls  bool

	turn     chan struct{} // holds one token: who has it may write to the motors
	mu       sync.Mutex
	replaced chan struct{} // closed when a newer command makes the waiting one void
	last     time.Time     // when the motors were last written to
	written  int           // counts the writes to the motors
	settled  int           // the write that speed tells the outcome of
	speed    int           // what the motors do, in percent
	moved    chan struct{} // holds one token while Run has not seen the newest speed
}

func newSession(l *line, t toy, c device.Config, tls bool) *Session {
	s := &Session{
		line: l, toy: t, now: c.Now, tls: tls,
		turn: make(chan struct{}, 1), replaced: make(chan struct{}), moved: make(chan struct{}, 1),
	}
	s.turn <- struct{}{}
	return s
}

// Offer is the speed, in as many steps as the toy has, and its battery.
func (s *Session) Offer() device.Offer {
	o := device.Offer{Model: s.toy.name, Traits: []device.Offered{
		{Trait: trait.Speed.Any(), Settable: true, Steps: s.toy.steps()},
	}}
	if s.toy.sensor != nil {
		o.Traits = append(o.Traits, device.Offered{Trait: trait.Battery.Any()})
	}
	return o
}

// Run reports every speed that the toy was brought to, and its battery. It ends with
// ErrUnreachable, after a report of 0, when the server or the toy is lost. When ctx ends it stops the toy.
func (s *Session) Run(ctx context.Context, report func(trait.Reading) error) error {
	inner, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	if s.toy.sensor != nil {
		wg.Go(func() { s.watchBattery(inner) })
	}
	why := s.follow(ctx, report)
	cancel()
	wg.Wait()
	if s.line.reason() == nil {
		bye, end := context.WithTimeout(context.WithoutCancel(ctx), haltTime)
		_ = s.halt(bye) // the goodbye that follows stops it too
		end()
	}
	s.line.close()
	_ = report(trait.Speed.Of(0, s.now()))
	return why
}

// follow reports until ctx ends (nil) or the line breaks or the toy leaves (why).
func (s *Session) follow(ctx context.Context, report func(trait.Reading) error) error {
	charge := -1
	_ = report(trait.Speed.Of(s.current(), s.now()))
	for {
		if !s.line.roster.has(s.toy) {
			return fmt.Errorf("buttplug: %w: the toy left its server", device.ErrUnreachable)
		}
		if now, ok := s.line.roster.battery(s.toy); ok && now != charge {
			charge = now
			_ = report(trait.Battery.Of(charge, s.now()))
		}
		select {
		case <-s.moved:
			_ = report(trait.Speed.Of(s.current(), s.now()))
		case <-s.line.roster.news:
		case <-s.line.done:
			return s.line.reason()
		case <-ctx.Done():
			return nil
		}
	}
}

// watchBattery asks for the battery now and then. The answers reach the roster like those of
// subscriptions.
func (s *Session) watchBattery(ctx context.Context) {
	tick := time.NewTicker(batteryTime)
	defer tick.Stop()
	if s.toy.sensor.subscribe {
		s.sense(ctx, s.toy.followBattery(s.line.version))
	}
	for {
		s.sense(ctx, s.toy.readBattery(s.line.version))
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		case <-s.line.done:
			return
		}
	}
}

// sense asks and does not mind: a toy that cannot tell its battery still moves.
func (s *Session) sense(ctx context.Context, r request) {
	ctx, cancel := context.WithTimeout(ctx, sensorTime)
	defer cancel()
	_, _ = s.line.ask(ctx, r)
}

// Do sets the speed, in percent; what is out of range is clamped. It keeps the toy's message gap:
// of the speeds that wait for it only the newest is written, the others end with an error. A stop waits for nothing.
func (s *Session) Do(ctx context.Context, cmd trait.Command) error {
	percent, ok := trait.Speed.Want(cmd)
	if !ok {
		return fmt.Errorf("buttplug: %w: %s", device.ErrUnsupported, cmd.Trait.ID())
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("buttplug: %w", err)
	}
	percent = min(max(percent, 0), 100)
	if stepOf(percent, s.toy.steps()) == 0 {
		return s.halt(ctx)
	}
	return s.drive(ctx, percent)
}

// halt stops the toy. Ok from the server means that it will, which is all that the protocol gives.
func (s *Session) halt(ctx context.Context) error {
	s.claim()
	w, err := s.post(ctx, nil, s.toy.stop(s.line.version))
	if err != nil {
		return err
	}
	return s.conclude(ctx, w, 0)
}

func (s *Session) drive(ctx context.Context, percent int) error {
	void := s.claim()
	for {
		if err := s.pause(ctx, void); err != nil {
			return err
		}
		w, err := s.post(ctx, void, s.toy.drive(s.line.version, percent)...)
		switch {
		case errors.Is(err, errEarly): // another one was written while this one waited
		case err != nil:
			return err
		default:
			return s.conclude(ctx, w, percent)
		}
	}
}

// claim makes every waiting speed void, and gives what tells the caller that its own became so.
func (s *Session) claim() (void <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.replaced)
	s.replaced = make(chan struct{})
	return s.replaced
}

// due is how much of the message gap is left.
func (s *Session) due() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.toy.gap - time.Since(s.last)
}

func (s *Session) pause(ctx context.Context, void <-chan struct{}) error {
	gap := time.NewTimer(s.due())
	defer gap.Stop()
	select {
	case <-gap.C:
		return nil
	case <-void:
		return fmt.Errorf("buttplug: %w", errReplaced)
	case <-s.line.done:
		return s.line.reason()
	case <-ctx.Done():
		return fmt.Errorf("buttplug: %w", ctx.Err())
	}
}

// wrote is one write to the motors.
type wrote struct {
	call
	count int
}

// post writes to the motors. Whether a speed is void or early is judged with the turn in hand, so
// that none can be written after the stop that replaced it. A stop (void is nil) is neither.
func (s *Session) post(ctx context.Context, void <-chan struct{}, list ...request) (wrote, error) {
	select {
	case <-s.turn:
	case <-ctx.Done():
		return wrote{}, fmt.Errorf("buttplug: %w", ctx.Err())
	}
	defer func() { s.turn <- struct{}{} }()
	select {
	case <-void:
		return wrote{}, fmt.Errorf("buttplug: %w", errReplaced)
	case <-s.line.done:
		return wrote{}, s.line.reason()
	default:
	}
	if void != nil && s.due() > 0 {
		return wrote{}, errEarly
	}
	s.mu.Lock()
	s.last = time.Now()
	s.written++
	w := wrote{count: s.written}
	s.mu.Unlock()
	var err error
	w.call, err = s.line.post(list...)
	return w, err
}

// conclude waits for the server's answer to a write.
func (s *Session) conclude(ctx context.Context, w wrote, percent int) error {
	wait, cancel := context.WithTimeout(ctx, motorTime)
	defer cancel()
	_, err := s.line.answers(wait, w.call)
	late := wait.Err() != nil
	if late && ctx.Err() == nil && err != nil {
		// A server that takes commands and does not answer is not to be trusted with a motor: the
		// loss of the line is the last stop that is left.
		s.line.fail(err)
	}
	if err == nil || late && percent > 0 { // without an answer it may well be moving
		s.settle(w.count, percent)
	}
	return err
}

// settle keeps what the motors now do and lets Run report it. Answers to older writes come too late.
func (s *Session) settle(count, percent int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if count < s.settled {
		return
	}
	s.settled = count
	s.speed = percentOf(stepOf(percent, s.toy.steps()), s.toy.steps())
	select {
	case s.moved <- struct{}{}:
	default:
	}
}

func (s *Session) current() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.speed
}

// Holds is nothing: the protocol keeps no history, and toys keep none that it could read.
func (s *Session) Holds(context.Context) ([]device.Holding, error) { return []device.Holding{}, nil }

// Erase has nothing to erase.
func (s *Session) Erase(context.Context) ([]device.Erased, error) { return nil, nil }

// Evidence says how the server is reached. The protocol knows no passwords and no accounts.
func (s *Session) Evidence(context.Context) ([]device.Evidence, error) {
	at := s.now().UTC()
	encrypted := device.No
	if s.tls {
		encrypted = device.Yes
	}
	return []device.Evidence{
		{Claim: "encrypted", Answer: encrypted, How: "measured", At: at},
		{Claim: "own-password", Answer: device.No, How: "inferred", At: at},
		{Claim: "no-cloud", Answer: device.Yes, How: "inferred", At: at},
	}, nil
}
