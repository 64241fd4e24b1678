package servers

import (
	"context"
	"errors"
	"time"

	"github.com/ingle-home/ingle/hub/homekit"
)

// ErrNothingPrivate says that no accessory is private, so there is nothing to arm.
var ErrNothingPrivate = errors.New("servers: nothing is private")

const (
	defaultArming = 30 * time.Minute // when nobody says for how long
	longestArming = 24 * time.Hour

	restTime = 10 * time.Second // for what is private to come to rest
)

// Arm lets the private server be found, paired and used for a while (0: half an hour; a day at most);
// then it locks itself. Armed again it works for that long from now. The first time makes the server.
// ErrNothingPrivate where no accessory is private.
func (s *Servers) Arm(ctx context.Context, d time.Duration) (Status, error) {
	if d <= 0 {
		d = defaultArming
	}
	d = min(d, longestArming)
	s.arming.Lock()
	defer s.arming.Unlock()
	spec, ok := s.private()
	if !ok || s.closed {
		return Status{}, ErrNothingPrivate
	}
	before := s.armedUntil()
	s.setArmed(time.Now().Add(d))
	if err := s.ensure(ctx, spec.Key); err != nil {
		s.setArmed(before)
		return Status{}, err
	}
	s.unwind()
	waiting, cancel := context.WithCancel(context.Background())
	s.lock = cancel
	s.tasks.Go(func() { s.lockAfter(waiting, d) })
	s.options.House.Arm()
	s.tellPrivate()
	return s.describe(s.find(spec.Key)), nil
}

// Disarm locks the private server: nobody finds it, pairs with it or moves anything, who is paired
// sees everything at rest, and what is private is brought to rest. It is locked also when the error
// says that something did not stop. Locked already is no error.
func (s *Servers) Disarm(ctx context.Context) error {
	s.arming.Lock()
	defer s.arming.Unlock()
	s.unwind()
	return s.disarm(ctx)
}

// disarm runs under s.arming.
func (s *Servers) disarm(ctx context.Context) error {
	s.setArmed(time.Time{})
	s.tellPrivate()
	return s.options.House.Disarm(ctx)
}

// lockAfter locks the private server after a while, unless somebody armed or disarmed it meanwhile.
func (s *Servers) lockAfter(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return
	case <-timer.C:
	}
	s.arming.Lock()
	defer s.arming.Unlock()
	if ctx.Err() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, restTime)
	defer cancel()
	if err := s.disarm(ctx); err != nil {
		s.log.Warn("something private did not come to rest", "err", err)
	}
}

// unwind ends the wait of the present arming. It runs under s.arming.
func (s *Servers) unwind() {
	if s.lock != nil {
		s.lock()
	}
}

// ensure has a server run that was shown.
func (s *Servers) ensure(ctx context.Context, key string) error {
	s.showing.Lock()
	defer s.showing.Unlock()
	if s.find(key) != nil {
		return nil
	}
	for _, spec := range s.specs() {
		if spec.Key == key {
			_, err := s.publish(ctx, spec) // what is left out, the next Show tells
			return err
		}
	}
	return ErrUnknown
}

// tellPrivate has the network and the apps hear whether the private server is armed.
func (s *Servers) tellPrivate() {
	if r := s.find(homekit.PrivateServer); r != nil {
		select {
		case r.wake <- struct{}{}:
		default:
		}
	}
	s.options.Changed()
}

// private is the private server as it was last shown; false where it would hold nothing.
func (s *Servers) private() (homekit.Server, bool) {
	for _, spec := range s.specs() {
		if spec.Key == homekit.PrivateServer {
			return spec, !spec.Spare()
		}
	}
	return homekit.Server{}, false
}

// hidden says whether a server is neither announced nor to be paired with.
func (s *Servers) hidden(key string) bool { return key == homekit.PrivateServer && !s.isArmed() }

func (s *Servers) isArmed() bool { return !s.armedUntil().IsZero() }

func (s *Servers) armedUntil() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.until
}

func (s *Servers) setArmed(until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.until = until
}
