package devicetest

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/media"
	"github.com/ingle-home/ingle/accessories/trait"
)

// checks is the suite, in the order in which it runs. Beside each stands what it wants.
func checks() []check {
	return []check{
		{"about", Base, about},                // an ID, kinds, and no question asked twice
		{"discover", Base, discover},          // an end when its context ends; whole candidates
		{"opens", Base, opens},                // a session in time, and an Open that can be cancelled
		{"ends", Base, ends},                  // an end of Run with its context, and of Do with Run
		{"offer", Base, offer},                // traits, each of them in the vocabulary
		{"reports", Base, reports},            // readings of offered traits only, of about now
		{"unknown-trait", Base, unknownTrait}, // ErrUnsupported for what it did not offer
		{"obeys", Base, obeys},                // the suite's command done
		{"cancelled", Base, cancelled},        // a command that ends with its context, told to nobody if it never began
		{"unreachable", Base, unreachable},    // ErrUnreachable when nobody answers
		{"refused", Base, refused},            // ErrRefused when a secret is wrong
		{"drop", Base, drop},                  // ErrUnreachable from Run when the line is lost
		{"reopen", Base, reopen},              // the same again after an end
		{"goroutines", Base, goroutines},      // nothing left running behind a session
		{"lan-only", Private, lanOnly},        // no address dialled but the household's own
		{"quiet-log", Private, quietLog},      // no secret or planted text in the log
		{"holds", Private, holds},             // an answer to what the device keeps
		{"erase", Private, erase},             // each holding gone, or why not; twice
		{"evidence", Private, evidence},       // no claim without how and when
	}
}

func about(r *run) {
	a := r.about()
	if a.ID == "" || len(a.Kinds) == 0 {
		r.failf("About lacks an ID or kinds: %+v", a)
	}
	seen := map[string]bool{}
	for _, f := range a.Fields {
		if f.Key == "" || seen[f.Key] {
			r.failf("field %q is empty or asked twice", f.Key)
		}
		seen[f.Key] = true
	}
}

// discover finds what answers a multicast of this world, if anything does.
func discover(r *run) {
	id, d := r.about().ID, r.suite.Driver
	ctx, cancel := context.WithTimeout(context.Background(), r.limits.quiet)
	defer cancel()
	seen := make(chan device.Candidate, 64)
	_, err := guard(r, "Discover", r.limits.grace, only(func() error {
		return d.Discover(ctx, r.world, func(c device.Candidate) {
			select {
			case seen <- c:
			default:
			}
		})
	}))
	if errors.As(err, new(*late)) || errors.As(err, new(*panicked)) {
		r.failf("Discover ignores its context or panics: %v", err)
		return
	}
	if n := r.world.answering(); n > 0 && len(seen) == 0 {
		r.failf("%d simulators answer, and it finds none", n)
	}
	for range len(seen) {
		if c := <-seen; c.Driver != id || c.Address == "" {
			r.failf("a candidate lacks its driver or address: %+v", c)
		}
	}
}

// opens wants a session in time, and an Open that ends when nobody waits for it any more.
func opens(r *run) {
	if s := r.open(); s != nil {
		r.end(s)
	}
	if r.hung {
		return
	}
	s, err := r.tryOpen(over(), r.limits.grace)
	if errors.As(err, new(*late)) {
		r.failf("Open ignores its context: %v", err)
	}
	if err == nil && s != nil {
		r.end(s)
	}
}

func ends(r *run) {
	var s device.Session
	r.running(ignore, func(open device.Session) { s = open })
	if s == nil || r.hung {
		return
	}
	if err := r.command(s, r.anyCommand()); err == nil || errors.As(err, new(*late)) {
		r.failf("Do after the session has ended gives: %v", err)
	}
}

func offer(r *run) {
	r.running(ignore, func(s device.Session) {
		o := r.offer(s)
		if len(o.Traits) == 0 {
			r.failf("the offer is empty")
		}
		for _, have := range o.Traits {
			if known, ok := trait.Lookup(have.Trait.ID()); !ok || known != have.Trait {
				r.failf("it offers %q, which is not in the vocabulary", have.Trait.ID())
			}
		}
	})
}

// reports wants at least one reading, each of an offered trait and with a time near now.
func reports(r *run) {
	got := make(chan trait.Reading, 64)
	keep := func(x trait.Reading) error {
		select {
		case got <- x:
		default:
		}
		return nil
	}
	r.running(keep, func(s device.Session) {
		if want := r.suite.Command; want.Trait.ID() != "" {
			_ = r.command(s, want)
		}
		r.judgeReadings(r.offer(s), got)
	})
}

func (r *run) judgeReadings(o device.Offer, got <-chan trait.Reading) {
	first := time.After(r.limits.first)
	var quiet <-chan time.Time
	for {
		select {
		case x := <-got:
			if _, ok := o.Offers(x.Trait); !ok {
				r.failf("it reports %q, which it did not offer", x.Trait.ID())
			}
			if age := r.config.Now().Sub(x.At); age < -time.Minute || age > 366*24*time.Hour {
				r.failf("the reading of %q is %v old", x.Trait.ID(), age)
			}
			quiet = time.After(r.limits.quiet)
		case <-quiet:
			return
		case <-first:
			if quiet == nil {
				r.failf("it reports nothing")
			}
			return
		}
	}
}

func unknownTrait(r *run) {
	r.running(ignore, func(s device.Session) {
		if err := r.command(s, trait.StopAll.Set(true)); !errors.Is(err, device.ErrUnsupported) {
			r.failf("Do of a foreign trait gives %v, not ErrUnsupported", err)
		}
	})
}

func obeys(r *run) {
	if r.suite.Command.Trait.ID() == "" {
		r.skipped = true
		return
	}
	r.running(ignore, func(s device.Session) {
		if err := r.command(s, r.suite.Command); err != nil {
			r.failf("Do %s: %v", r.suite.Command.Trait.ID(), err)
		}
	})
}

// cancelled ends the context of a command before it begins, and in the middle: the device has gone
// silent, so that a driver which waits for an answer waits in vain.
func cancelled(r *run) {
	r.running(ignore, func(s device.Session) {
		r.cancelledBefore(s)
		if r.hung {
			return
		}
		r.world.mute()
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		from := start("Do", only(func() error { return s.Do(ctx, r.anyCommand()) }))
		timer := time.AfterFunc(r.limits.mid, cancel)
		defer timer.Stop()
		if _, err := await(r, "Do", r.limits.grace, from); errors.As(err, new(*late)) {
			r.failf("Do ignores that its context ends while it waits for an answer: %v", err)
		}
	})
}

// cancelledBefore wants an error and nothing on the line. A line has other traffic too: only a driver
// that writes each time is to blame.
func (r *run) cancelledBefore(s device.Session) {
	const tries = 5
	wrote := 0
	for range tries {
		before := r.world.written()
		_, err := guard(r, "Do", r.limits.grace, only(func() error { return s.Do(over(), r.anyCommand()) }))
		if err == nil || errors.As(err, new(*late)) {
			r.failf("Do under a context that has ended gives: %v", err)
			return
		}
		if r.world.written() > before {
			wrote++
		}
	}
	if wrote == tries {
		r.failf("Do under a context that has ended still tells the device")
	}
}

// anyCommand is the suite's command, or one that nothing obeys.
func (r *run) anyCommand() trait.Command {
	if r.suite.Command.Trait.ID() == "" {
		return trait.StopAll.Set(true)
	}
	return r.suite.Command
}

func unreachable(r *run) {
	r.world.away()
	r.wantOpen(device.ErrUnreachable, "a device that is away")
}

func refused(r *run) {
	secrets := false
	for _, f := range r.about().Fields {
		secrets = secrets || f.Secret
	}
	switch {
	case r.suite.Wrong != nil:
		r.config = r.suite.Wrong(r.config)
	case secrets:
		r.config.Secret = func(string) device.Secret { return device.NewSecret("not the secret") }
	default:
		r.skipped = true
		return
	}
	r.wantOpen(device.ErrRefused, "a wrong secret")
}

func (r *run) wantOpen(want error, why string) {
	ctx, cancel := context.WithTimeout(context.Background(), r.limits.open)
	defer cancel()
	s, err := r.tryOpen(ctx, r.limits.open+r.limits.grace)
	if !errors.Is(err, want) {
		r.failf("Open of %s gives %v, not %q", why, err, want)
	}
	if err == nil && s != nil {
		r.end(s)
	}
}

// drop loses the line, and wants Run to say so. A camera is watched meanwhile: its line is there
// only then.
func drop(r *run) {
	s := r.open()
	if s == nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var once sync.Once
	up := make(chan struct{})
	live := func() { once.Do(func() { close(up) }) }
	camera, viewable := s.(device.Viewable)
	ended := start("Run", only(func() error {
		return s.Run(ctx, func(trait.Reading) error {
			if !viewable {
				live()
			}
			return nil
		})
	}))
	var watched <-chan answer[nothing]
	if viewable {
		watched = start("Watch", only(func() error {
			return camera.Watch(ctx, camera.Views()[0].ID, false, func(*media.Unit) { live() })
		}))
	}
	r.moment(up)
	r.world.away()
	r.world.Drop()
	if viewable {
		r.wantLost("Watch", watched)
	}
	r.wantLost("Run", ended)
	cancel()
}

func (r *run) wantLost(call string, from <-chan answer[nothing]) {
	if _, err := await(r, call, r.limits.lost, from); !errors.Is(err, device.ErrUnreachable) {
		r.failf("%s gives %v after the line was lost, not ErrUnreachable", call, err)
	}
}

func reopen(r *run) {
	for range 2 {
		if !r.hung {
			r.running(ignore, func(device.Session) {})
		}
	}
}
