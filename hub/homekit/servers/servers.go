// Package servers runs the home's HAP servers: it keeps one hap.Server for each that a homekit.House
// shows, listens and announces for it, and ends those that nothing needs any more. The servers share
// nothing: each has its own identity, port, setup code and pairings, and what happens to one leaves
// the sessions of the others alone.
//
// The private server is the exception to "shown is served": it does not exist before somebody arms
// it for the first time, and from then on it is announced and takes pairings only while it is armed.
package servers

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/home"
	"github.com/ingle-home/ingle/hub/homekit"
)

// Voice tells the network about a server, as announce.Announcer does.
type Voice interface {
	Set(instance string, port int, txt map[string]string) error
	Remove(instance string)
}

// Faults is where people are told what is wrong: with an accessory, by its ID, or with the hub ("").
type Faults interface {
	Raise(code, subject string, args map[string]string)
	Clear(code, subject string)
}

// The health codes that Servers raise and clear.
const (
	CodeLeftOut = "homekit-left-out" // an accessory breaks Apple's rules
	CodeStopped = "homekit-stopped"  // a server does not answer any more
	CodeGuessed = "homekit-guessed"  // somebody tries setup codes
)

// Options are what Servers are built from. All but Log and Changed are needed.
type Options struct {
	House *homekit.House
	// Memory is where the server with this key keeps its state.
	Memory func(key string) hap.Memory
	// Notice hears what hap.Options.Notice does, of the server with this key. Nil: nobody.
	Notice func(key string, n hap.Notice)
	// Address is where the server with this key listens; port 0 is the one of last time.
	Address func(key string) string
	Voice   Voice
	Faults  Faults
	Changed func()       // what Status gives has changed; must not call back at once
	Log     *slog.Logger // nil means silence; keys and IDs are logged, names never
}

// Servers is safe for concurrent use.
type Servers struct {
	options Options
	log     *slog.Logger

	arming sync.Mutex         // one change of whether the private server is armed at a time; before showing
	lock   context.CancelFunc // ends the wait of the present arming; nil before the first
	closed bool
	tasks  sync.WaitGroup

	showing sync.Mutex      // one change of what is served at a time
	left    map[string]bool // accessories that are left out

	mu      sync.Mutex       // never held across a call to the outside
	shown   []homekit.Server // by the last Show
	until   time.Time        // the private server is armed; zero: it is locked
	order   []string
	running map[string]*running
}

// New makes Servers that serve nothing before Show.
func New(o Options) *Servers {
	s := &Servers{options: o, log: o.Log, left: map[string]bool{}, running: map[string]*running{}}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.options.Notice == nil {
		s.options.Notice = func(string, hap.Notice) {}
	}
	if s.options.Changed == nil {
		s.options.Changed = func() {}
	}
	return s
}

// Show brings the servers in step with the home; see homekit.House.Show. What one of them or one
// accessory cannot do keeps no other from being served.
func (s *Servers) Show(ctx context.Context, contents home.Contents, offers map[string]homekit.Offer) error {
	s.showing.Lock()
	defer s.showing.Unlock()
	shown, err := s.options.House.Show(ctx, contents, offers)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.shown = shown
	s.mu.Unlock()
	keep, left := map[string]bool{}, map[string]bool{}
	var failed error
	for _, server := range shown {
		out, err := s.serve(ctx, server, keep)
		failed = errors.Join(failed, err)
		maps.Copy(left, out)
	}
	s.withdraw(keep)
	s.tellLeft(left)
	s.tellTries()
	return failed
}

// serve brings one server in step and notes whether it is to be kept; it gives the accessories that
// are left out.
func (s *Servers) serve(ctx context.Context, spec homekit.Server, keep map[string]bool) (map[string]bool, error) {
	wanted, err := s.wanted(ctx, spec)
	keep[spec.Key] = wanted || err != nil // not to be able to tell is no reason to end it
	if !wanted || err != nil {
		return nil, err
	}
	return s.publish(ctx, spec)
}

// wanted says whether a server is worth running. A bridge that has become empty stays while somebody
// is paired with it: what was on it may return, and who would pair again finds the rooms gone. The
// private server has no state, not even an identity, before it is armed for the first time.
func (s *Servers) wanted(ctx context.Context, spec homekit.Server) (bool, error) {
	private, spare := spec.Key == homekit.PrivateServer, spec.Spare()
	if !private && !spare {
		return true, nil
	}
	if r := s.find(spec.Key); r != nil {
		return !spare || r.server.Paired(), nil
	}
	if private && !spare && s.isArmed() {
		return true, nil
	}
	state, err := s.options.Memory(spec.Key).Load(ctx)
	if errors.Is(err, hap.ErrNoState) {
		return false, nil
	}
	return !spare || len(state.Pairings) > 0, err
}

// publish gives a server its accessories, and starts it if it does not run.
func (s *Servers) publish(ctx context.Context, spec homekit.Server) (map[string]bool, error) {
	if r := s.find(spec.Key); r != nil {
		return s.leftOut(spec, r.server.Publish(ctx, spec.Accessories...))
	}
	server, err := hap.New(ctx, hap.Options{
		Name: spec.Name, Model: spec.Model, Category: spec.Category, Log: s.log, Memory: s.options.Memory(spec.Key),
		Shut: func() bool { return s.hidden(spec.Key) },
		Notice: func(n hap.Notice) {
			s.options.Notice(spec.Key, n)
			s.tellTries()
		},
		Snapshot: func(ctx context.Context, p hap.Picture) ([]byte, error) {
			return s.options.House.Snapshot(ctx, spec.Key, p)
		},
	})
	if err != nil {
		return nil, err
	}
	out, err := s.leftOut(spec, server.Publish(ctx, spec.Accessories...))
	if err != nil {
		return nil, err
	}
	return out, s.start(ctx, spec, server)
}

func (s *Servers) find(key string) *running {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.running[key]
}

// withdraw ends the servers that are no longer needed.
func (s *Servers) withdraw(keep map[string]bool) {
	s.mu.Lock()
	var gone []*running
	order := s.order[:0]
	for _, key := range s.order {
		if keep[key] {
			order = append(order, key)
			continue
		}
		gone = append(gone, s.running[key])
		delete(s.running, key)
	}
	s.order = order
	s.mu.Unlock()
	for _, r := range gone {
		r.stop()
	}
}

// Close ends all servers and their sessions, and waits for them.
func (s *Servers) Close() {
	s.arming.Lock()
	s.closed = true
	s.unwind()
	s.arming.Unlock()
	s.tasks.Wait()
	s.withdraw(nil)
}

// all are the running servers in the order in which they came.
func (s *Servers) all() []*running {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]*running, 0, len(s.order))
	for _, key := range s.order {
		list = append(list, s.running[key])
	}
	return slices.Clip(list)
}
