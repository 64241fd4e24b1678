package buttplug_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/buttplug"
	"github.com/ingle-home/ingle/accessories/buttplug/sim"
	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/trait"
)

func bothVersions(t *testing.T, test func(t *testing.T, version int)) {
	for _, v := range []int{3, 4} {
		t.Run(fmt.Sprintf("v%d", v), func(t *testing.T) { test(t, v) })
	}
}

func TestDrivesReportsAndStops(t *testing.T) {
	bothVersions(t, func(t *testing.T, version int) {
		s := start(t, sim.Options{Versions: []int{version}})
		r := open(t, buttplug.New(), config(s.Address(), &network{}))
		o, ok := r.Offer().Offers(trait.Speed.Any())
		if !ok || !o.Settable || o.Steps != sim.Steps {
			t.Fatalf("it offers %+v", r.Offer())
		}
		eventually(t, "battery 80", func() bool { return r.battery() == 80 })
		happen(t, s, "battery", url.Values{"level": {"12"}})
		eventually(t, "battery 12", func() bool { return r.battery() == 12 })
		r.set(50)
		eventually(t, "50 reported", func() bool { return slices.Contains(r.speeds(), 50) })
		r.set(0)
		wantWrites(t, s, 0, 10, 0)
		r.set(100)
		r.stop()
		if err := r.over(); err != nil {
			t.Fatal(err)
		}
		wantWrites(t, s, 0, 10, 0, 20, 0)
		if got := r.speeds(); got[len(got)-1] != 0 {
			t.Fatalf("the last report of %v is not 0", got)
		}
		wantKind(t, r.Do(t.Context(), trait.Speed.Set(50)), device.ErrUnreachable)
		wantWrites(t, s, 0, 10, 0, 20, 0)
	})
}

func TestEveryPercentageClampsAndRoundsDown(t *testing.T) {
	bothVersions(t, func(t *testing.T, version int) {
		s := start(t, sim.Options{Versions: []int{version}})
		r := open(t, buttplug.New(), config(s.Address(), &network{}))
		want := []int{0}
		for _, c := range []struct{ percent, step int }{
			{150, 20}, {-3, 0}, {100, 20}, {99, 19}, {35, 7}, {5, 1}, {4, 0}, {1, 0}, {1 << 40, 20}, {54, 10},
		} {
			r.set(c.percent)
			want = append(want, c.step)
		}
		wantWrites(t, s, want...)
	})
}

func TestFallsBackOnceAndRemembers(t *testing.T) {
	var mu sync.Mutex
	var hellos []string
	s := start(t, sim.Options{Versions: []int{3}, Heard: func(_ int, frame []byte) {
		mu.Lock()
		defer mu.Unlock()
		if strings.Contains(string(frame), "RequestServerInfo") {
			hellos = append(hellos, string(frame))
		}
	}})
	d := buttplug.New()
	for range 2 {
		r := open(t, d, config(s.Address(), &network{}))
		r.stop()
		_ = r.over()
	}
	mu.Lock()
	defer mu.Unlock()
	if len(hellos) != 3 || !strings.Contains(hellos[0], `"ProtocolVersionMajor":4`) ||
		!strings.Contains(hellos[1], `"MessageVersion":3`) || !strings.Contains(hellos[2], `"MessageVersion":3`) {
		t.Fatalf("handshakes: %v", hellos)
	}
}

func TestRefusesOtherProtocols(t *testing.T) {
	web := httptest.NewServer(http.NotFoundHandler())
	defer web.Close()
	ssh := speak(t, "SSH-2.0-thing\r\n")
	old := start(t, sim.Options{Versions: []int{2}})
	for name, address := range map[string]string{
		"a web server": "ws" + strings.TrimPrefix(web.URL, "http"), "not even HTTP": "ws://" + ssh,
		"neither version": old.Address(), "a web address": web.URL, "nothing": "", "no host": "ws://",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := buttplug.New().Open(t.Context(), config(address, &network{}))
			wantKind(t, err, device.ErrUnsupported)
		})
	}
}

// speak serves one fixed greeting.
func speak(t *testing.T, greeting string) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, greeting)
			_, _ = c.Read(make([]byte, 4096)) // to close on unread bytes would be a reset
			_ = c.Close()
		}
	})
	t.Cleanup(func() { _ = l.Close(); wg.Wait() })
	return l.Addr().String()
}

func TestNobodyThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	_, err = buttplug.New().Open(t.Context(), config("ws://"+l.Addr().String(), &network{}))
	wantKind(t, err, device.ErrUnreachable)
}

func TestPicksTheToyThatIsMeant(t *testing.T) {
	t.Parallel()
	s := start(t, sim.Options{})
	for _, wish := range []string{"rocket", "0"} {
		c := config(s.Address(), &network{})
		c.Fields = map[string]string{"device": wish}
		r := open(t, buttplug.New(), c)
		r.set(10)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	c := config(s.Address(), &network{})
	c.Fields = map[string]string{"device": "another"}
	_, err := buttplug.New().Open(ctx, c)
	wantKind(t, err, device.ErrUnreachable)
}

func TestUnreachableWhileTheToyIsAway(t *testing.T) {
	bothVersions(t, func(t *testing.T, version int) {
		s := start(t, sim.Options{Versions: []int{version}})
		r := open(t, buttplug.New(), config(s.Address(), &network{}))
		r.set(60)
		happen(t, s, "remove", nil)
		wantKind(t, r.over(), device.ErrUnreachable)
		if got := r.speeds(); got[len(got)-1] != 0 {
			t.Fatalf("the last report of %v is not 0", got)
		}
		happen(t, s, "add", nil)
		again := open(t, buttplug.New(), config(s.Address(), &network{}))
		again.set(5)
		wantWrites(t, s, 0, 12, 0, 0, 1)
	})
}

func TestTheGapIsKeptAndTheNewestWins(t *testing.T) {
	t.Parallel()
	const gap = 300 * time.Millisecond
	s := start(t, sim.Options{MessageGap: gap})
	r := open(t, buttplug.New(), config(s.Address(), &network{}))
	began := time.Now()
	r.set(10)
	var obeyed atomic.Int32
	var wg sync.WaitGroup
	for _, percent := range []int{20, 30, 40} {
		wg.Go(func() {
			if r.Do(context.Background(), trait.Speed.Set(percent)) == nil {
				obeyed.Add(1)
			}
		})
	}
	wg.Wait()
	// Every obeyed speed but the first came after a gap, so the time that has passed bounds their number.
	took, n := time.Since(began), int(obeyed.Load())
	if n == 0 || time.Duration(n)*gap > took {
		t.Fatalf("%d speeds in %v with a gap of %v", n+1, took, gap)
	}
	if got := len(s.Toy().Writes); got != n+2 {
		t.Fatalf("%d speeds were obeyed, the motor got %v", n+1, s.Toy().Writes)
	}
}

func TestAStopWaitsForNothing(t *testing.T) {
	s := start(t, sim.Options{MessageGap: 5 * time.Second})
	r := open(t, buttplug.New(), config(s.Address(), &network{}))
	waiting := make(chan error, 1)
	go func() { waiting <- r.Do(context.Background(), trait.Speed.Set(90)) }()
	began := time.Now()
	for len(waiting) == 0 { // until a stop has found the speed waiting
		r.set(0)
	}
	if err := <-waiting; err == nil || time.Since(began) > 4*time.Second {
		t.Fatalf("the speed gives %v after %v", err, time.Since(began))
	}
	if got := s.Toy().Writes; slices.Max(got) != 0 {
		t.Fatalf("a stop does not replace a waiting speed: %v", got)
	}
}
