package devicetest_test

import (
	"context"
	"errors"

	blueprint "github.com/ingle-home/ingle/accessories/_blueprint"
	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/trait"
)

// faulty is a good driver with one thing wrong: a method of its own or, in each session, one of its.
type faulty struct {
	device.Driver
	discover func(context.Context, device.Net) error
	open     func(context.Context, device.Config) (device.Session, error)
	run      func(device.Session, context.Context, func(trait.Reading) error) error
	do       func(device.Session, context.Context, trait.Command) error
	erase    func(device.Session, context.Context) ([]device.Erased, error)
	evidence func(device.Session, device.Config) ([]device.Evidence, error)
}

func (f faulty) Discover(ctx context.Context, n device.Net, found func(device.Candidate)) error {
	if f.discover != nil {
		return f.discover(ctx, n)
	}
	return f.Driver.Discover(ctx, n, found)
}

func (f faulty) Open(ctx context.Context, c device.Config) (device.Session, error) {
	if f.open != nil {
		return f.open(ctx, c)
	}
	s, err := f.Driver.Open(ctx, c)
	if err != nil {
		return nil, err
	}
	return faultySession{s, f, c}, nil
}

type faultySession struct {
	device.Session
	f faulty
	c device.Config
}

func (s faultySession) Run(ctx context.Context, report func(trait.Reading) error) error {
	if s.f.run != nil {
		return s.f.run(s.Session, ctx, report)
	}
	return s.Session.Run(ctx, report)
}

func (s faultySession) Do(ctx context.Context, cmd trait.Command) error {
	if s.f.do != nil {
		return s.f.do(s.Session, ctx, cmd)
	}
	return s.Session.Do(ctx, cmd)
}

func (s faultySession) Erase(ctx context.Context) ([]device.Erased, error) {
	if s.f.erase != nil {
		return s.f.erase(s.Session, ctx)
	}
	return s.Session.Erase(ctx)
}

func (s faultySession) Evidence(ctx context.Context) ([]device.Evidence, error) {
	if s.f.evidence != nil {
		return s.f.evidence(s.Session, s.c)
	}
	return s.Session.Evidence(ctx)
}

// fault is a driver with one thing wrong, and the check that must name it.
type fault struct {
	name, check string
	driver      faulty
}

// deaf are drivers that do not come back until free is closed.
func deaf(free <-chan struct{}) []fault {
	return []fault{
		{"hangs in Open", "opens", faulty{open: func(context.Context, device.Config) (device.Session, error) {
			<-free
			return nil, device.ErrUnreachable
		}}},
		{"discovers for ever", "discover", faulty{discover: func(context.Context, device.Net) error { <-free; return nil }}},
		{"panics in Open", "opens", faulty{open: func(context.Context, device.Config) (device.Session, error) {
			panic("ouch")
		}}},
		{"ignores the context of Run", "ends", faulty{run: func(s device.Session, ctx context.Context, report func(trait.Reading) error) error {
			err := s.Run(ctx, report)
			<-free
			return err
		}}},
		{"ignores the context of Do", "cancelled", faulty{do: func(s device.Session, ctx context.Context, cmd trait.Command) error {
			return s.Do(context.WithoutCancel(ctx), cmd)
		}}},
		{"obeys a context that has ended", "cancelled", faulty{do: func(s device.Session, ctx context.Context, cmd trait.Command) error {
			return errors.Join(s.Do(context.WithoutCancel(ctx), cmd), ctx.Err())
		}}},
		{"obeys when it is over", "ends", faulty{do: func(s device.Session, ctx context.Context, cmd trait.Command) error {
			_ = s.Do(ctx, cmd)
			return ctx.Err()
		}}},
		{"waits for an answer for ever", "cancelled", faulty{do: func(s device.Session, ctx context.Context, cmd trait.Command) error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return s.Do(context.WithoutCancel(ctx), cmd)
		}}},
	}
}

// mistaken are drivers that say what is not so.
func mistaken() []fault {
	good := blueprint.New()
	return []fault{
		{"calls a wrong password unreachable", "refused", faulty{open: func(ctx context.Context, c device.Config) (device.Session, error) {
			return changed(good, ctx, c, device.ErrRefused, device.ErrUnreachable)
		}}},
		{"calls an absent device refused", "unreachable", faulty{open: func(ctx context.Context, c device.Config) (device.Session, error) {
			return changed(good, ctx, c, device.ErrUnreachable, device.ErrRefused)
		}}},
		{"calls a foreign trait unreachable", "unknown-trait", faulty{do: func(s device.Session, ctx context.Context, cmd trait.Command) error {
			if err := s.Do(ctx, cmd); err != nil {
				return device.ErrUnreachable
			}
			return nil
		}}},
		{"ends well when the line is lost", "drop", faulty{run: func(s device.Session, ctx context.Context, report func(trait.Reading) error) error {
			_ = s.Run(ctx, report)
			return nil
		}}},
		{"reports what it did not offer", "reports", faulty{run: func(s device.Session, ctx context.Context, report func(trait.Reading) error) error {
			return s.Run(ctx, func(r trait.Reading) error { return errors.Join(report(r), report(trait.Heart.Of(70, r.At))) })
		}}},
	}
}

// careless are drivers that do not keep what they know to themselves, or keep what they should not.
func careless(free <-chan struct{}) []fault {
	good := blueprint.New()
	return []fault{
		{"erases nothing", "erase", faulty{erase: func(device.Session, context.Context) ([]device.Erased, error) {
			return []device.Erased{{What: "holding.use", Gone: true}}, nil
		}}},
		{"dials outside", "lan-only", faulty{evidence: func(s device.Session, c device.Config) ([]device.Evidence, error) {
			_, err := c.Net.Dial(context.Background(), "tcp", "203.0.113.7:443")
			return nil, err
		}}},
		{"logs its secret", "quiet-log", faulty{open: func(ctx context.Context, c device.Config) (device.Session, error) {
			c.Log.Debug("login", "password", c.Secret("password").Reveal())
			return good.Open(ctx, c)
		}}},
		{"leaves a goroutine", "goroutines", faulty{run: func(s device.Session, ctx context.Context, report func(trait.Reading) error) error {
			go func() { <-free }()
			return s.Run(ctx, report)
		}}},
		{"claims without saying how", "evidence", faulty{evidence: func(device.Session, device.Config) ([]device.Evidence, error) {
			return []device.Evidence{{Claim: "encrypted", Answer: device.Yes}}, nil
		}}},
	}
}

// changed opens and, where it fails with one kind, says another.
func changed(d device.Driver, ctx context.Context, c device.Config, from, to error) (device.Session, error) {
	s, err := d.Open(ctx, c)
	if errors.Is(err, from) {
		return nil, to
	}
	return s, err
}
