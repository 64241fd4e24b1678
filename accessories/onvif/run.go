package onvif

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/trait"
)

// pace is how often and how long a session waits.
type pace struct {
	look  time.Duration // between two questions whether the camera is there
	poll  time.Duration // how long the camera may wait for an event before it answers
	term  time.Duration // for which an event subscription is asked
	quiet time.Duration // without any event, after which a subscription is not trusted any more
	stuck time.Duration // for which motion is believed without another word of it
	first time.Duration // after which a lost subscription is made again; doubles
	most  time.Duration
	rest  time.Duration // at least, between two polls of a camera that does not wait
}

func usual() pace {
	return pace{
		look: 5 * time.Second, poll: 10 * time.Second, term: time.Minute, quiet: 10 * time.Minute,
		stuck: time.Minute, first: time.Second, most: time.Minute, rest: 250 * time.Millisecond,
	}
}

// Run reports that the camera is live, and its events. It ends with device.ErrUnreachable when the
// camera missed two looks, with device.ErrRefused when the account is not let in any more.
func (s *session) Run(ctx context.Context, report func(trait.Reading) error) error {
	defer func() {
		s.end()
		_, pictures := s.now()
		pictures.Close()
	}()
	if err := report(trait.Live.Of(true, s.config.Now())); err != nil {
		return fmt.Errorf("onvif: report: %w", err)
	}
	inner, cancel := context.WithCancel(ctx)
	var busy sync.WaitGroup
	refused := make(chan error, 1)
	if s.heeds.motion || s.heeds.doorbell {
		e := newEars(s.config.Fields[fieldDoorbell], s.pace.stuck, s.config.Now, report, s.log)
		busy.Go(func() { refused <- s.listen(inner, e) })
		busy.Go(func() { e.doubt(inner) })
	}
	err := s.attend(inner, refused)
	cancel()
	busy.Wait()
	if ctx.Err() != nil {
		return nil
	}
	return errors.Join(err, report(trait.Live.Of(false, s.config.Now())))
}

// attend looks after the camera until it is gone, or lets us in no more.
func (s *session) attend(ctx context.Context, refused <-chan error) error {
	tick := time.NewTicker(s.pace.look)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-refused:
			return err
		case <-s.rung:
		case <-tick.C:
		}
		err := s.look(ctx)
		if err != nil {
			err = s.look(ctx)
		}
		if err != nil {
			return err
		}
	}
}

// look asks for the time, without a login: any answer proves that the camera is there.
func (s *session) look(ctx context.Context) error {
	_, err := s.line.call(ctx, ask{ns: nsDevice, action: "GetSystemDateAndTime", max: lookTime})
	if errors.Is(err, device.ErrUnreachable) {
		return err
	}
	return nil
}

// listen keeps a subscription until ctx ends (nil) or the account is refused (why).
func (s *session) listen(ctx context.Context, e *ears) error {
	wait := s.pace.first
	for {
		began := time.Now()
		err := s.hear(ctx, e)
		if ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, errLogin) {
			if s.shutOut(ctx) {
				return fmt.Errorf("onvif: events: %w", err)
			}
			wait = s.pace.most // the account may see, and may not hear
		}
		s.log("onvif: the events are asked for anew", "err", err)
		s.ring()
		if time.Since(began) > s.pace.term {
			wait = s.pace.first
		}
		if !pause(ctx, wait) {
			return nil
		}
		wait = min(2*wait, s.pace.most)
	}
}

// shutOut asks whether the account opens nothing any more.
func (s *session) shutOut(ctx context.Context) bool {
	as, _ := s.now()
	return errors.Is(s.line.prove(ctx, s.proof, as), errLogin)
}

// hear makes a subscription and pulls until it fails. Some cameras fail to renew, and some fall
// silent: both are left for a new subscription.
func (s *session) hear(ctx context.Context, e *ears) error {
	sub, err := s.subscribe(ctx)
	if err != nil {
		return err
	}
	defer sub.leave(ctx)
	if err := sub.sync(ctx); err != nil {
		s.log("onvif: the camera does not repeat its events", "err", err)
	}
	heard := time.Now()
	for {
		if e.doubts() {
			_ = sub.sync(ctx) // what it does not repeat ends by itself
		}
		if time.Now().After(sub.renewAt) {
			if err := sub.renew(ctx); err != nil {
				return err
			}
		}
		asked := time.Now()
		news, err := sub.pull(ctx)
		if err != nil {
			return err
		}
		for _, n := range news {
			e.take(n)
		}
		switch {
		case len(news) > 0:
			heard = time.Now()
		case time.Since(heard) > s.pace.quiet:
			return fmt.Errorf("%w: no event for %v", errSilent, s.pace.quiet)
		case time.Since(asked) < s.pace.rest && !pause(ctx, s.pace.rest):
			return nil
		}
	}
}

var errSilent = errors.New("the subscription may be dead")

// pause waits, and says whether it waited to the end.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
