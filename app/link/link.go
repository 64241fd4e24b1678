// Package link keeps the app connected with one hub: it finds out what state the hub is in, follows
// its changes, and goes on by itself when the line comes back. It knows no window.
package link

import (
	"context"
	"sync"
	"time"

	"github.com/ingle-home/ingle/hub/api/client"
	"github.com/ingle-home/ingle/hub/api/client/near"
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
	Why   error         // there is no hub: it is not ours, or this app is none of its apps any more
	Shut  *wire.Problem // of a locked hub: why it could not open its store
	Here  bool          // the hub is on this computer and the app goes through its socket
	Known bool          // the app is paired with a hub, whether it answers or not
	Home  wire.Snapshot
	Films int // grows when what was recorded may not be what it was
}

// Link is the connection. It is safe for concurrent use.
type Link struct {
	*client.Client
	// Socket is where a hub on this computer listens; empty: none is looked for. An app that goes through it
	// is paired by the way, unless it shall Stay there.
	Socket string
	Stay   bool
	// Drop forgets what the app has of the home beside the state that it is given, pictures too, and says
	// whether it did. It is called where nobody waits.
	Drop func(ctx context.Context, now State) bool
	// Look finds hubs on the network until its context ends.
	Look func(ctx context.Context, found func([]near.Hub))

	vault client.Vault
	poke  chan struct{}
	anew  chan struct{} // the home came whole: perhaps there is something to drop

	mu    sync.Mutex
	known bool
	state State
	dirty chan struct{}
}

// New gives a link that is idle until Run. The vault keeps which hub the app is paired with; known says
// that the client is one of that hub.
func New(c *client.Client, v client.Vault, known bool) *Link {
	return &Link{Client: c, Look: near.Look, vault: v, known: known, poke: make(chan struct{}, 1), anew: make(chan struct{}, 1), dirty: make(chan struct{}, 1)}
}

// Run keeps the link until ctx ends. It calls changed, one call at a time, with the newest state.
func (l *Link) Run(ctx context.Context, changed func(State)) {
	var told sync.WaitGroup
	told.Go(func() { l.announce(ctx, changed) })
	told.Go(func() { l.clean(ctx) })
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

// Setup claims the hub for a home that speaks a language. The window stays where it is until Check, so that the recovery code is read.
func (l *Link) Setup(ctx context.Context, password, language string) (wire.SetupAnswer, error) {
	answer, err := l.Claim(ctx, wire.SetupRequest{Password: password, Language: language})
	if err == nil {
		l.settle(ctx)
	}
	return answer, err
}

// Unlock opens the hub and looks at it at once.
func (l *Link) Unlock(ctx context.Context, password string) error {
	err := l.Client.Unlock(ctx, password)
	if err == nil {
		l.settle(ctx)
	}
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
		l.set(func(s *State) { s.Phase, s.Lost, s.Shut = Locked, false, status.Shut })
	default:
		// How it ends does not matter: the next look at the hub says what there is to show.
		_ = l.Follow(ctx, l.take, func(error) { l.set(func(s *State) { s.Lost = true }) })
	}
}

func (l *Link) take(e wire.Event) error {
	if e.Snapshot != nil {
		defer l.renew()
	}
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

// now is a copy of what is known.
func (l *Link) now() State {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.state
	s.Home = s.Home.Clone()
	return s
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
	l.state.Known, l.state.Here = l.known, !l.known
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
		changed(l.now())
		rest.Reset(batch)
	}
}
