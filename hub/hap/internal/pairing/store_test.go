package pairing_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/ingle-home/ingle/hub/hap/haptest"
	"github.com/ingle-home/ingle/hub/hap/internal/pairing"
)

const (
	code     = "482-61-937"
	deviceID = "A1:B2:C3:D4:E5:F6"
)

var errDisk = errors.New("disk full")

// store is a Store in memory, with a disk that can fail.
type store struct {
	key ed25519.PrivateKey

	mu     sync.Mutex
	record pairing.Record
	broken bool
	saved  int
}

func newStore(peers ...pairing.Peer) *store {
	return &store{key: ed25519.NewKeyFromSeed(make([]byte, 32)), record: pairing.Record{Code: code, Peers: peers}}
}

func (s *store) Identity() (string, ed25519.PrivateKey) { return deviceID, s.key }

func (s *store) Record() pairing.Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.record
	r.Peers = slices.Clone(r.Peers)
	return r
}

func (s *store) Update(_ context.Context, change func(*pairing.Record) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.record
	r.Peers = slices.Clone(r.Peers)
	if err := change(&r); err != nil {
		return err
	}
	if s.broken {
		return errDisk
	}
	s.record = r
	s.saved++
	return nil
}

func (s *store) breakDisk(broken bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = broken
}

// peer is the pairing of made-up credentials, and the credentials.
func peer(id string, admin bool) (pairing.Peer, haptest.Credentials) {
	c := haptest.NewCredentials(id)
	c.DeviceID, c.DeviceKey = deviceID, newStore().key.Public().(ed25519.PublicKey)
	return pairing.Peer{ID: c.ID, Key: c.Key.Public().(ed25519.PublicKey), Admin: admin}, c
}

// wantError checks a refusal: HTTP status, state and error code.
func wantError(t *testing.T, what string, a pairing.Answer, status, state, code int) {
	t.Helper()
	if a.Status != status || haptest.Code(a.Body, haptest.State) != state || haptest.Code(a.Body, haptest.Error) != code {
		t.Errorf("%s: HTTP %d, % x; want %d, state %d, error %d", what, a.Status, a.Body, status, state, code)
	}
}

// wantState checks an answer without an error.
func wantState(t *testing.T, what string, a pairing.Answer, state int) {
	t.Helper()
	if a.Status != 200 || haptest.Code(a.Body, haptest.State) != state || haptest.Code(a.Body, haptest.Error) != -1 {
		t.Fatalf("%s: HTTP %d, % x; want state %d", what, a.Status, a.Body, state)
	}
}
