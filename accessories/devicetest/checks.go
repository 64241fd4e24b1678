package devicetest

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/trait"
)

// checks is the suite, in the order in which it runs.
func checks() []check {
	return []check{
		{"about", Base, about},
		{"offer", Base, offer},
		{"reports", Base, reports},
		{"ends", Base, ends},
		{"unknown-trait", Base, unknownTrait},
		{"obeys", Base, obeys},
		{"cancelled", Base, cancelled},
		{"unreachable", Base, unreachable},
		{"refused", Base, refused},
		{"drop", Base, drop},
		{"reopen", Base, reopen},
		{"goroutines", Base, goroutines},
		{"lan-only", Private, lanOnly},
		{"quiet-log", Private, quietLog},
		{"holds", Private, holds},
		{"erase", Private, erase},
		{"evidence", Private, evidence},
	}
}

func ignore(trait.Reading) error { return nil }

func about(r *run) {
	a := r.suite.Driver.About()
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

func offer(r *run) {
	r.running(ignore, func(s device.Session) {
		o := s.Offer()
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
		if len(s.Offer().Traits) == 0 {
			return
		}
		if want := r.suite.Command; want.Trait.ID() != "" {
			_ = r.command(s, want)
		}
		r.judgeReadings(s.Offer(), got)
	})
}

func (r *run) judgeReadings(o device.Offer, got <-chan trait.Reading) {
	first := time.After(8 * time.Second)
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
			quiet = time.After(300 * time.Millisecond)
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

func ends(r *run) { r.running(ignore, func(device.Session) {}) }

// command gives a command the seam's five seconds, and twice that for a bell that must be echoed.
func (r *run) command(s device.Session, cmd trait.Command) error {
	ctx, cancel := context.WithTimeout(context.Background(), 11*time.Second)
	defer cancel()
	return guard(11*time.Second+grace, "Do", func() error { return s.Do(ctx, cmd) })
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

func cancelled(r *run) {
	cmd := r.suite.Command
	if cmd.Trait.ID() == "" {
		cmd = trait.StopAll.Set(true)
	}
	r.running(ignore, func(s device.Session) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		var late *late
		if err := guard(grace, "Do", func() error { return s.Do(ctx, cmd) }); err == nil || errors.As(err, &late) {
			r.failf("Do under a cancelled context gives %v", err)
		}
	})
}

func unreachable(r *run) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		r.failf("%v", err)
		return
	}
	_ = l.Close()
	away := NewWorld()
	away.dead = l.Addr().String()
	defer away.close()
	r.config.Net = away
	r.wantOpen(device.ErrUnreachable, "a device that is away")
}

func refused(r *run) {
	secrets := false
	for _, f := range r.suite.Driver.About().Fields {
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
	ctx, cancel := context.WithTimeout(context.Background(), openTime)
	defer cancel()
	err := guard(openTime+grace, "Open", func() error { _, err := r.suite.Driver.Open(ctx, r.config); return err })
	if !errors.Is(err, want) {
		r.failf("Open of %s gives %v, not %q", why, err, want)
	}
}

func drop(r *run) {
	s := r.open()
	if s == nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var once sync.Once
	up := make(chan struct{})
	report := func(trait.Reading) error { once.Do(func() { close(up) }); return nil }
	err := guard(20*time.Second, "Run", func() error {
		go func() {
			select {
			case <-up:
			case <-time.After(time.Second):
			}
			r.world.Drop()
		}()
		return s.Run(ctx, report)
	})
	if !errors.Is(err, device.ErrUnreachable) {
		r.failf("Run gives %v after the link was lost, not ErrUnreachable", err)
	}
}

func reopen(r *run) {
	for range 2 {
		r.running(ignore, func(device.Session) {})
	}
}
