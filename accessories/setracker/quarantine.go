package setracker

import "time"

// A watch often comes back while its old connection still seems open; so does someone who gives
// himself out for it. Both connections are asked who they are: the newcomer takes over only if the
// other one stays silent or ends. Until then it is in quarantine: alarms are believed, all else waits.
const (
	challengeLimit = 20 * time.Second
	askAgain       = 5 * time.Minute
)

// attach makes l one of the session's lines, false when the session is over.
func (s *Session) attach(l *line) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return false
	}
	s.lines[l] = true
	s.wg.Add(1)
	if s.live == nil {
		s.take(l)
	}
	return true
}

// take makes l the live line. It needs s.mu.
func (s *Session) take(l *line) {
	s.live = l
	l.door.known(l)
}

func (s *Session) detach(l *line) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.lines, l)
	if s.live == l {
		s.live = nil
	}
	s.wg.Done()
}

// tend does for a line what its place asks for. Each line calls it itself, at least every second, so
// that a dead one keeps no other waiting. An error ends the line.
func (s *Session) tend(l *line) error {
	s.mu.Lock()
	now := time.Now()
	if s.live == nil {
		s.take(l)
	}
	if s.live != l && now.Sub(s.asked) >= challengeLimit {
		if l.asked.Equal(s.asked) && !l.asked.IsZero() && l.spoke && !s.live.spoke {
			s.live.conn.Close()
			s.take(l)
		} else if l.asked.IsZero() || now.Sub(s.asked) >= askAgain {
			s.challenge(now)
		}
	}
	ask := l.ask
	l.ask = false
	question := l.command(s.id, "VERNO")
	live := s.live == l
	s.mu.Unlock()
	if live && l.held != nil {
		s.tell(l.held)
		l.held = nil
	}
	if !ask {
		return nil
	}
	l.door.complain(twoLines)
	return l.send(question)
}

// challenge has all lines asked. It needs s.mu.
func (s *Session) challenge(now time.Time) {
	s.asked = now
	for l := range s.lines {
		l.asked, l.ask, l.spoke = now, true, false
	}
}
