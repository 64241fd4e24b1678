package hap

import (
	"bytes"
	"cmp"
	"errors"
	"maps"
	"slices"
	"time"
)

// Whoever knocks is let in, or else a stranger who keeps all places taken would
// lock the household out: it is the connection with least to lose that yields.

var (
	errCrowded = errors.New("hap: too many connections")
	errSilent  = errors.New("hap: silent for too long")
	errUnknown = errors.New("hap: the controller is not paired any more")
)

// What a connection that has not proved itself would lose, least first.
const (
	silent int32 = iota // nothing has come yet
	asking
	settingUp // a person may be typing the code
)

// all are the connections of this moment.
func (s *Server) all() []*session {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.sessions))
}

// admit makes room for a connection that has not proved itself. Strangers at one
// address, be it a router that hides many, can only push out each other, and
// those of many addresses nobody who comes alone from his.
func (s *Server) admit(arrival *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions[arrival] = struct{}{}
	least := func(a, b *session) int {
		return cmp.Or(cmp.Compare(a.stake.Load(), b.stake.Load()), cmp.Compare(a.number, b.number))
	}
	from := func(o *session) (any, bool) { return o.address(), o.peer == nil }
	s.evict(s.limits.PerAddress, arrival, least, func(o *session) (any, bool) {
		return nil, o.peer == nil && o.address() == arrival.address()
	})
	s.evict(s.limits.Unauthenticated, arrival, least, from)
}

// enter makes a connection that of a controller, if it is still paired.
func (s *Server) enter(arrival *session, peer *Peer) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	standing, ok := s.standing(peer)
	if !ok {
		return false
	}
	peer.admin.Store(standing.Admin)
	arrival.peer = peer
	for _, o := range s.reapable() {
		if o != arrival {
			o.end("admission", errSilent)
		}
	}
	longest := func(a, b *session) int { return cmp.Compare(a.heard.Load(), b.heard.Load()) }
	s.evict(s.limits.PerController, arrival, longest, func(o *session) (any, bool) {
		return nil, o.peer != nil && o.peer.Controller == peer.Controller
	})
	s.evict(s.limits.Sessions, arrival, longest, func(o *session) (any, bool) {
		if o.peer == nil {
			return nil, false
		}
		return o.peer.Controller, true
	})
	return true
}

// evict closes one of a crowd of more than limit: the first in order among those
// of the party with most of them. party says whose a session is, and whether it
// belongs to the crowd. It runs under s.mu.
func (s *Server) evict(limit int, spare *session, order func(a, b *session) int, party func(*session) (any, bool)) {
	parties, n := map[any][]*session{}, 0
	for o := range s.sessions {
		if whose, in := party(o); in && o.ctx.Err() == nil {
			parties[whose] = append(parties[whose], o)
			n++
		}
	}
	if n <= limit {
		return
	}
	var first *session
	most := 0
	for _, all := range parties {
		size := len(all)
		all = slices.DeleteFunc(all, func(o *session) bool { return o == spare })
		if len(all) == 0 || size < most {
			continue
		}
		if one := slices.MinFunc(all, order); size > most || order(one, first) < 0 {
			first, most = one, size
		}
	}
	if first != nil {
		first.end("admission", errCrowded)
	}
}

// reapable are the sessions that have been silent for long, once there are
// many: phones that left do not say so. It runs under s.mu.
func (s *Server) reapable() []*session {
	var old []*session
	n := 0
	since := time.Now().Add(-s.limits.Silence).UnixNano()
	for o := range s.sessions {
		if o.peer == nil || o.ctx.Err() != nil {
			continue
		}
		n++
		if o.heard.Load() <= since {
			old = append(old, o)
		}
	}
	if n < s.limits.Crowd {
		return nil
	}
	return old
}

// mayStay reports whether a session that has been silent for long is kept.
func (s *Server) mayStay(o *session) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !slices.Contains(s.reapable(), o)
}

func (s *Server) forget(session *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, session)
}

// standing is the pairing of a peer, if it still has one: the same name under
// another key is somebody else. It runs under s.mu.
func (s *Server) standing(peer *Peer) (Pairing, bool) {
	i := slices.IndexFunc(s.state.Pairings, func(p Pairing) bool {
		return p.ID == peer.Controller && bytes.Equal(p.Key, peer.key)
	})
	if i < 0 {
		return Pairing{}, false
	}
	return s.state.Pairings[i], true
}

// promote brings the rights of live sessions up to the saved pairings.
func (s *Server) promote() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for session := range s.sessions {
		if session.peer == nil {
			continue
		}
		standing, _ := s.standing(session.peer)
		session.peer.admin.Store(standing.Admin)
	}
}

// expel closes the sessions of controllers that are gone, the asker's own last.
func (s *Server) expel(asker *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	gone := func(o *session) bool {
		if o.peer == nil {
			return false
		}
		_, ok := s.standing(o.peer)
		return !ok
	}
	for session := range s.sessions {
		if session != asker && gone(session) {
			session.end("pairings", errUnknown)
		}
	}
	if asker != nil && gone(asker) {
		asker.end("pairings", errUnknown)
	}
}
