package link_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/app/link"
	"github.com/ingle-home/ingle/hub/announce"
	"github.com/ingle-home/ingle/hub/announce/beacon"
	"github.com/ingle-home/ingle/hub/api/apitest"
	"github.com/ingle-home/ingle/hub/api/apitest/door"
	"github.com/ingle-home/ingle/hub/api/client"
	"github.com/ingle-home/ingle/hub/api/client/near"
	"github.com/ingle-home/ingle/hub/api/wire"
)

// announced tells the network about a door until the test or stop ends it.
func announced(t *testing.T, d *door.Door) (stop func()) {
	t.Helper()
	probe := announce.New(announce.Options{Loopback: true, Type: beacon.Type})
	err := probe.Set("probe", 9, nil)
	_ = probe.Close()
	if errors.Is(err, announce.ErrSilent) {
		t.Skipf("this machine's loopback takes no multicast: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- beacon.Run(ctx, d.Address(), slog.New(slog.DiscardHandler)) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// follows keeps a link with the vault's hub.
func follows(t *testing.T, v client.Vault) (*link.Link, <-chan link.State) {
	t.Helper()
	c, err := link.Dial(v)
	if err != nil {
		t.Fatal(err)
	}
	known := c != nil
	if !known {
		c = client.Dial(apitest.Socket(t))
	}
	l := link.New(c, v, known)
	ctx, cancel := context.WithCancel(context.Background())
	states := make(chan link.State, 4096)
	var done sync.WaitGroup
	done.Go(func() { l.Run(ctx, func(s link.State) { states <- s }) })
	t.Cleanup(func() { cancel(); done.Wait(); c.Close() })
	return l, states
}

// A hub that gets another port is found again by its announcement and known by its key, with nothing twice
// and no new pairing; another hub that is announced meanwhile is not taken for it.
func TestTheHubMoves(t *testing.T) {
	h := apitest.New(wire.Open)
	d := door.Open(t, h, "127.0.0.1:0")
	v := client.File(filepath.Join(t.TempDir(), "app.json"))
	l, states := follows(t, v)
	if err := l.Pair(t.Context(), d.Address(), d.Code(t)); err != nil {
		t.Fatal(err)
	}
	await(t, states, "open", func(s link.State) bool { return s.Phase == link.Open && s.Known && len(s.Home.Accessories) == 6 })
	before := time.Now()
	d.Shut()
	await(t, states, "lost", func(s link.State) bool { return s.Lost && len(s.Home.Accessories) == 6 })
	if waited := time.Since(before); waited > 5*time.Second {
		t.Errorf("that the hub is gone was told after %v", waited)
	}
	other := door.Open(t, apitest.New(wire.Open), "127.0.0.1:0")
	announced(t, other)
	h.Report(apitest.Watch, trait.Battery.Of(11, time.Now()))
	d.Move(t, "127.0.0.1:0")
	announced(t, d)
	s := await(t, states, "battery 11", battery(11))
	ids := map[string]int{}
	for _, a := range s.Home.Accessories {
		ids[a.ID]++
	}
	if len(s.Home.Accessories) != 6 || len(ids) != 6 {
		t.Errorf("after the move: %v", ids)
	}
	if self, err := v.Load(); err != nil || self.Address != d.Address() {
		t.Errorf("the app remembers %s, not %s: %v", self.Address, d.Address(), err)
	}
}

// The search lists hubs with what they say of themselves, and leaves out what is none.
func TestTheSearchAsksWhoAnswers(t *testing.T) {
	claimed := door.Open(t, apitest.New(wire.Locked), "127.0.0.1:0")
	fresh := door.Open(t, apitest.New(wire.Unclaimed), "127.0.0.2:0")
	home, socket := apitest.New(wire.Unclaimed), apitest.Socket(t)
	home.Serve(t, socket)
	l := link.New(client.Dial(socket), client.File(filepath.Join(t.TempDir(), "app.json")), false)
	l.Socket = socket
	l.Look = func(ctx context.Context, found func([]near.Hub)) {
		found([]near.Hub{{ID: "a", Address: claimed.Address()}, {ID: "b", Address: fresh.Address()}, {ID: "c", Address: "127.0.0.1:1"}})
		<-ctx.Done()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	want := []link.Found{{Here: true, State: wire.Unclaimed}, {Address: claimed.Address(), State: wire.Claimed}, {Address: fresh.Address(), State: wire.Unclaimed}}
	var last []link.Found
	l.Search(ctx, func(list []link.Found) {
		last = list
		if slices.Equal(list, want) {
			cancel()
		}
	})
	if !slices.Equal(last, want) {
		t.Errorf("found %+v", last)
	}
}

// On the hub's own computer a password is all it takes: the app is paired by the way.
func TestAnAppOnTheHubsComputerIsPaired(t *testing.T) {
	home, socket := apitest.New(wire.Unclaimed), apitest.Socket(t)
	home.Serve(t, socket)
	d := door.Open(t, home, "127.0.0.2:0")
	v := client.File(filepath.Join(t.TempDir(), "app.json"))
	l, states := follows(t, v)
	l.Socket = socket
	if err := l.PairHere(t.Context()); err != nil {
		t.Fatal(err)
	}
	await(t, states, "unclaimed", func(s link.State) bool { return s.Phase == link.Unclaimed && s.Here })
	if _, err := l.Setup(t.Context(), apitest.Password, "de"); err != nil {
		t.Fatal(err)
	}
	l.Check()
	await(t, states, "paired", func(s link.State) bool { return s.Phase == link.Open && s.Known })
	if self, err := v.Load(); err != nil || !self.Paired() || self.Address != d.Address() {
		t.Errorf("the app remembers %v at %s: %v", self, self.Address, err)
	}
	if err := l.Unpair(t.Context()); err != nil {
		t.Fatal(err)
	}
	if self, err := v.Load(); err != nil || self.Paired() || len(self.Key) > 0 {
		t.Errorf("a forgotten hub is %v, %v", self, err)
	}
}
