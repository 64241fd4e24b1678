// Package link keeps the app connected with one hub: it finds out what state the hub is in, follows
// its changes, and goes on by itself when the line comes back. It knows no window.
package link

import (
	"context"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/ingle-home/ingle/hub/api/client"
	"github.com/ingle-home/ingle/hub/api/wire"
)

const (
	retry = time.Second
	batch = 50 * time.Millisecond // at most twenty redraws a second, however much happens
)

// Phase says what the app can do with the hub.
type Phase uint8

// The phases.
const (
	Searching Phase = iota
	NoHub
	Unclaimed
	Locked
	Open
)

// State is what is known of the hub. While Lost, Home is what was last seen.
type State struct {
	Phase Phase
	Lost  bool
	Why   error // there is no hub: it is not ours, or this app is none of its apps any more
	Home  wire.Snapshot
	Films int // grows when what was recorded may not be what it was
}

// Link is the connection. It is safe for concurrent use.
type Link struct {
	*client.Client
	vault client.Vault
	poke  chan struct{}

	mu    sync.Mutex
	state State
	dirty chan struct{}
}

// New gives a link that is idle until Run. The vault keeps which hub the app is paired with.
func New(c *client.Client, v client.Vault) *Link {
	return &Link{Client: c, vault: v, poke: make(chan struct{}, 1), dirty: make(chan struct{}, 1)}
}

// Run keeps the link until ctx ends. It calls changed, one call at a time, with the newest state.
func (l *Link) Run(ctx context.Context, changed func(State)) {
	var told sync.WaitGroup
	told.Go(func() { l.announce(ctx, changed) })
	defer told.Wait()
	for ctx.Err() == nil {
		l.once(ctx)
		l.pause(ctx)
	}
}

// Check asks the hub for its state now instead of at the next second.
func (l *Link) Check() {
	select {
	case l.poke <- struct{}{}:
	default:
	}
}

// Setup claims the hub. The window stays where it is until Check, so that the recovery code is read.
func (l *Link) Setup(ctx context.Context, password string) (wire.SetupAnswer, error) {
	return l.Client.Setup(ctx, password)
}

// Dial gives the line to the hub that the app is paired with; nil if it is paired with none.
func Dial(v client.Vault) (*client.Client, error) {
	self, err := v.Load()
	if err != nil || !self.Paired() {
		return nil, err
	}
	return client.DialPaired(self, client.Remote{})
}

// Pair proves the code that the hub at an address shows, and goes on with that hub.
func (l *Link) Pair(ctx context.Context, address, code string) error {
	name, err := os.Hostname()
	if err != nil || len(name) > 64 {
		name = ""
	}
	self, err := client.Pair(ctx, l.vault, address, code, client.App{Name: name, Platform: runtime.GOOS})
	if err != nil {
		return err
	}
	line, err := client.DialPaired(self, client.Remote{})
	if err != nil {
		return err
	}
	l.Become(line)
	l.Check()
	return nil
}

// Unlock opens the hub and looks at it at once.
func (l *Link) Unlock(ctx context.Context, password string) error {
	err := l.Client.Unlock(ctx, password)
	l.Check()
	return err
}

// once looks at the hub and, where it is open, follows it until that ends.
func (l *Link) once(ctx context.Context) {
	status, err := l.Status(ctx)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		l.set(func(s *State) {
			s.Phase, s.Lost, s.Why = NoHub, false, nil
			if code := wire.Code(err); code == wire.CodeStranger || code == wire.CodeImpostor {
				s.Why = err
			}
		})
	case status.State == wire.Unclaimed:
		l.set(func(s *State) { s.Phase, s.Lost = Unclaimed, false })
	case status.State == wire.Locked:
		l.set(func(s *State) { s.Phase, s.Lost = Locked, false })
	default:
		// How it ends does not matter: the next look at the hub says what there is to show.
		_ = l.Follow(ctx, l.take, func(error) { l.set(func(s *State) { s.Lost = true }) })
	}
}

func (l *Link) take(e wire.Event) error {
	l.set(func(s *State) {
		s.Phase, s.Lost = Open, false
		if e.Snapshot != nil {
			s.Home = *e.Snapshot
			s.Films++
		}
		if e.Change != nil {
			s.Home.Apply(*e.Change)
			if e.Change.Filmed != nil {
				s.Films++
			}
		}
	})
	return nil
}

func (l *Link) pause(ctx context.Context) {
	t := time.NewTimer(retry)
	defer t.Stop()
	select {
	case <-t.C:
	case <-l.poke:
	case <-ctx.Done():
	}
}

func (l *Link) set(f func(*State)) {
	l.mu.Lock()
	f(&l.state)
	l.mu.Unlock()
	select {
	case l.dirty <- struct{}{}:
	default:
	}
}

// announce tells of changes in batches.
func (l *Link) announce(ctx context.Context, changed func(State)) {
	rest := time.NewTimer(0)
	defer rest.Stop()
	for {
		select {
		case <-l.dirty:
		case <-ctx.Done():
			return
		}
		select {
		case <-rest.C:
		case <-ctx.Done():
			return
		}
		l.mu.Lock()
		s := l.state
		s.Home = s.Home.Clone()
		l.mu.Unlock()
		changed(s)
		rest.Reset(batch)
	}
}
