package hap

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"

	"github.com/ingle-home/ingle/hub/hap/internal/pairing"
	"github.com/ingle-home/ingle/hub/hap/setup"
)

// ErrNoState is what Memory.Load returns at the very first start.
var ErrNoState = errors.New("hap: no state yet")

// Memory keeps the state of one server. Save returns only after the state would
// survive a power cut: answers to controllers are sent after it.
type Memory interface {
	Load(ctx context.Context) (State, error) // ErrNoState at the first start
	Save(ctx context.Context, s State) error
}

// State is everything durable about one server. It holds secrets.
type State struct {
	DeviceID       string // AA:BB:CC:DD:EE:FF, never changes
	Seed           []byte // Ed25519, 32 bytes
	SetupCode      string // XXX-XX-XXX
	SetupID        string // 4 of 0-9A-Z
	Pairings       []Pairing
	Tries          int    // wrong setup codes since the last success
	ConfigNumber   uint16 // c#, 1 to 65535
	DatabaseDigest []byte // of the database that ConfigNumber stands for
	Port           int    // of the last listener; 0 before the first
	Unanswered     bool   // the only controller may not know that it is paired
}

// Pairing is one controller that may open sessions.
type Pairing struct {
	ID    string
	Key   []byte // Ed25519 public key, 32 bytes
	Admin bool
}

// NewState makes a fresh, random identity.
func NewState() (State, error) {
	mac, seed := make([]byte, 6), make([]byte, ed25519.SeedSize)
	rand.Read(mac) // crypto/rand ends the program rather than fail
	rand.Read(seed)
	address := fmt.Sprintf("%02X:%02X:%02X:%02X:%02X:%02X", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5])
	return State{DeviceID: address, Seed: seed, SetupCode: setup.NewCode(), SetupID: setup.NewID(), ConfigNumber: 1}, nil
}

// Raise moves the configuration number on by more than one, so that controllers read
// everything again: the state is an old one, and what was announced since is not known.
func (s *State) Raise(by uint16) {
	const most = 65535
	s.ConfigNumber = uint16((uint32(s.ConfigNumber)+uint32(by)-1)%most + 1)
}

// store shows the state of a server to pairing.
type store struct{ *Server }

func (s store) Identity() (string, ed25519.PrivateKey) {
	state := s.snapshot()
	return state.DeviceID, ed25519.NewKeyFromSeed(state.Seed)
}

func (s store) Record() pairing.Record { return s.recordOf(s.snapshot()) }

func (s store) recordOf(state State) pairing.Record {
	r := state.record()
	r.Shut = s.options.Shut != nil && s.options.Shut()
	return r
}

// Update also brings live sessions up to date: who may change pairings, and
// whether the server still waits for its first controller.
func (s store) Update(ctx context.Context, change func(*pairing.Record) error) error {
	var before, after bool
	err := s.change(ctx, func(state *State) error {
		r := s.recordOf(*state)
		before = s.gate.Open(r)
		if err := change(&r); err != nil {
			return err
		}
		after = s.gate.Open(r)
		state.Tries, state.Unanswered = r.Tries, r.Unanswered
		state.Pairings = nil
		for _, p := range r.Peers {
			state.Pairings = append(state.Pairings, Pairing(p))
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.promote()
	if before != after {
		s.announce()
	}
	return nil
}

func (s State) record() pairing.Record {
	r := pairing.Record{Code: s.SetupCode, Tries: s.Tries, Unanswered: s.Unanswered}
	for _, p := range s.Pairings {
		r.Peers = append(r.Peers, pairing.Peer(p))
	}
	return r
}

// Fleeting is a Memory that lasts as long as the process: for a server that is tried or measured. Its
// zero value has no state.
type Fleeting struct {
	mu    sync.Mutex
	state *State
}

// Load gives what was saved last, or ErrNoState.
func (f *Fleeting) Load(context.Context) (State, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.state == nil {
		return State{}, ErrNoState
	}
	return *f.state, nil
}

// Save never fails.
func (f *Fleeting) Save(_ context.Context, s State) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.state = &s
	return nil
}
