package setracker

import (
	"crypto/sha256"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
)

const (
	remembered = 256                 // stored alarms
	undated    = 10 * time.Minute    // how long an alarm is a repeat when the watch does not know the time
	ahead      = 10 * time.Minute    // how wrong a watch's clock may be
	behind     = 31 * 24 * time.Hour // how long a watch may have been offline
)

// receive takes one frame of the watch. Alarms go first and are acknowledged once all are stored; the
// watch repeats what is not. An error ends the line.
func (s *Session) receive(l *line, f Frame) error {
	s.mu.Lock()
	l.maker, l.index, l.spoke = f.Maker, f.Index, true
	live, affordable := s.live == l, s.frames.spend(time.Now())
	if live {
		s.echoed(f.Type)
	}
	s.mu.Unlock()
	var err error
	if isAlarm(f.Type) && s.cry(f) {
		err = l.send(Frame{Maker: f.Maker, ID: f.ID, Index: f.Index, Type: "AL"})
	}
	if !affordable {
		l.door.complain(tooMuch)
		return err
	}
	if states := s.states(f); live {
		s.tell(states)
	} else {
		l.held = newest(l.held, states)
	}
	return err
}

// cry reports the alarms of a frame and says whether all are stored. Each alarm is remembered by
// itself: a repeat must not store again what was stored.
func (s *Session) cry(f Frame) bool {
	now := s.now()
	p, err := ParsePosition(f.Body)
	dated := err == nil && p.At.Before(now.Add(ahead)) && p.At.After(now.Add(-behind))
	s.reporting.Lock()
	defer s.reporting.Unlock()
	if s.report == nil {
		return false
	}
	at := now
	if dated { // the watch's own time: stored again after a power cut, it is the same alarm
		at = p.At
	}
	stored := true
	for _, r := range alarms(p, at) {
		key := sha256.Sum256(append([]byte(r.Trait.ID()+","), f.Body...))
		if s.stored.has(key, dated, now) {
			continue
		}
		if s.report(r) != nil {
			stored = false
			continue
		}
		s.stored.add(key, now)
	}
	return stored
}

// tell reports states, or keeps them until the session runs. What is not taken is lost: a newer one
// will follow.
func (s *Session) tell(states []trait.Reading) {
	s.reporting.Lock()
	defer s.reporting.Unlock()
	if s.report == nil {
		s.early = newest(s.early, states)
		return
	}
	for _, r := range states {
		_ = s.report(r)
	}
}

// newest adds readings to what is held, the newest of each trait.
func newest(held, more []trait.Reading) []trait.Reading {
	for _, r := range more {
		held = slices.DeleteFunc(held, func(old trait.Reading) bool { return old.Trait == r.Trait })
		held = append(held, r)
	}
	return held
}

// states turns a frame into what it says of the watch and its wearer.
func (s *Session) states(f Frame) []trait.Reading {
	now := s.now()
	field := strings.SplitN(string(f.Body), ",", 8)
	switch kind := strings.ToUpper(f.Type); {
	case isPosition(f.Type):
		return where(f, now)
	case kind == "LK" && len(field) == 3:
		return counts(number(field[2], 100), number(field[0], 1_000_000), now)
	case kind == "HEART" || kind == "PULSE":
		return beats(field[0], now)
	case (kind == "BPHRT" || kind == "BLOOD") && len(field) > 2:
		return beats(field[2], now)
	}
	return nil
}

// where reads a position. One that was stored while the watch was offline says nothing of its battery
// now; one from the future, from long ago or from 0,0 is none.
func where(f Frame, now time.Time) (out []trait.Reading) {
	p, err := ParsePosition(f.Body)
	if f.Type != "UD2" {
		out = counts(p.Battery, p.Steps, now)
	}
	if err == nil && p.At.Before(now.Add(ahead)) && p.At.After(now.Add(-behind)) &&
		(p.Place.Lat != 0 || p.Place.Lon != 0) {
		out = append(out, trait.Where.Of(p.Place, p.At))
	}
	return out
}

// beats reads a heart rate; 0 is none.
func beats(s string, now time.Time) []trait.Reading {
	if n, err := strconv.Atoi(s); err == nil && n > 0 && n < 300 {
		return []trait.Reading{trait.Heart.Of(n, now)}
	}
	return nil
}

func counts(battery, steps int, at time.Time) (out []trait.Reading) {
	if battery >= 0 {
		out = append(out, trait.Battery.Of(battery, at))
	}
	if steps >= 0 {
		out = append(out, trait.Steps.Of(steps, at))
	}
	return out
}

// memory knows the last alarms that were stored.
type memory struct {
	at    map[[sha256.Size]byte]time.Time
	order [][sha256.Size]byte
}

// has says whether an alarm is the repeat of a stored one. A watch that does not know the time sends
// the same bytes for a new cry for help, so that one is believed again after a while.
func (m *memory) has(key [sha256.Size]byte, dated bool, now time.Time) bool {
	at, ok := m.at[key]
	return ok && (dated || now.Sub(at) < undated)
}

func (m *memory) add(key [sha256.Size]byte, now time.Time) {
	if _, ok := m.at[key]; !ok {
		m.order = append(m.order, key)
	}
	m.at[key] = now
	if len(m.order) > remembered {
		delete(m.at, m.order[0])
		m.order = m.order[1:]
	}
}
