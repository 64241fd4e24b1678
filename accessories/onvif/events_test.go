package onvif_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/onvif"
	"github.com/ingle-home/ingle/accessories/onvif/sim"
	"github.com/ingle-home/ingle/accessories/trait"
)

// told is a running session and what it reported of one trait.
type told struct {
	news  chan bool
	ended chan error
	end   context.CancelFunc
}

// listen runs a session with a driver that waits little, until it has subscribed.
func listen(t *testing.T, c *sim.Sim, cfg device.Config, of trait.Trait[bool], stuck time.Duration) told {
	t.Helper()
	s, err := onvif.Hurry(200*time.Millisecond, 2*time.Second, stuck).Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	run := told{make(chan bool, 64), make(chan error, 1), cancel}
	go func() {
		run.ended <- s.Run(ctx, func(r trait.Reading) error {
			if is, ok := of.In(r); ok {
				run.news <- is
			}
			return nil
		})
	}()
	t.Cleanup(func() {
		cancel()
		<-run.ended
	})
	until(t, "it subscribes", func() bool { return state(c).Synced > 0 })
	return run
}

func (r told) want(t *testing.T, what string, is bool) {
	t.Helper()
	said := func(got bool) {
		if got != is {
			t.Fatalf("%s: it says %v", what, got)
		}
	}
	select {
	case got := <-r.news:
		said(got)
	case err := <-r.ended:
		r.ended <- err
		select {
		case got := <-r.news: // its last word, from before the end
			said(got)
		default:
			t.Fatalf("%s: Run ended: %v", what, err)
		}
	case <-time.After(patience):
		t.Fatalf("%s: never", what)
	}
}

// quiet wants no more news within a moment.
func (r told) quiet(t *testing.T, what string) {
	t.Helper()
	select {
	case got := <-r.news:
		t.Fatalf("%s: it says %v again", what, got)
	case <-time.After(300 * time.Millisecond):
	}
}

func TestMotion(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]sim.Options{
		"token": {WrongHost: "192.0.2.77"}, "digest": {Digest: "MD5"}, "by header": {ByHeader: true},
		"no renewal": {NoRenew: true}, "does not wait": {Hasty: true}, "ten hours off": {Skew: 10 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := camera(t, o)
			run := listen(t, c, usual(c), trait.Motion, time.Minute)
			run.want(t, "how it stands", false)
			began := time.Now()
			do(t, c, "motion-on")
			run.want(t, "motion", true)
			t.Logf("motion after %v", time.Since(began))
			do(t, c, "motion-off")
			run.want(t, "its end", false)
			do(t, c, "motion-on")
			run.want(t, "motion again", true)
			do(t, c, "motion-empty")
			run.want(t, "an empty message", false)
			if o.NoRenew {
				until(t, "a new subscription", func() bool { return state(c).Subscribed > 1 })
			} else {
				until(t, "a renewal", func() bool { return state(c).Renewed > 0 })
			}
			do(t, c, "expire")
			until(t, "a new subscription", func() bool { return state(c).Subscriptions == 1 })
			do(t, c, "motion-on")
			run.want(t, "motion after the subscription was lost", true)
			if n := state(c).Refused; n != 0 {
				t.Errorf("%d wrong logins", n)
			}
			run.end()
			until(t, "the subscription ends", func() bool { return state(c).Subscriptions == 0 })
		})
	}
}

// The end of motion is lost, and asking again tells nothing.
func TestStuckMotionEnds(t *testing.T) {
	t.Parallel()
	c := camera(t, sim.Options{})
	run := listen(t, c, usual(c), trait.Motion, time.Second)
	run.want(t, "how it stands", false)
	before := state(c).Synced
	do(t, c, "motion-stuck")
	run.want(t, "motion", true)
	run.want(t, "its end", false)
	do(t, c, "motion-on")
	run.want(t, "the next motion", true)
	// This one goes on: the camera, asked again, says so.
	until(t, "the camera is asked again", func() bool { return state(c).Synced > before+1 })
}

func TestOnePressOneRing(t *testing.T) {
	t.Parallel()
	c := camera(t, sim.Options{Doorbell: true})
	run := listen(t, c, usual(c), trait.Doorbell, time.Minute)
	run.quiet(t, "how the bell stands")
	do(t, c, "doorbell")
	run.want(t, "the press", true)
	run.quiet(t, "one press")
	do(t, c, "expire") // and how it stands is told again
	until(t, "a new subscription", func() bool { return state(c).Subscriptions == 1 })
	run.quiet(t, "a new subscription")
	do(t, c, "doorbell")
	run.want(t, "the next press", true)
}

// A bell that no list knows is named by the household.
func TestADoorbellOfItsOwn(t *testing.T) {
	c := camera(t, sim.Options{})
	cfg := usual(c)
	cfg.Fields["doorbell"] = "CellMotionDetector" // any topic will do
	s := open(t, cfg)
	if _, ok := s.Offer().Offers(trait.Doorbell.Any()); !ok {
		t.Error("it is not offered")
	}
}

func TestRunEndsWhenTheCameraGoes(t *testing.T) {
	c := camera(t, sim.Options{})
	cfg := usual(c)
	run := listen(t, c, cfg, trait.Live, time.Minute)
	run.want(t, "live", true)
	do(t, c, "stop")
	began := time.Now()
	run.want(t, "no longer", false)
	err := <-run.ended
	run.ended <- err
	if !errors.Is(err, device.ErrUnreachable) {
		t.Fatalf("run: %v", err)
	}
	t.Logf("noticed after %v", time.Since(began))
	if _, err := onvif.New().Open(t.Context(), cfg); !errors.Is(err, device.ErrUnreachable) {
		t.Fatalf("open: %v", err)
	}
	do(t, c, "start")
	open(t, cfg)
}

// A password that somebody changes ends the session, and does not lock the account.
func TestRunEndsWhenThePasswordChanges(t *testing.T) {
	t.Parallel()
	c := camera(t, sim.Options{})
	run := listen(t, c, usual(c), trait.Live, time.Minute)
	run.want(t, "live", true)
	do(t, c, "password", "to", "other-light")
	run.want(t, "no longer", false)
	err := <-run.ended
	run.ended <- err
	if !errors.Is(err, device.ErrRefused) {
		t.Fatalf("run: %v", err)
	}
	if n := state(c).Refused; n > 3 {
		t.Errorf("%d wrong logins", n)
	}
}

// An account that may see and not hear still shows the camera.
func TestAnAccountWithoutEvents(t *testing.T) {
	c := camera(t, sim.Options{Level: "User"})
	s, err := onvif.Hurry(50*time.Millisecond, time.Second, time.Minute).Open(t.Context(), usual(c))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, func(trait.Reading) error { return nil }) }()
	until(t, "it asks for events several times", func() bool { return state(c).Denied >= 3 })
	watch(t, s, "main", false, 2)
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("run: %v", err)
	}
}
