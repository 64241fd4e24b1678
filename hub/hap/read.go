package hap

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"strconv"

	"github.com/ingle-home/ingle/hub/hap/internal/message"
)

// result is what one entry of a request comes to.
type result struct {
	of     *Characteristic // nil where there is none
	value  Value
	status Status
	told   bool // value goes into the answer
}

// readCharacteristics answers GET /characteristics, from the cache but for
// characteristics with OnRead.
func (s *session) readCharacteristics(query []byte) error {
	if !message.ParseQuery(query, &s.query) {
		return s.status(400, StatusInvalidValue)
	}
	if s.names = append(s.names[:0], s.query.IDs...); repeats(s.names) {
		return s.status(422, StatusInvalidValue)
	}
	d := s.server.database.Load()
	s.results = s.results[:0]
	live := 0
	for _, name := range s.query.IDs {
		s.results = append(s.results, read(d.find(name)))
		if r := &s.results[len(s.results)-1]; r.status == StatusOK && r.of.OnRead != nil {
			live++
		}
	}
	if live > 0 {
		s.readLive()
	}
	code := 200
	for i := range s.results {
		if s.results[i].status != StatusOK {
			code = 207
		}
	}
	return s.answer(code, typeJSON, s.renderRead(code == 207))
}

func read(c *Characteristic) result {
	if c == nil {
		return result{status: StatusNotFound}
	}
	if c.Perms&PermRead == 0 {
		return result{of: c, status: StatusWriteOnly}
	}
	v, status := c.Value()
	if v.Null() {
		v = c.known()
	}
	return result{of: c, value: v, status: status, told: status == StatusOK}
}

// readLive runs all OnRead calls of a request side by side. Those that are not
// back in time are answered as such, alone.
func (s *session) readLive() {
	ctx, cancel := context.WithTimeout(s.ctx, s.server.limits.DeviceRead)
	defer cancel()
	type answer struct {
		at int
		result
	}
	answers := make(chan answer, len(s.results))
	var calls []*call
	for i := range s.results {
		c := s.results[i].of
		if s.results[i].status != StatusOK || c.OnRead == nil {
			continue
		}
		s.results[i] = result{of: c, status: StatusTimeout}
		call, name := c.begin(maxOverdueReads), s.query.IDs[i]
		if call == nil {
			continue
		}
		calls = append(calls, call)
		s.work.Go(func() {
			defer call.end()
			v, err := guard(s.server, name.AID, func() (Value, error) { return c.OnRead(ctx, s.peer) })
			if err == nil {
				v, err = s.fitting(name, c, v)
			}
			answers <- answer{i, result{of: c, value: v, status: statusOf(err), told: err == nil}}
		})
	}
	defer abandon(calls)
	for range calls {
		select {
		case a := <-answers:
			s.results[a.at] = a.result
		case <-ctx.Done():
			return
		}
	}
}

// fitting lets a value that a device gave pass to a controller if it fits. One
// that does not is the fault of the device, and logged once.
func (s *session) fitting(name id, c *Characteristic, v Value) (Value, error) {
	v, err := c.fit(v)
	if c.faulty(err != nil) {
		s.server.log.Error("hap: an accessory gave a value that does not fit", slog.Uint64("aid", name.AID), slog.Uint64("iid", name.IID), slog.Any("error", err))
	}
	if err != nil {
		return Value{}, StatusUnreachable
	}
	return v, nil
}

// faulty notes whether the last value was a bad one, and reports the first such.
func (c *Characteristic) faulty(bad bool) (first bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	first = bad && !c.blamed
	c.blamed = bad
	return first
}

// Calls into one characteristic that a hung device has not returned and nobody
// waits for. While there are as many, it is not asked: what controllers ask again
// and again must not pile up. Writes are given more room, since one of them may
// be the stop of a motor.
const (
	maxOverdueReads  = 4
	maxOverdueWrites = 64
)

// call is one call of OnRead or OnWrite.
type call struct {
	of          *Characteristic
	ended, late bool // guarded by of.mu
}

// begin is nil where too many calls have not come back.
func (c *Characteristic) begin(most int) *call {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.overdue >= most {
		return nil
	}
	return &call{of: c}
}

func (o *call) end() {
	o.of.mu.Lock()
	defer o.of.mu.Unlock()
	o.ended = true
	if o.late {
		o.of.overdue--
	}
}

// abandon stops waiting for those calls that have not ended.
func abandon(calls []*call) {
	for _, o := range calls {
		o.of.mu.Lock()
		if !o.ended {
			o.late = true
			o.of.overdue++
		}
		o.of.mu.Unlock()
	}
}

func (s *session) renderRead(withStatus bool) []byte {
	b := append(s.body[:0], `{"characteristics":[`...)
	extras := s.query.Type || s.query.Meta || s.query.Perms || s.query.Event
	for i := range s.results {
		if i > 0 {
			b = append(b, ',')
		}
		name, r := s.query.IDs[i], &s.results[i]
		b = appendResult(b, name, r, withStatus)
		if extras && r.of != nil {
			b = s.appendExtras(b, name, r.of)
		}
		b = append(b, '}')
	}
	s.body = append(b, `]}`...)
	return s.body
}

// appendResult writes the members that reads and writes share, without the
// closing brace.
func appendResult(b []byte, name id, r *result, withStatus bool) []byte {
	b = strconv.AppendUint(append(b, `{"aid":`...), name.AID, 10)
	b = strconv.AppendUint(append(b, `,"iid":`...), name.IID, 10)
	if withStatus {
		b = strconv.AppendInt(append(b, `,"status":`...), int64(r.status), 10)
	}
	if r.told && r.status == StatusOK {
		b = r.value.appendJSON(append(b, `,"value":`...))
	}
	return b
}

func (s *session) appendExtras(b []byte, name id, c *Characteristic) []byte {
	if s.query.Type {
		b = appendQuoted(append(b, `,"type":`...), c.Type)
	}
	if s.query.Meta {
		b = c.appendMeta(b)
	}
	if s.query.Perms {
		b = c.appendPerms(b)
	}
	if s.query.Event {
		b = strconv.AppendBool(append(b, `,"ev":`...), s.subscribed(name))
	}
	return b
}

// repeats reports whether a name occurs twice; it sorts them. Controllers ask in
// rising order as a rule, which costs one comparison each.
func repeats(names []id) bool {
	rising := true
	for i := 1; i < len(names) && rising; i++ {
		rising = byID(names[i-1], names[i]) < 0
	}
	if rising {
		return false
	}
	slices.SortFunc(names, byID)
	for i := 1; i < len(names); i++ {
		if names[i-1] == names[i] {
			return true
		}
	}
	return false
}

func byID(a, b id) int {
	return cmp.Or(cmp.Compare(a.AID, b.AID), cmp.Compare(a.IID, b.IID))
}
