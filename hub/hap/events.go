package hap

import (
	"errors"
	"slices"
	"strconv"
	"sync"
	"time"
)

// maxPresses bounds the button moments that a session may owe. They cannot be
// merged; a session that far behind is dropped and reads everything anew.
const maxPresses = 64

// events is what one session still has to be told. The device's side only marks
// here, under a lock that is never held across a network call, so a slow
// session cannot hold up a device.
type events struct {
	mu      sync.Mutex
	soon    []*subscription // dirty, sent at the end of the window
	now     []*subscription // dirty, sent at once
	presses []press         // button moments: kept in order, never merged
	flooded bool            // too many of them
	wake    chan struct{}   // capacity 1
}

type subscription struct {
	to    *events
	of    *Characteristic
	aid   uint64
	dirty bool          // guarded by to.mu, like the two below
	gone  bool          // nothing of it may be sent any more
	heir  *subscription // to what has its name in a newer database
}

type press struct {
	of    *subscription
	value Value
}

// mark notes that the newest value of w is owed; the value itself is read when
// it is sent, so the last one wins.
func (e *events) mark(w *subscription) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if w.dirty || w.gone {
		return
	}
	w.dirty = true
	if w.of.immediate() {
		e.now = append(e.now, w)
	} else if e.soon = append(e.soon, w); len(e.soon) > 1 {
		return // the emitter knows that there is something at the window's end
	}
	e.signal()
}

func (e *events) press(w *subscription, v Value) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if w.gone || e.flooded {
		return
	}
	if len(e.presses) == maxPresses {
		e.flooded = true
	} else {
		e.presses = append(e.presses, press{w, v})
	}
	e.signal()
}

func (e *events) signal() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// batch is what one turn of the emitter sends; its memory is reused.
type batch struct {
	presses []press
	states  []*subscription
}

// take moves what is owed into b; without due, only what must not wait. It
// reports whether something is left for later, and whether the session is lost.
func (e *events) take(b *batch, due bool) (later, flooded bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	b.presses = append(b.presses[:0], e.presses...)
	b.states = append(b.states[:0], e.now...)
	e.presses, e.now = e.presses[:0], e.now[:0]
	if due {
		b.states = append(b.states, e.soon...)
		e.soon = e.soon[:0]
	}
	for i := range b.presses { // a moment stays one whatever has become of the button
		for b.presses[i].of.heir != nil {
			b.presses[i].of = b.presses[i].of.heir
		}
	}
	gone := func(w *subscription) bool { return w.gone }
	b.states = slices.DeleteFunc(b.states, gone)
	b.presses = slices.DeleteFunc(b.presses, func(p press) bool { return p.of.gone })
	for _, w := range b.states {
		w.dirty = false
	}
	return len(e.soon) > 0, e.flooded
}

// watch starts sending the changes of w.of.
func (w *subscription) watch() {
	w.of.mu.Lock()
	defer w.of.mu.Unlock()
	w.of.watchers = append(w.of.watchers, w)
}

// drop ends it, for the good of an heir or, without one, for ever.
func (w *subscription) drop(heir *subscription) (owed bool) {
	c := w.of
	c.mu.Lock()
	c.watchers = slices.DeleteFunc(c.watchers, func(o *subscription) bool { return o == w })
	c.mu.Unlock()
	w.to.mu.Lock()
	defer w.to.mu.Unlock()
	w.gone, w.heir = true, heir
	return w.dirty
}

// subscribe starts or ends the events of one characteristic.
func (s *session) subscribe(name id, on bool) {
	s.subscribing.Lock()
	defer s.subscribing.Unlock()
	w := s.subscriptions[name]
	c := s.server.database.Load().find(name) // again: Publish may have replaced it
	switch {
	case !on && w != nil:
		w.drop(nil)
		delete(s.subscriptions, name)
	case on && w == nil && c != nil && c.Perms&PermEvents != 0 && s.ctx.Err() == nil:
		w = &subscription{to: &s.events, of: c, aid: name.AID}
		s.subscriptions[name] = w
		w.watch()
	}
}

func (s *session) subscribed(name id) bool {
	s.subscribing.Lock()
	defer s.subscribing.Unlock()
	return s.subscriptions[name] != nil
}

// carryOver moves the subscriptions to the characteristics that have the same
// names in a new database. What was owed is still owed, and a new value is news.
func (s *session) carryOver(d *database) {
	s.subscribing.Lock()
	defer s.subscribing.Unlock()
	for name, w := range s.subscriptions {
		c := d.find(name)
		switch {
		case c == w.of:
		case c == nil || c.Perms&PermEvents == 0:
			w.drop(nil)
			delete(s.subscriptions, name)
		default:
			next := &subscription{to: &s.events, of: c, aid: name.AID}
			s.subscriptions[name] = next
			next.watch()
			owed := w.drop(next)
			before, _ := w.of.Value()
			if now, _ := c.Value(); !now.Null() && (owed || now != before) {
				s.events.mark(next)
			}
		}
	}
}

func (s *session) unsubscribeAll() {
	s.subscribing.Lock()
	defer s.subscribing.Unlock()
	for name, w := range s.subscriptions {
		w.drop(nil)
		delete(s.subscriptions, name)
	}
}

// emit writes the events of a session until it ends. It sends at once when the
// last message is a window ago, else at the window's end.
func (s *session) emit() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	var last time.Time
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-s.events.wake:
		case <-s.answered:
		case <-timer.C:
		}
		rest := s.server.limits.Window - time.Since(last)
		due := rest <= 0
		sent, later, err := s.sendEvents(due)
		switch {
		case errors.Is(err, errPending):
			timer.Reset(soon)
			continue
		case err != nil:
			s.end("events", err)
			return
		}
		if sent && due { // what must not wait does not make the rest wait longer
			last = time.Now()
			rest = s.server.limits.Window
		}
		if later {
			timer.Reset(max(0, rest))
		}
	}
}

// soon is when to look again whether a request that has come has been read.
const soon = 2 * time.Millisecond

var errPending = errors.New("hap: a request has come")

// sendEvents writes one batch, unless a request is open: a controller that waits
// for an answer may take an event for it. Then answer wakes the emitter.
func (s *session) sendEvents(due bool) (sent, later bool, err error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	switch {
	case s.open && !s.held:
		s.held, s.heldSince = true, time.Now()
		return false, false, nil
	case s.open:
		return false, false, nil
	case s.conn.Pending():
		return false, false, errPending
	}
	return s.flush(due)
}

// flush writes what is owed. It runs under s.writing.
func (s *session) flush(due bool) (sent, later bool, err error) {
	s.held = false
	later, flooded := s.events.take(&s.batch, due)
	if flooded {
		return false, false, errFlooded
	}
	if len(s.batch.presses)+len(s.batch.states) == 0 {
		return false, later, nil
	}
	s.eventOut = s.eventOut[:0]
	for _, p := range s.batch.presses { // one message each: two presses of a button are two
		s.eventBody = appendEvent(append(s.eventBody[:0], `{"characteristics":[`...), p.of, p.value)
		s.appendEventMessage()
	}
	if len(s.batch.states) > 0 {
		s.eventBody = append(s.eventBody[:0], `{"characteristics":[`...)
		for i, w := range s.batch.states {
			if i > 0 {
				s.eventBody = append(s.eventBody, ',')
			}
			v, _ := w.of.Value()
			s.eventBody = appendEvent(s.eventBody, w, v)
		}
		s.appendEventMessage()
	}
	s.heard.Store(time.Now().UnixNano()) // nobody is silent who listens
	return true, later, s.conn.Write(s.eventOut, nil)
}

func appendEvent(b []byte, w *subscription, v Value) []byte {
	b = strconv.AppendUint(append(b, `{"aid":`...), w.aid, 10)
	b = strconv.AppendUint(append(b, `,"iid":`...), w.of.IID, 10)
	b = v.appendJSON(append(b, `,"value":`...))
	return append(b, '}')
}

func (s *session) appendEventMessage() {
	s.eventBody = append(s.eventBody, `]}`...)
	b := append(s.eventOut, "EVENT/1.0 200 OK\r\nContent-Type: "+typeJSON+"\r\nContent-Length: "...)
	b = strconv.AppendInt(b, int64(len(s.eventBody)), 10)
	b = append(b, "\r\n\r\n"...)
	s.eventOut = append(b, s.eventBody...)
}
