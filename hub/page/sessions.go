package page

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"sync"
	"time"
)

const (
	idle        = 15 * time.Minute // after which a session ends that nobody uses
	longest     = 12 * time.Hour   // after which any does
	maxSessions = 16
)

// sessions are those who logged in. Tokens are kept as their SHA-256, so that no picture of the memory
// and no comparison gives one away. The zero value has none.
type sessions struct {
	mu    sync.Mutex
	list  map[[32]byte]*session
	round int // rises whenever all of them end
}

// session is one log-in. ctx ends with it, and all that runs in its name does too.
type session struct {
	id    string // of the app that it is to the API
	begun time.Time
	idle  *time.Timer
	ctx   context.Context
	end   context.CancelFunc
}

// now is the round in which a password is about to be looked at.
func (s *sessions) now() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.round
}

// begin gives the token of a new session, for a password that was looked at in a round; false if all sessions
// were ended since. The oldest makes room where there are too many.
func (s *sessions) begin(round int) (token string, ok bool) {
	token = rand.Text() // 130 bits
	key := sha256.Sum256([]byte(token))
	ctx, end := context.WithCancel(context.Background())
	one := &session{id: "page-" + rand.Text()[:16], begun: time.Now(), ctx: ctx, end: end}
	s.mu.Lock()
	defer s.mu.Unlock()
	if round != s.round {
		end()
		return "", false
	}
	one.idle = time.AfterFunc(idle, func() { s.drop(key) })
	if s.list == nil {
		s.list = map[[32]byte]*session{}
	}
	if len(s.list) >= maxSessions {
		s.remove(s.oldest())
	}
	s.list[key] = one
	return token, true
}

func (s *sessions) oldest() (key [32]byte) {
	var at time.Time
	for k, one := range s.list {
		if at.IsZero() || one.begun.Before(at) {
			key, at = k, one.begun
		}
	}
	return key
}

// of is the session of a token; nil where there is none any more. A person who does something keeps it.
func (s *sessions) of(token string, used bool) *session {
	key := sha256.Sum256([]byte(token))
	s.mu.Lock()
	defer s.mu.Unlock()
	one := s.list[key]
	switch {
	case one == nil:
		return nil
	case time.Since(one.begun) >= longest:
		s.remove(key)
		return nil
	case used:
		one.idle.Reset(min(idle, longest-time.Since(one.begun)))
	}
	return one
}

// leave ends the session of a token.
func (s *sessions) leave(token string) { s.drop(sha256.Sum256([]byte(token))) }

func (s *sessions) drop(key [32]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(key)
}

// end ends all.
func (s *sessions) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.round++
	for key := range s.list {
		s.remove(key)
	}
}

func (s *sessions) remove(key [32]byte) {
	one := s.list[key]
	if one == nil {
		return
	}
	delete(s.list, key)
	one.idle.Stop()
	one.end()
}
