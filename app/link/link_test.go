package link_test

import (
	"context"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/app/link"
	"github.com/ingle-home/ingle/hub/api/apitest"
	"github.com/ingle-home/ingle/hub/api/client"
	"github.com/ingle-home/ingle/hub/api/wire"
)

// run keeps a link for the test and gives its states as they change.
func run(t *testing.T, socket string) (*link.Link, <-chan link.State) {
	t.Helper()
	c := client.Dial(socket)
	l := link.New(c, client.File(filepath.Join(t.TempDir(), "app.json")), false)
	ctx, cancel := context.WithCancel(context.Background())
	states := make(chan link.State, 256)
	var done sync.WaitGroup
	done.Go(func() { l.Run(ctx, func(s link.State) { states <- s }) })
	t.Cleanup(func() { cancel(); done.Wait(); c.Close() })
	return l, states
}

func await(t *testing.T, states <-chan link.State, what string, is func(link.State) bool) link.State {
	t.Helper()
	limit := time.NewTimer(30 * time.Second)
	defer limit.Stop()
	for {
		select {
		case s := <-states:
			if is(s) {
				return s
			}
		case <-limit.C:
			t.Fatalf("never: %s", what)
		}
	}
}

func phase(p link.Phase) func(link.State) bool {
	return func(s link.State) bool { return s.Phase == p && !s.Lost }
}

func TestFromNoHubToALivingHome(t *testing.T) {
	h, socket := apitest.New(wire.Locked), apitest.Socket(t)
	l, states := run(t, socket)
	await(t, states, "no hub", phase(link.NoHub))
	stop := h.Serve(t, socket)
	await(t, states, "locked", phase(link.Locked))
	if err := l.Unlock(t.Context(), "wrong"); wire.Code(err) != wire.CodePassword {
		t.Errorf("a wrong password: %v", err)
	}
	if err := l.Unlock(t.Context(), apitest.Password); err != nil {
		t.Fatal(err)
	}
	await(t, states, "open", func(s link.State) bool { return s.Phase == link.Open && len(s.Home.Accessories) == 6 })
	h.Report(apitest.Watch, trait.Battery.Of(12, time.Now()))
	await(t, states, "battery 12", battery(12))
	stop()
	await(t, states, "lost", func(s link.State) bool { return s.Lost && len(s.Home.Accessories) == 6 })
	h.Report(apitest.Watch, trait.Battery.Of(11, time.Now()))
	stop = h.Serve(t, socket)
	await(t, states, "battery 11", battery(11))
	stop()
	apitest.New(wire.Locked).Serve(t, socket) // it comes back sealed
	await(t, states, "locked again", phase(link.Locked))
}

func battery(want int) func(link.State) bool {
	return func(s link.State) bool {
		for _, a := range s.Home.Accessories {
			if v, ok := a.Value("battery"); ok && !s.Lost {
				n, _ := wire.Read(v, trait.Battery)
				return n == want
			}
		}
		return false
	}
}

func TestClaiming(t *testing.T) {
	h, socket := apitest.New(wire.Unclaimed), apitest.Socket(t)
	h.Serve(t, socket)
	l, states := run(t, socket)
	await(t, states, "unclaimed", phase(link.Unclaimed))
	if a, err := l.Setup(t.Context(), "a sentence of mine", "de"); err != nil || a.RecoveryCode == "" {
		t.Errorf("setup: %+v, %v", a, err)
	}
	l.Check()
	await(t, states, "open", phase(link.Open))
}

func TestAStormIsToldInBatches(t *testing.T) {
	h, socket := apitest.New(wire.Open), apitest.Socket(t)
	h.Serve(t, socket)
	_, states := run(t, socket)
	await(t, states, "open", phase(link.Open))
	for i := range 400 {
		h.Report(apitest.Watch, trait.Battery.Of(i%100, time.Now()))
	}
	h.Report(apitest.Watch, trait.Battery.Of(100, time.Now()))
	n := 0
	await(t, states, "the last", func(s link.State) bool { n++; return battery(100)(s) })
	if n > 200 {
		t.Errorf("400 changes were told in %d calls", n)
	}
}

func TestAHubElsewhereThatDoesNotAnswer(t *testing.T) {
	vault := client.File(filepath.Join(t.TempDir(), "app.json"))
	if line, err := link.Dial(vault); line != nil || err != nil {
		t.Fatalf("paired with nobody, yet %v, %v", line, err)
	}
	l := link.New(client.Dial(apitest.Socket(t)), vault, false)
	defer l.Close()
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = gone.Close()
	for code, want := range map[string]string{"half": wire.CodeClaimForm, apitest.ClaimCode: wire.CodeNotRunning} {
		if err := l.Pair(t.Context(), gone.Addr().String(), code); wire.Code(err) != want {
			t.Errorf("%s: %v, want %s", code, err, want)
		}
	}
	if self, err := vault.Load(); err != nil || self.Paired() {
		t.Errorf("kept %v, %v", self.Hub, err)
	}
}
