package hap

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"strconv"

	"github.com/ingle-home/ingle/hub/hap/internal/message"
)

// database is one published set of accessories; it is never changed, only
// replaced.
type database struct {
	pieces []piece
	near   [][]*Characteristic    // by aid and iid where both are small, as they are as a rule
	far    map[id]*Characteristic // the others

	identify *Characteristic // of accessory 1, or nil
}

// id names one characteristic of a server.
type id = message.ID

var errNoBridge = errors.New("hap: every server needs an accessory 1")

// piece is a stretch of GET /accessories that only a new c# can change, followed
// by the value of a characteristic (nil after the last one).
type piece struct {
	text []byte
	then *Characteristic
}

// Publish makes accs the accessories of the server, at start and at any time
// later: sessions stay, subscriptions carry over by aid and iid, and what has
// gone answers -70409. The configuration number moves by one exactly if the
// structure or a name differs from what was last published, also across a
// restart; it is saved before anything is visible.
//
// Accessories that break Apple's rules are left out, since one of them can make
// a controller refuse the whole server; the error then joins an *AccessoryError
// for each. If that is accessory 1, without which there is no server, or with
// any other error, nothing has changed.
func (s *Server) Publish(ctx context.Context, accs ...*Accessory) error {
	s.publishing.Lock()
	defer s.publishing.Unlock()
	good, faults := sound(accs)
	if len(accs) > 0 && (len(good) == 0 || good[0].AID != bridgeAID) {
		return errors.Join(append(faults, errNoBridge)...)
	}
	next := newDatabase(good)
	if err := s.count(ctx, digest(next.pieces)); err != nil {
		return err
	}
	s.database.Store(next)
	for _, session := range s.all() {
		session.carryOver(next)
	}
	return errors.Join(faults...)
}

// renamed moves c# after a controller has given a service another name.
func (s *Server) renamed(ctx context.Context) {
	s.publishing.Lock()
	defer s.publishing.Unlock()
	if err := s.count(ctx, digest(s.database.Load().pieces)); err != nil {
		s.log.Error("hap: the next start will tell of a new name", "error", err)
	}
}

// count moves c# if digest is not the one it stands for.
func (s *Server) count(ctx context.Context, digest []byte) error {
	known := s.snapshot().DatabaseDigest
	if slices.Equal(known, digest) {
		return nil
	}
	err := s.change(ctx, func(state *State) error {
		state.DatabaseDigest = digest
		if known != nil {
			state.ConfigNumber = max(1, state.ConfigNumber+1) // 65535 wraps to 1
		}
		return nil
	})
	if err == nil {
		s.announce()
	}
	return err
}

func newDatabase(accs []*Accessory) *database {
	d := &database{far: map[id]*Characteristic{}}
	r := renderer{open: []byte(`{"accessories":[`)}
	for i, a := range accs {
		r.comma(i)
		r.accessory(a)
		if a.AID == bridgeAID {
			d.identify = a.Service("3E").Characteristic("14")
		}
		for _, s := range a.Services {
			for _, c := range s.Characteristics {
				d.add(id{AID: a.AID, IID: c.IID}, c)
			}
		}
	}
	r.text(`]}`)
	r.cut(nil)
	d.pieces = r.pieces
	return d
}

// small bounds the numbers that are found without a hash, which is most of what
// a read of a hundred characteristics costs beyond the system calls.
const small = 512

func (d *database) add(name id, c *Characteristic) {
	if name.AID >= small || name.IID >= small {
		d.far[name] = c
		return
	}
	aid, iid := int(name.AID), int(name.IID)
	d.near = append(d.near, make([][]*Characteristic, max(0, aid+1-len(d.near)))...)
	d.near[aid] = append(d.near[aid], make([]*Characteristic, max(0, iid+1-len(d.near[aid])))...)
	d.near[aid][iid] = c
}

// find is nil for what the server does not have.
func (d *database) find(name id) *Characteristic {
	if name.AID < uint64(len(d.near)) && name.IID < uint64(len(d.near[name.AID])) {
		return d.near[name.AID][name.IID]
	}
	return d.far[name]
}

// digest covers the structure and those values that are part of it for people:
// names. ConfiguredName can be written, and then it counts too.
func digest(pieces []piece) []byte {
	sum := sha256.New()
	var value []byte
	for _, p := range pieces {
		sum.Write(p.text)
		if c := p.then; c != nil && (c.Type == "23" || c.Type == "E3") {
			value = c.known().appendJSON(value[:0])
			sum.Write(value)
		}
	}
	return sum.Sum(nil)
}

// accessories answers GET /accessories. Before anything is published there is no
// answer: a controller would take an empty one for the end of everything that it
// knows, rooms and scenes included.
func (s *session) accessories() error {
	d := s.server.database.Load()
	if d.pieces == nil {
		return s.status(503, StatusUnreachable)
	}
	s.body = d.appendTo(s.body[:0])
	return s.answer(200, typeJSON, s.body)
}

// appendTo writes the whole database with the last known values.
func (d *database) appendTo(b []byte) []byte {
	for _, p := range d.pieces {
		b = append(b, p.text...)
		if p.then != nil {
			b = p.then.known().appendJSON(b)
		}
	}
	return b
}

// renderer collects the text of a database and cuts it where values go.
type renderer struct {
	open   []byte
	pieces []piece
}

func (r *renderer) cut(then *Characteristic) {
	r.pieces = append(r.pieces, piece{text: r.open, then: then})
	r.open = nil
}

func (r *renderer) text(s string) { r.open = append(r.open, s...) }

func (r *renderer) comma(i int) {
	if i > 0 {
		r.text(",")
	}
}

func (r *renderer) number(key string, n uint64) {
	r.text(key)
	r.open = strconv.AppendUint(r.open, n, 10)
}

func (r *renderer) string(key, s string) {
	r.text(key)
	r.open = appendQuoted(r.open, s)
}

func (r *renderer) accessory(a *Accessory) {
	r.number(`{"aid":`, a.AID)
	r.text(`,"services":[`)
	for i, s := range a.Services {
		r.comma(i)
		r.service(s)
	}
	r.text(`]}`)
}

func (r *renderer) service(s *Service) {
	r.number(`{"iid":`, s.IID)
	r.string(`,"type":`, s.Type)
	if s.Primary {
		r.text(`,"primary":true`)
	}
	if s.Hidden {
		r.text(`,"hidden":true`)
	}
	if len(s.Linked) > 0 {
		r.text(`,"linked":[`)
		for i, l := range s.Linked {
			r.comma(i)
			r.number("", l.IID)
		}
		r.text(`]`)
	}
	r.text(`,"characteristics":[`)
	for i, c := range s.Characteristics {
		r.comma(i)
		r.characteristic(c)
	}
	r.text(`]}`)
}

func (r *renderer) characteristic(c *Characteristic) {
	r.number(`{"iid":`, c.IID)
	r.string(`,"type":`, c.Type)
	r.open = c.appendPerms(r.open)
	r.open = c.appendMeta(r.open)
	if c.Description != "" {
		r.string(`,"description":`, c.Description)
	}
	if c.MaxBytes > 0 {
		r.number(`,"maxDataLen":`, uint64(c.MaxBytes))
	}
	r.list(`,"valid-values":`, c.ValidValues)
	r.list(`,"valid-values-range":`, c.ValidRange)
	if c.Perms&PermRead != 0 {
		r.text(`,"value":`)
		r.cut(c)
	}
	r.text(`}`)
}

func (r *renderer) list(key string, numbers []int64) {
	if len(numbers) == 0 {
		return
	}
	r.text(key + `[`)
	for i, n := range numbers {
		r.comma(i)
		r.open = strconv.AppendInt(r.open, n, 10)
	}
	r.text(`]`)
}

// appendPerms writes the perms member, with a comma before it.
func (c *Characteristic) appendPerms(b []byte) []byte {
	b = append(b, `,"perms":[`...)
	first := true
	for i, name := range [...]string{"pr", "pw", "ev", "aa", "tw", "hd", "wr"} {
		if c.Perms&(1<<i) == 0 {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		b, first = appendQuoted(b, name), false
	}
	return append(b, ']')
}

// appendMeta writes format, unit and limits, with a comma before each.
func (c *Characteristic) appendMeta(b []byte) []byte {
	b = appendQuoted(append(b, `,"format":`...), c.Format.String())
	if c.Unit != "" {
		b = appendQuoted(append(b, `,"unit":`...), c.Unit)
	}
	for _, limit := range [...]struct {
		key   string
		value Value
	}{{`,"minValue":`, c.Min}, {`,"maxValue":`, c.Max}, {`,"minStep":`, c.Step}} {
		if !limit.value.Null() {
			b = limit.value.appendJSON(append(b, limit.key...))
		}
	}
	if c.MaxLen > 0 && c.Format == FormatString {
		b = strconv.AppendInt(append(b, `,"maxLen":`...), int64(c.MaxLen), 10)
	}
	return b
}
