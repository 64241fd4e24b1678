package message

import "encoding/base64"

// Write is one entry of PUT /characteristics.
type Write struct {
	ID
	Value    Scalar
	Event    Scalar // subscribe or not
	AuthData []byte
	Response bool // the controller wants a value back
}

// Writes is the body of PUT /characteristics.
type Writes struct {
	Entries []Write
	Timed   bool
	PID     uint64 // of the PUT /prepare before it, if Timed
}

// maxWrites bounds one request; a server has 150 accessories, and no scene has
// been seen to write more than one value per accessory at a time.
const maxWrites = 4096

// ParseWrites reads a body into w, reusing its memory; false means that it is
// malformed or empty.
func ParseWrites(body []byte, w *Writes) bool {
	*w = Writes{Entries: w.Entries[:0]}
	s := &scanner{rest: body}
	s.members(func(key []byte) {
		switch string(key) {
		case "characteristics":
			w.Entries = w.Entries[:0] // named twice, the last one counts, as for every member
			s.elements(func() { w.add(s) })
		case "pid":
			var ok bool
			if w.PID, ok = s.scalar().Uint64(); !ok {
				s.fail()
			}
			w.Timed = true
		default:
			s.scalar()
		}
	})
	return s.end() && len(w.Entries) > 0
}

func (w *Writes) add(s *scanner) {
	if len(w.Entries) == maxWrites {
		s.fail()
		return
	}
	var e Write
	var hasAID, hasIID bool
	s.members(func(key []byte) {
		v := s.scalar()
		switch string(key) {
		case "aid":
			e.AID, hasAID = v.Uint64()
		case "iid":
			e.IID, hasIID = v.Uint64()
		case "value":
			e.Value = v
		case "ev":
			e.Event = v
		case "authData":
			e.AuthData, _ = base64.StdEncoding.AppendDecode(nil, v.Text)
		case "r":
			e.Response, _ = v.Truth()
		}
	})
	if !hasAID || !hasIID {
		s.fail()
	}
	w.Entries = append(w.Entries, e)
}

// Prepare is the body of PUT /prepare.
type Prepare struct {
	TTL uint64 // milliseconds
	PID uint64
}

// ParsePrepare reads a body; both members are needed.
func ParsePrepare(body []byte) (p Prepare, ok bool) {
	s := &scanner{rest: body}
	var hasTTL, hasPID bool
	s.members(func(key []byte) {
		switch v := s.scalar(); string(key) {
		case "ttl":
			p.TTL, hasTTL = v.Uint64()
		case "pid":
			p.PID, hasPID = v.Uint64()
		}
	})
	return p, s.end() && hasTTL && hasPID
}

// Snapshot is the body of POST /resource.
type Snapshot struct {
	AID           uint64 // 0 where the controller names none
	Width, Height int    // pixels
	Reason        uint8  // 1 periodic, 2 an event; 0 where the controller names none
}

// ParseSnapshot reads a body; it asks for an image of sensible size.
func ParseSnapshot(body []byte) (p Snapshot, ok bool) {
	s := &scanner{rest: body}
	image := false
	s.members(func(key []byte) {
		switch v := s.scalar(); string(key) {
		case "aid":
			p.AID, _ = v.Uint64()
		case "image-width":
			p.Width = size(v)
		case "image-height":
			p.Height = size(v)
		case "resource-type":
			image = string(v.Text) == "image"
		case "reason":
			if n, ok := v.Uint64(); ok && n <= 1 {
				p.Reason = uint8(n) + 1
			}
		}
	})
	return p, s.end() && image && p.Width > 0 && p.Height > 0
}

func size(v Scalar) int {
	const largest = 16384
	if n, ok := v.Uint64(); ok && n <= largest {
		return int(n)
	}
	return 0
}
