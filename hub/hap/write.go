package hap

import (
	"context"
	"encoding/base64"
	"math"
	"slices"
	"time"

	"github.com/ingle-home/ingle/hub/hap/internal/message"
)

// timedWrite is what PUT /prepare announced.
type timedWrite struct {
	set   bool
	pid   uint64
	until time.Time
}

// prepare answers PUT /prepare; a newer one replaces an older.
func (s *session) prepare(body []byte) error {
	p, ok := message.ParsePrepare(body)
	if !ok {
		return s.status(400, StatusInvalidValue)
	}
	const longest = 60_000 // milliseconds
	s.timed = timedWrite{true, p.PID, time.Now().Add(time.Duration(min(p.TTL, longest)) * time.Millisecond)}
	return s.status(200, StatusOK)
}

// timing tells whether a PUT is part of a timed write, and allowed.
type timing uint8

const (
	untimed timing = iota
	inTime
	rejected
)

func (s *session) timing(w *message.Writes) timing {
	switch {
	case !w.Timed:
		return untimed
	case !s.timed.set || s.timed.pid != w.PID:
		return rejected
	}
	s.timed.set = false
	if time.Now().After(s.timed.until) {
		return rejected
	}
	return inTime
}

// writeCharacteristics answers PUT /characteristics: every entry is checked, and
// those that pass go to their devices.
func (s *session) writeCharacteristics(body []byte) error {
	if !message.ParseWrites(body, &s.writes) {
		return s.status(400, StatusInvalidValue)
	}
	entries := s.writes.Entries
	s.names = s.names[:0]
	for i := range entries {
		s.names = append(s.names, entries[i].ID)
	}
	if repeats(s.names) {
		return s.status(422, StatusInvalidValue)
	}
	d := s.server.database.Load()
	timing := s.timing(&s.writes)
	s.results = s.results[:0]
	outside := false
	for i := range entries {
		r := s.accept(d.find(entries[i].ID), &entries[i], timing)
		outside = outside || r.status == StatusOK && r.told && r.of.OnWrite != nil
		s.results = append(s.results, r)
	}
	s.carryOut(outside)
	plain, renamed := true, false
	for i := range s.results {
		r := &s.results[i]
		r.told = r.told && r.status == StatusOK
		renamed = renamed || r.told && r.of.Type == "E3"
		r.told = r.told && s.answers(i) && !r.value.Null()
		plain = plain && r.status == StatusOK && !entries[i].Response
	}
	if renamed {
		s.server.renamed(s.ctx)
	}
	if plain {
		return s.answer(204, "", nil)
	}
	return s.answer(207, typeJSON, s.renderWrite())
}

// answers reports whether the controller wants a value back, and may have one.
func (s *session) answers(i int) bool {
	return s.writes.Entries[i].Response && s.results[i].of.Perms&PermWriteResponse != 0
}

func (s *session) renderWrite() []byte {
	b := append(s.body[:0], `{"characteristics":[`...)
	for i := range s.results {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendResult(b, s.writes.Entries[i].ID, &s.results[i], true), '}')
	}
	s.body = append(b, `]}`...)
	return s.body
}

// accept checks one entry in the order that HAP gives, and subscribes. A result
// that is told has a value for the device.
func (s *session) accept(c *Characteristic, w *message.Write, t timing) result {
	r := result{of: c, told: w.Value.Kind != message.Absent}
	if r.status = s.permit(c, w, t); r.status != StatusOK {
		return r
	}
	if r.told {
		v, err := c.fit(c.decode(w.Value))
		if err != nil {
			r.status = StatusInvalidValue
			return r
		}
		r.value = v
	}
	if w.Event.Kind != message.Absent {
		on, ok := w.Event.Truth()
		if !ok {
			r.status = StatusInvalidValue
			return r
		}
		s.subscribe(w.ID, on)
	}
	return r
}

func (s *session) permit(c *Characteristic, w *message.Write, t timing) Status {
	value, event := w.Value.Kind != message.Absent, w.Event.Kind != message.Absent
	switch {
	case c == nil:
		return StatusNotFound
	case t == rejected, !value && !event:
		return StatusInvalidValue
	case event && c.Perms&PermEvents == 0:
		return StatusNoEvents
	case value && c.Perms&PermWrite == 0:
		return StatusReadOnly
	case value && c.AdminOnly && !s.peer.Admin():
		return StatusNoPrivileges
	case value && c.Perms&PermAuth != 0 && !s.authorized(c, w):
		return StatusNoAuthorization
	case value && c.Perms&PermTimed != 0 && t != inTime:
		return StatusInvalidValue
	}
	return StatusOK
}

func (s *session) authorized(c *Characteristic, w *message.Write) bool {
	if c.Authorize == nil {
		return false
	}
	yes, err := guard(s.server, w.AID, func() (bool, error) { return c.Authorize(w.AuthData), nil })
	return yes && err == nil
}

// decode turns JSON into a value; what it cannot be is null, which fits nothing.
func (c *Characteristic) decode(v message.Scalar) Value {
	switch v.Kind {
	case message.True, message.False:
		return Bool(v.Kind == message.True)
	case message.Int:
		return Int(int64(v.Number))
	case message.Uint:
		return Uint(v.Number)
	case message.Float:
		if math.IsInf(v.Real, 0) {
			return Value{}
		}
		return Float(v.Real)
	case message.Text:
		if c.Format != FormatTLV8 && c.Format != FormatBytes {
			return String(string(v.Text))
		}
		if raw, err := base64.StdEncoding.AppendDecode(nil, v.Text); err == nil {
			return Bytes(raw)
		}
	}
	return Value{}
}

// carryOut gives the accepted values to their devices: side by side for
// different accessories, one after another for one. Without outside, no device
// wants to hear of any of them.
func (s *session) carryOut(outside bool) {
	if !outside {
		for i := range s.results {
			if r := &s.results[i]; r.status == StatusOK && r.told {
				r.of.keep(r.value, &s.events)
			}
		}
		return
	}
	ctx, cancel := context.WithTimeout(s.ctx, s.server.limits.DeviceWrite)
	defer cancel()
	done := make(chan order, len(s.results))
	queues, calls := s.orders()
	defer abandon(calls)
	for _, queue := range queues {
		s.work.Go(func() {
			for _, o := range queue {
				o.value, o.status = s.device(ctx, o)
				o.call.end()
				done <- o
			}
		})
	}
	for range calls {
		select {
		case o := <-done:
			s.results[o.at] = o.result
		case <-ctx.Done():
			return
		}
	}
}

// order is a value on its way to a device, and what came of it.
type order struct {
	at int
	id
	result
	answers bool // the controller wants a value back
	call    *call
}

// orders are the accepted values by accessory. Their status is a timeout until
// the device says otherwise.
func (s *session) orders() (queues map[uint64][]order, calls []*call) {
	queues = map[uint64][]order{}
	for i := range s.results {
		r := &s.results[i]
		if r.status != StatusOK || !r.told {
			continue
		}
		if call := r.of.begin(maxOverdueWrites); call != nil {
			o := order{at: i, id: s.writes.Entries[i].ID, result: *r, answers: s.answers(i), call: call}
			queues[o.AID] = append(queues[o.AID], o)
			calls = append(calls, call)
		}
		r.status = StatusTimeout
	}
	return queues, calls
}

// device makes one OnWrite call and keeps the value, unless the device has said
// something else meanwhile.
func (s *session) device(ctx context.Context, o order) (Value, Status) {
	c, v := o.of, o.value
	if ctx.Err() != nil {
		return Value{}, StatusTimeout
	}
	if c.OnWrite == nil {
		c.keep(v, &s.events)
		return v, StatusOK
	}
	mine := pendingWrite{by: &s.events, value: v}
	before := c.expect(mine)
	response, err := guard(s.server, o.AID, func() (Value, error) { return c.OnWrite(ctx, s.peer, v) })
	by := &s.events
	if ctx.Err() != nil { // the controller has heard of a timeout, so this is news to it
		by = nil
	}
	c.settle(before, mine, by, err == nil)
	if err == nil && o.answers && !response.Null() {
		response, err = s.fitting(o.id, c, response)
	}
	return response, statusOf(err)
}

// expect notes a write under way and returns the version of the value before it.
func (c *Characteristic) expect(p pendingWrite) uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pending = append(c.pending, p)
	return c.version
}

// settle ends what expect began.
func (c *Characteristic) settle(before uint64, p pendingWrite, by *events, success bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := slices.Index(c.pending, p); i >= 0 {
		c.pending = slices.Delete(c.pending, i, i+1)
	}
	if success && c.version == before {
		c.store(p.value, by)
	}
}

// keep stores a written value that no device wants to hear about.
func (c *Characteristic) keep(v Value, by *events) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.store(v, by)
}
