package setracker_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/setracker"
	"github.com/ingle-home/ingle/accessories/setracker/sim"
	"github.com/ingle-home/ingle/accessories/trait"
)

// loopback is the network of real sockets.
type loopback struct {
	mu sync.Mutex
	ln net.Listener
}

func (*loopback) Dial(context.Context, string, string) (net.Conn, error) {
	return nil, device.ErrRefused
}

func (l *loopback) Listen(ctx context.Context, _ string) (net.Listener, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var err error
	c := net.ListenConfig{KeepAlive: -1}
	l.ln, err = c.Listen(ctx, "tcp", "127.0.0.1:0")
	return l.ln, err
}

func (l *loopback) address() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ln.Addr().String()
}

func (l *loopback) config(id string) device.Config {
	return device.Config{Address: id, Net: l, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
}

func TestFindWaitsForTheEcho(t *testing.T) {
	inside(t, func(t *testing.T, s *street, r *running) {
		find := func() chan error {
			done := make(chan error, 1)
			go func() { done <- r.Do(t.Context(), trait.Find.Set(true)) }()
			synctest.Wait()
			return done
		}
		if err := <-find(); !errors.Is(err, device.ErrUnreachable) {
			t.Errorf("without a line: %v", err)
		}
		c := s.call("10.0.0.1")
		c.say(frame(watch, "LK", ""))
		first, second := find(), find()
		if len(first) != 0 || len(second) != 0 {
			t.Error("a success before the echo")
		}
		c.say("[3G*3456789012*0004*FIND]")
		if a, b := <-first, <-second; a != nil || b != nil {
			t.Error(a, b)
		}
		from := time.Now()
		if err := <-find(); !errors.Is(err, device.ErrUnreachable) || time.Since(from) != 10*time.Second {
			t.Errorf("without an echo: %v after %v", err, time.Since(from))
		}
		lost := find()
		c.Close()
		from = time.Now()
		if err := <-lost; !errors.Is(err, device.ErrUnreachable) || time.Since(from) > time.Second {
			t.Errorf("on a lost line: %v after %v", err, time.Since(from))
		}
		for _, cmd := range []trait.Command{trait.Find.Set(false), trait.Speed.Set(5)} {
			if err := r.Do(t.Context(), cmd); !errors.Is(err, device.ErrUnsupported) {
				t.Errorf("%s: %v", cmd.JSON(), err)
			}
		}
	})
}

func TestCommandsFitTheDialect(t *testing.T) {
	for _, c := range []struct{ lk, want string }{
		{"[3G*3456789012*0002*LK]", "[SG*3456789012*0004*FIND]"},
		{"[SG*3456789012*0002*LK]", "[SG*3456789012*0004*FIND]"},
		{"[CS*3456789012*0002*LK]", "[CS*3456789012*0004*FIND]"},
		{"[ZJ*3456789012*00a7*0002*LK]", "[ZJ*3456789012*0001*0004*FIND]"},
	} {
		inside(t, func(t *testing.T, s *street, r *running) {
			line := s.call("10.0.0.1")
			line.say(c.lk)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if err := r.Do(ctx, trait.Find.Set(true)); !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
			wantText(t, c.lk, line.heard(), c.want)
		})
	}
}

func TestReadings(t *testing.T) {
	for _, c := range []struct{ kind, body, want string }{
		{"LK", "1234,5,67", "battery=67 steps=1234"},
		{"LK", "12,34", ""},
		{"LK", "x,5,101", ""},
		{"heart", "71", "heart=71"},
		{"PULSE", "72", "heart=72"},
		{"heart", "0", ""},
		{"bphrt", "120,80,73,,,,", "heart=73"},
		{"bphrt", "120,80,0,,,,", ""},
		{"BLOOD", "120,80,74", "heart=74"},
		{"BLOOD", "120,80", ""},
		{"oxygen", "0,98", ""},
		{"PP", where, ""},
		{"UD", "010100,000001,A,52.1,N,5.2,E,0,0,0,8,90,66,5,0,00000000", `battery=66 steps=5 where={"lat":52.1,"lon":5.2,"accuracy":20,"fixed":true}`},
		{"UD2", "010100,000001,V,52.1,S,5.2,W,0,0,0,8,90,66,5,0,00000000", `where={"lat":-52.1,"lon":-5.2,"accuracy":1000,"fixed":false}`},
		{"UD", "010100,000001,V,0,N,0,E,0,0,0,8,90,66,5,0,00000000", "battery=66 steps=5"},
		{"WT", "020100,000001,A,52.1,N,5.2,E,0,0,0,8,90,66,,0,00000000", "battery=66"}, // tomorrow
		{"UD", "010199,000001,A,52.1,N,5.2,E,0,0,0,8,90,,,0,00000000", ""},             // last year
	} {
		inside(t, func(t *testing.T, s *street, r *running) {
			s.call("10.0.0.1").say(frame(watch, c.kind, c.body))
			wantText(t, c.kind+","+c.body, r.reported(), c.want)
		})
	}
}

func TestTheDoorClosesAndOpensAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d := newStreet(t), setracker.New()
		for range 3 {
			r := begin(t, d, s.config(watch))
			live, second, stranger := s.call("10.0.0.1"), s.call("10.0.0.2"), s.call("10.0.0.3")
			wantText(t, "answer", live.say(frame(watch, "LK", "")), "[3G*3456789012*0002*LK]")
			second.say(frame(watch, "LK", ""))
			r.end(t)
			if !live.closed() || !second.closed() || !stranger.closed() || s.call("10.0.0.4") != nil {
				t.Error("the door is still open")
			}
		}
	})
}

func TestSessionsShareTheDoor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const other = "861234567890127"
		s, d := newStreet(t), setracker.New()
		a, b := begin(t, d, s.config(watch)), begin(t, d, s.config(other))
		if _, err := d.Open(t.Context(), s.config(watch)); !errors.Is(err, device.ErrRefused) {
			t.Errorf("the same watch twice: %v", err)
		}
		mias, noors, second := s.call("10.0.0.1"), s.call("10.0.0.2"), s.call("10.0.0.3")
		mias.say(frame(watch, "LK", "1,0,11"))
		noors.say(frame(other, "LK", "2,0,22"))
		second.say(frame(watch, "LK", "3,0,33"))
		wantText(t, "first", a.reported(), "battery=11 steps=1")
		wantText(t, "second", b.reported(), "battery=22 steps=2")
		a.end(t)
		if !mias.closed() || !second.closed() || noors.closed() {
			t.Error("a session that ends takes its own lines with it, all of them and no others")
		}
		noors.say(frame(other, "LK", "4,0,44"))
		wantText(t, "second", b.reported(), "battery=44 steps=4")
		wantText(t, "no longer expected", s.call("10.0.0.1").say(frame(watch, "LK", "5,0,55")), "[3G*3456789012*0002*LK]")
		wantText(t, "second", b.reported(), "")
		b.end(t)
		wantText(t, "first, after its end", a.reported(), "")
		if s.opened != 1 {
			t.Errorf("the door was opened %d times", s.opened)
		}
	})
}

func TestAWatchThatCalledTooEarlyCallsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d := newStreet(t), setracker.New()
		other := begin(t, d, s.config("7000000001")) // it keeps the door open
		early, stranger := s.call("10.0.0.1"), s.call("10.0.0.2")
		early.say(frame(watch, "LK", "1,0,50"))
		stranger.say(frame("7000000002", "LK", "1,0,50"))
		for range 2 {
			r := begin(t, d, s.config(watch))
			if !early.closed() || stranger.closed() {
				t.Error("the one who is expected now shall call again, and nobody else")
			}
			s.call("10.0.0.1").say(frame(watch, "LK", "2,0,51"))
			wantText(t, "reported", r.reported(), "battery=51 steps=2")
			r.end(t)
			early = s.call("10.0.0.1")
			early.say(frame(watch, "LK", "3,0,52"))
		}
		other.end(t)
	})
}

func TestASessionThatIsNotRunEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d := newStreet(t), setracker.New()
		idle, err := d.Open(t.Context(), s.config(watch))
		if err != nil {
			t.Fatal(err)
		}
		c := s.call("10.0.0.1")
		c.say(frame(watch, "LK", ""))
		after(61 * time.Second)
		if !c.closed() || s.call("10.0.0.1") != nil {
			t.Error("the door is still open")
		}
		if err := idle.Run(t.Context(), nil); !errors.Is(err, device.ErrUnreachable) {
			t.Errorf("Run gives %v", err)
		}
	})
}

// A report that hangs must not keep the driver from opening other watches while its session ends.
func TestEndingDoesNotHoldUpOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d := newStreet(t), setracker.New()
		open, err := d.Open(t.Context(), s.config(watch))
		if err != nil {
			t.Fatal(err)
		}
		free, ended := make(chan struct{}), make(chan error, 1)
		ctx, cancel := context.WithCancel(t.Context())
		go func() { ended <- open.Run(ctx, func(trait.Reading) error { <-free; return nil }) }()
		synctest.Wait()
		s.call("10.0.0.1").say(frame(watch, "LK", "1,2,3"))
		cancel()
		synctest.Wait()
		if len(ended) != 0 {
			t.Error("Run ended while it reports")
		}
		other := begin(t, d, s.config("7000000001")) // blocks for ever if Run's end holds the driver
		close(free)
		if err := <-ended; err != nil {
			t.Error(err)
		}
		other.end(t)
	})
}

func TestWhatIsNoID(t *testing.T) {
	for _, id := range []string{"", "345678901", "34567890123", "345678901x", "３４５６７８９０１２"} {
		_, err := setracker.New().Open(t.Context(), newStreet(t).config(id))
		if !errors.Is(err, device.ErrRefused) {
			t.Errorf("%q: %v", id, err)
		}
	}
}

// The same over real sockets, with a watch that calls by itself.
func TestAWatchFindsItsNextSession(t *testing.T) {
	s, d := &loopback{}, setracker.New()
	other := run(t, d, s.config("9876543210")) // it keeps the door open
	w, err := sim.Start(sim.Options{Hub: s.address(), Repeat: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for range 3 {
		r := run(t, d, s.config(w.Address()))
		eventually(t, "the watch is heard", func() bool { return r.reported() != "" })
		r.end(t)
	}
	other.end(t)
}

// A watch that is forgotten is told to become as it left the factory; away, it cannot be.
func TestResetWaitsForTheEcho(t *testing.T) {
	inside(t, func(t *testing.T, s *street, r *running) {
		reset := func() chan error {
			done := make(chan error, 1)
			go func() { done <- r.Session.(device.Resettable).Reset(t.Context()) }()
			synctest.Wait()
			return done
		}
		if err := <-reset(); !errors.Is(err, device.ErrUnreachable) {
			t.Errorf("without a line: %v", err)
		}
		c := s.call("10.0.0.1")
		c.say(frame(watch, "LK", ""))
		done := reset()
		c.say(frame(watch, "FIND", "")) // the echo of something else
		synctest.Wait()
		if len(done) != 0 {
			t.Error("a success before the echo")
		}
		c.say(frame(watch, "FACTORY", ""))
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
