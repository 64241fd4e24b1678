package hap

import (
	"cmp"
	"context"
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

// maxReading bounds the OnRead calls of one characteristic that a hung device
// has not returned.
const maxReading = 4

// readCharacteristics answers GET /characteristics, from the cache but for
// characteristics with OnRead.
func (s *session) readCharacteristics(query []byte) error {
	if !message.ParseQuery(query, &s.query) {
		return s.status(400, StatusInvalidValue)
	}
	if duplicates(s.query.IDs, func(name id) id { return name }) {
		return s.status(422, StatusInvalidValue)
	}
	d := s.server.database.Load()
	s.results = s.results[:0]
	live := 0
	for _, name := range s.query.IDs {
		r := read(d.index[name])
		if r.status == StatusOK && r.of.OnRead != nil {
			live++
		}
		s.results = append(s.results, r)
	}
	if live > 0 {
		s.readLive()
	}
	code := 200
	for _, r := range s.results {
		if r.status != StatusOK {
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
	waiting := 0
	for i := range s.results {
		c := s.results[i].of
		if s.results[i].status != StatusOK || c.OnRead == nil {
			continue
		}
		s.results[i] = result{of: c, status: StatusTimeout}
		if !c.beginRead() {
			continue
		}
		waiting++
		s.work.Go(func() {
			defer c.endRead()
			v, err := c.OnRead(ctx, s.peer)
			if err == nil {
				v, err = c.fit(v)
			}
			answers <- answer{i, result{of: c, value: v, status: statusOf(err), told: err == nil}}
		})
	}
	for ; waiting > 0; waiting-- {
		select {
		case a := <-answers:
			s.results[a.at] = a.result
		case <-ctx.Done():
			return
		}
	}
}

func (c *Characteristic) beginRead() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.reading >= maxReading {
		return false
	}
	c.reading++
	return true
}

func (c *Characteristic) endRead() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reading--
}

func (s *session) renderRead(withStatus bool) []byte {
	b := append(s.body[:0], `{"characteristics":[`...)
	for i, r := range s.results {
		if i > 0 {
			b = append(b, ',')
		}
		name := s.query.IDs[i]
		b = appendResult(b, name, r, withStatus)
		if r.of != nil {
			b = s.appendExtras(b, name, r.of)
		}
		b = append(b, '}')
	}
	s.body = append(b, `]}`...)
	return s.body
}

// appendResult writes the members that reads and writes share, without the
// closing brace.
func appendResult(b []byte, name id, r result, withStatus bool) []byte {
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

// duplicates reports whether two items have the same name.
func duplicates[T any](items []T, name func(T) id) bool {
	if len(items) < 2 {
		return false
	}
	names := make([]id, len(items))
	for i, item := range items {
		names[i] = name(item)
	}
	order := func(a, b id) int {
		return cmp.Or(cmp.Compare(a.AID, b.AID), cmp.Compare(a.IID, b.IID))
	}
	slices.SortFunc(names, order)
	return len(slices.Compact(names)) < len(items)
}
