// Package hap is a HomeKit Accessory Protocol server over IP. A Server has one
// identity with its code and pairings (State, kept by a Memory) and a database of
// Accessories, which Publish replaces while sessions go on.
//
// A device speaks through Characteristic.Set and is spoken to through OnWrite.
// Reads are answered from the values that were last set, so a device that hangs
// costs nobody but who writes to it. What goes out is held against Apple's rules
// first: a Value that breaks them is refused, an Accessory is left out.
//
// A connection is admitted in door.go and lives in session.go; route.go leads a
// request to pairing, read.go or write.go, and events.go tells what has changed.
// The server opens its port and does not announce it: Announcement says what
// multicast DNS is to tell, Changed when to tell it anew.
package hap

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ingle-home/ingle/hub/hap/internal/pairing"
	"github.com/ingle-home/ingle/hub/hap/setup"
)

// Reason says why a controller asks for a picture.
type Reason uint8

// The reasons. Many controllers name none.
const (
	Unsaid   Reason = iota
	Periodic        // to show how things are
	Happened        // to show what an event was
)

// Picture is what a controller asks for. AID 0 means the only camera of the server; the size is in
// pixels.
type Picture struct {
	AID           uint64
	Width, Height int
	Reason        Reason
	Controller    string // pairing identifier of who asks
}

// Options are fixed for the life of a server. Name, Model and Memory are needed.
type Options struct {
	Name     string // as announced, without the four digits that Announcement adds
	Model    string // TXT md
	Category uint8  // 2 bridge, 17 camera, …; 0 means 2
	Memory   Memory

	// Snapshot answers a picture request with a JPEG of about that size. A
	// Status in the error goes to the controller. Nil means there are no cameras.
	Snapshot func(ctx context.Context, p Picture) ([]byte, error)

	// Notice hears what the household should know about who may control it. It
	// is called by connections and returns at once. Nil means nobody listens.
	Notice func(Notice)

	// Shut refuses pair-setup as unavailable while it is true, also one that has
	// begun. It must answer at once. Nil means never.
	Shut func() bool

	Log    *slog.Logger // nil means silence; secrets and values are never logged
	Limits Limits
}

// Notice is an occasion for the household to look who may control it.
type Notice uint8

// The notices.
const (
	NoticeWrongCode Notice = iota + 1 // somebody tried a wrong setup code
	NoticePaired                      // a controller was added
	NoticeUnpaired                    // one or more were removed
)

// tell passes a notice on, and puts it into the log.
func (s *Server) tell(n Notice, from netip.AddrPort) {
	text := map[Notice]string{
		NoticeWrongCode: "hap: a wrong setup code", NoticePaired: "hap: a controller was paired",
		NoticeUnpaired: "hap: pairings were removed",
	}[n]
	log := s.log.With("device", s.DeviceID())
	if from.IsValid() { // else it was the household itself
		log = log.With("remote", from)
	}
	log.Warn(text)
	if s.options.Notice != nil {
		s.options.Notice(n)
	}
}

// Limits bound what peers and devices may cost. Every zero takes the default.
type Limits struct {
	DeviceWrite     time.Duration // one PUT with all its OnWrite calls: 9 s
	DeviceRead      time.Duration // one GET with all its OnRead calls: 900 ms
	Snapshot        time.Duration // one picture: 9 s
	Window          time.Duration // event messages of one session are this far apart: 250 ms
	Request         time.Duration // from a request's first byte to its last: 10 s
	Idle            time.Duration // silence of a peer that has not proved itself: 10 s
	Setup           time.Duration // the same while a person may be typing the code: 5 min
	Silence         time.Duration // of a controller, before it may be closed for lack of room: 1 h
	Unauthenticated int           // connections that have not proved themselves: 512, two for each address of a home's network
	PerAddress      int           // of those, from one address: 32, twice what may be paired; the one with least to lose yields
	Crowd           int           // sessions from which on silent ones are closed: 16
	Sessions        int           // connections that have: 256, the longest silent one of the controller with most yields
	PerController   int           // of those, of one controller: 32, since a person's devices share one pairing
}

func (l Limits) orDefaults() Limits {
	return Limits{
		DeviceWrite:     cmp.Or(l.DeviceWrite, 9*time.Second),
		DeviceRead:      cmp.Or(l.DeviceRead, 900*time.Millisecond),
		Snapshot:        cmp.Or(l.Snapshot, 9*time.Second),
		Window:          cmp.Or(l.Window, 250*time.Millisecond),
		Request:         cmp.Or(l.Request, 10*time.Second),
		Idle:            cmp.Or(l.Idle, 10*time.Second),
		Setup:           cmp.Or(l.Setup, 5*time.Minute),
		Silence:         cmp.Or(l.Silence, time.Hour),
		Unauthenticated: cmp.Or(l.Unauthenticated, 512),
		PerAddress:      cmp.Or(l.PerAddress, 2*pairing.MaxPeers),
		Crowd:           cmp.Or(l.Crowd, 16),
		Sessions:        cmp.Or(l.Sessions, 256),
		PerController:   cmp.Or(l.PerController, 32),
	}
}

// Server is one HAP server: one identity, one set of pairings, one accessory
// database. Several can run in one process; they share nothing.
type Server struct {
	options  Options
	limits   Limits
	log      *slog.Logger
	database atomic.Pointer[database]
	numbers  atomic.Uint64 // connections so far
	changed  chan struct{}
	gate     pairing.Gate

	saving     sync.Mutex // one state change at a time, held while Memory writes
	publishing sync.Mutex

	mu       sync.Mutex // below; never held across a call to the outside
	state    State
	sessions map[*session]struct{}
	faults   map[uint64]struct{} // accessories whose panic the log has
}

// New loads the state of a server, or creates and saves one at the first start.
func New(ctx context.Context, o Options) (*Server, error) {
	if o.Memory == nil || o.Name == "" || o.Model == "" {
		return nil, errors.New("hap: a server needs a name, a model and a memory")
	}
	if o.Category == 0 {
		o.Category = 2
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	state, err := o.Memory.Load(ctx)
	if errors.Is(err, ErrNoState) {
		if state, err = NewState(); err != nil {
			return nil, err
		}
		err = o.Memory.Save(ctx, state)
	}
	if err != nil {
		return nil, fmt.Errorf("hap: state: %w", err)
	}
	if state.ConfigNumber == 0 {
		state.ConfigNumber = 1
	}
	s := &Server{
		options: o, limits: o.Limits.orDefaults(), log: o.Log,
		changed: make(chan struct{}, 1), state: state,
		sessions: map[*session]struct{}{}, faults: map[uint64]struct{}{},
	}
	s.database.Store(&database{})
	return s, nil
}

// Setup is what a person needs to pair: the code to type and the text of the QR
// code. Both stay the same until the household asks for new ones.
type Setup struct {
	Code string // XXX-XX-XXX
	URI  string // X-HM://…
}

// Setup returns the setup code. It is a secret: whoever has it can pair while
// nobody else has.
func (s *Server) Setup() Setup {
	state := s.snapshot()
	uri, err := setup.URI(state.SetupCode, state.SetupID, s.options.Category)
	if err != nil {
		s.log.Error("hap: setup uri", "error", err)
	}
	return Setup{Code: state.SetupCode, URI: uri}
}

// Announcement is what to say over mDNS as _hap._tcp.
type Announcement struct {
	Instance string // "Name XXXX", so that two hubs do not share a name
	TXT      map[string]string
}

// Announcement returns the present announcement; Changed tells when to ask again.
func (s *Server) Announcement() Announcement {
	state := s.snapshot()
	unpaired := "1"
	if s.Paired() {
		unpaired = "0"
	}
	id := strings.ReplaceAll(state.DeviceID, ":", "")
	name := strings.TrimSpace(strings.ReplaceAll(s.options.Name, ".", ""))
	return Announcement{
		Instance: name + " " + id[max(0, len(id)-4):],
		TXT: map[string]string{
			"id": state.DeviceID, "c#": strconv.Itoa(int(state.ConfigNumber)), "s#": "1", "sf": unpaired, "ff": "0",
			"md": s.options.Model, "pv": "1.1", "ci": strconv.Itoa(int(s.options.Category)), "sh": setup.Hash(state.SetupID, state.DeviceID),
		},
	}
}

// Changed receives after the announcement has changed; changes in quick
// succession may arrive as one.
func (s *Server) Changed() <-chan struct{} { return s.changed }

func (s *Server) announce() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// Paired reports whether any controller is paired and knows of it.
func (s *Server) Paired() bool { return !s.gate.Open(s.snapshot().record()) }

// Controllers is how many controllers are paired.
func (s *Server) Controllers() int { return len(s.snapshot().Pairings) }

// DeviceID is the identity of the server, AA:BB:CC:DD:EE:FF.
func (s *Server) DeviceID() string { return s.snapshot().DeviceID }

// Tries is how many wrong setup codes were tried since a controller was paired or
// they were forgiven; after a hundred nobody can pair.
func (s *Server) Tries() int { return s.snapshot().Tries }

// ResetTries allows pairing again after too many wrong setup codes.
func (s *Server) ResetTries(ctx context.Context) error {
	return s.change(ctx, func(state *State) error {
		state.Tries = 0
		return nil
	})
}

// NewCode replaces the setup code and the setup ID by random ones and forgives
// wrong tries: whoever knew the old code cannot pair any more.
func (s *Server) NewCode(ctx context.Context) error {
	err := s.change(ctx, func(state *State) error {
		state.SetupCode, state.SetupID, state.Tries = setup.NewCode(), setup.NewID(), 0
		return nil
	})
	if err == nil {
		s.announce() // sh has changed
	}
	return err
}

// Unpair forgets all controllers and closes their sessions; with the same code
// the server can be paired again.
func (s *Server) Unpair(ctx context.Context) error {
	paired := false
	err := s.change(ctx, func(state *State) error {
		paired = len(state.Pairings) > 0
		state.Pairings, state.Unanswered = nil, false
		return nil
	})
	if err != nil || !paired {
		return err
	}
	s.expel(nil)
	s.announce()
	s.tell(NoticeUnpaired, netip.AddrPort{})
	return nil
}

// snapshot is the saved state; its slices are shared and never written to.
func (s *Server) snapshot() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

// change edits a copy of the state and makes it the server's own only once it is
// saved: what a controller hears is then always what a restart would find. The
// end of a session does not interrupt a save, a deadline does.
func (s *Server) change(ctx context.Context, edit func(*State) error) error {
	const saveWithin = 10 * time.Second
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveWithin)
	defer cancel()
	s.saving.Lock()
	defer s.saving.Unlock()
	next := s.snapshot()
	next.Pairings = slices.Clone(next.Pairings)
	if err := edit(&next); err != nil {
		return err
	}
	if err := s.options.Memory.Save(ctx, next); err != nil {
		return fmt.Errorf("hap: save state: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state = next
	return nil
}

// Listen opens the port of a server. Port 0 means the port of last time, if it
// is free, since controllers remember where a server was. Accepted connections
// send no TCP keepalives: they would wake phones.
func (s *Server) Listen(ctx context.Context, address string) (net.Listener, error) {
	config := net.ListenConfig{KeepAlive: -1}
	if host, port, err := net.SplitHostPort(address); err == nil && port == "0" {
		if last := s.snapshot().Port; last != 0 {
			if l, err := config.Listen(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(last))); err == nil {
				return l, nil
			}
		}
	}
	l, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("hap: listen: %w", err)
	}
	return l, nil
}

// Serve answers connections until ctx ends, which is no error, and returns when
// every goroutine it started has ended: calls of OnRead, OnWrite and Snapshot
// must come back when their context ends. It closes l.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	var sessions sync.WaitGroup
	defer sessions.Wait()
	defer cancel()
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	defer l.Close()
	if err := s.rememberPort(ctx, l); err != nil { // costs something at the next start only
		s.log.Warn("hap: the port will be forgotten", "error", err)
	}
	well := true
	for {
		socket, err := l.Accept()
		switch {
		case err == nil:
			well = true
			session := newSession(ctx, s, socket)
			s.admit(session)
			sessions.Go(func() {
				defer s.forget(session)
				session.run()
			})
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("hap: accept: %w", err)
		default: // out of files: the next may work
			if well {
				s.log.Warn("hap: accept", "error", err)
			}
			well = false
			pause(ctx, 100*time.Millisecond)
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	<-ctx.Done()
}

func (s *Server) rememberPort(ctx context.Context, l net.Listener) error {
	at, ok := l.Addr().(*net.TCPAddr)
	if !ok || at.Port == s.snapshot().Port {
		return nil
	}
	return s.change(ctx, func(state *State) error {
		state.Port = at.Port
		return nil
	})
}
