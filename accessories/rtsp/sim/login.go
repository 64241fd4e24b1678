package sim

import (
	"maps"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
)

// wrongTries is how many wrong logins lock a camera that locks.
const wrongTries = 5

// SetUsers changes who may log in, by name and password. Connections that are open stay.
func (s *Sim) SetUsers(users map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users = maps.Clone(users)
}

// admits says whether a request may pass, and counts wrong logins. Callers hold mu.
func (s *Sim) admits(conn *gortsplib.ServerConn, req *base.Request, now time.Time) bool {
	if s.opts.Open {
		return true
	}
	_, tried := req.Header["Authorization"]
	locked := now.Before(s.locked)
	ok := false
	for user, password := range s.users {
		ok = conn.VerifyCredentials(req, user, password) || ok
	}
	if ok && !locked {
		s.wrong = 0
		return true
	}
	if !tried {
		return false
	}
	s.state.Refused++
	if s.opts.Lockout == 0 || locked {
		return false
	}
	if s.wrong++; s.wrong >= wrongTries {
		s.locked, s.wrong = now.Add(s.opts.Lockout), 0
	}
	return false
}
