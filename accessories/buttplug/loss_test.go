package buttplug_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/buttplug"
	"github.com/ingle-home/ingle/accessories/buttplug/sim"
	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/trait"
)

// counter counts frames that hold a text.
type counter struct {
	mu   sync.Mutex
	text string
	n    int
}

func (c *counter) heard(_ int, frame []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n += strings.Count(string(frame), c.text)
}

func (c *counter) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}

func TestPingsInTime(t *testing.T) {
	bothVersions(t, func(t *testing.T, version int) {
		t.Parallel()
		pings := &counter{text: `"Ping"`}
		s := start(t, sim.Options{Versions: []int{version}, MaxPingTime: 1500 * time.Millisecond, Heard: pings.heard})
		r := open(t, buttplug.New(), config(s.Address(), &network{}))
		r.set(50)
		eventually(t, "five pings", func() bool { return pings.count() >= 5 })
		wantWrites(t, s, 0, 10)
		r.set(25)
		wantWrites(t, s, 0, 10, 5)
	})
}

func TestNoPingWhereNoneIsWanted(t *testing.T) {
	pings := &counter{text: `"Ping"`}
	s := start(t, sim.Options{Heard: pings.heard})
	r := open(t, buttplug.New(), config(s.Address(), &network{}))
	r.set(50)
	r.set(0)
	r.stop()
	_ = r.over()
	if n := pings.count(); n != 0 {
		t.Fatalf("%d pings to a server that wants none", n)
	}
}

func TestAFrozenHubLetsTheServerStopTheToy(t *testing.T) {
	t.Parallel()
	n := &network{}
	s := start(t, sim.Options{MaxPingTime: time.Second})
	r := open(t, buttplug.New(), config(s.Address(), n))
	r.set(50)
	n.freeze()
	eventually(t, "the server stops the toy", func() bool { return s.Toy().Level == 0 })
	wantWrites(t, s, 0, 10, 0)
	wantKind(t, r.over(), device.ErrUnreachable)
}

func TestAFrozenServerIsGivenUp(t *testing.T) {
	for name, limit := range map[string]time.Duration{"by ping": time.Second, "by command": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, sim.Options{MaxPingTime: limit})
			r := open(t, buttplug.New(), config(s.Address(), &network{}))
			r.set(50)
			happen(t, s, "freeze", nil)
			if limit == 0 {
				wantKind(t, r.Do(t.Context(), trait.Speed.Set(0)), device.ErrUnreachable)
			}
			wantKind(t, r.over(), device.ErrUnreachable)
			if got := r.speeds(); got[len(got)-1] != 0 {
				t.Fatalf("the last report of %v is not 0", got)
			}
			if limit == 0 {
				happen(t, s, "thaw", nil) // a frozen server without a timer cannot notice the loss
			}
			eventually(t, "the toy is at rest", func() bool { return s.Toy().Level == 0 })
		})
	}
}

func TestAFrozenServerDoesNotHoldUpTheEnd(t *testing.T) {
	t.Parallel()
	s := start(t, sim.Options{})
	r := open(t, buttplug.New(), config(s.Address(), &network{}))
	happen(t, s, "freeze", nil)
	r.stop()
	if err := r.over(); err != nil {
		t.Fatal(err)
	}
}

func TestNothingButAStopAfterALoss(t *testing.T) {
	bothVersions(t, func(t *testing.T, version int) {
		for _, side := range []string{"server", "hub"} {
			n := &network{}
			s := start(t, sim.Options{Versions: []int{version}})
			d := buttplug.New()
			r := open(t, d, config(s.Address(), n))
			r.set(75)
			if side == "hub" {
				n.cut()
			} else {
				happen(t, s, "drop", nil)
			}
			wantKind(t, r.over(), device.ErrUnreachable)
			if got := r.speeds(); got[len(got)-1] != 0 || !slices.Contains(got, 75) && len(got) < 2 {
				t.Fatalf("reports %v", got)
			}
			eventually(t, "the toy is at rest", func() bool { return s.Toy().Level == 0 })
			again := open(t, d, config(s.Address(), n))
			eventually(t, "it reports", func() bool { return len(again.speeds()) > 0 && again.battery() == 80 })
			wantWrites(t, s, 0, 15, 0, 0)
		}
	})
}

func TestTheEndWhileASpeedWaits(t *testing.T) {
	s := start(t, sim.Options{MessageGap: 5 * time.Second})
	r := open(t, buttplug.New(), config(s.Address(), &network{}))
	waiting := make(chan error, 1)
	go func() { waiting <- r.Do(context.Background(), trait.Speed.Set(90)) }()
	r.stop()
	_ = r.over()
	if err := <-waiting; err == nil {
		t.Fatal("a speed that was never written is said to be obeyed")
	}
	if got := s.Toy().Writes; slices.Max(got) != 0 {
		t.Fatalf("the motor got %v", got)
	}
}
