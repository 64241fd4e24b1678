package hap

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/ingle-home/ingle/hub/hap/internal/message"
	"github.com/ingle-home/ingle/hub/hap/internal/pairing"
)

const (
	typeJSON = "application/hap+json"
	typeTLV  = "application/pairing+tlv8"
	typeJPEG = "image/jpeg"
)

// bridgeAID is the accessory that a whole server stands for.
const bridgeAID = 1

// route answers one request and uses it up. An error ends the connection.
func (s *session) route(r message.Request) error {
	switch path := string(r.Path); path {
	case "/pair-verify":
		return s.pairVerify(r)
	case "/pairings":
		return s.pairings(r)
	case "/pair-setup", "/identify", "/accessories", "/characteristics", "/prepare", "/resource":
		err := s.plain(path, r)
		s.conn.Discard(r.Size)
		return err
	}
	s.conn.Discard(r.Size)
	return s.status(404, StatusNotFound)
}

// plain answers requests after which the connection is what it was.
func (s *session) plain(path string, r message.Request) error {
	switch {
	case path == "/pair-setup":
		return s.pairSetup(r)
	case path == "/identify":
		return s.identify(r)
	case s.peer == nil:
		return s.status(470, StatusNoPrivileges)
	case r.Is("GET", "/accessories"):
		return s.accessories()
	case r.Is("GET", "/characteristics"):
		return s.readCharacteristics(r.Query)
	case r.Is("PUT", "/characteristics"):
		return s.writeCharacteristics(r.Body)
	case r.Is("PUT", "/prepare"):
		return s.prepare(r.Body)
	case r.Is("POST", "/resource"):
		return s.resource(r.Body)
	}
	return s.status(400, StatusInvalidValue)
}

func (s *session) pairSetup(r message.Request) error {
	if s.peer != nil || string(r.Method) != "POST" {
		return s.status(400, StatusInvalidValue)
	}
	a := s.setup.Answer(s.ctx, r.Body)
	if s.setup.Running() {
		s.stake.Store(settingUp)
	} else {
		s.stake.Store(asking)
	}
	switch a.Event {
	case pairing.WrongCode:
		s.server.tell(NoticeWrongCode, s.remote)
	case pairing.Added:
		s.server.tell(NoticePaired, s.remote)
	}
	err := s.answer(a.Status, typeTLV, a.Body)
	if a.Event == pairing.Added {
		s.paired(err == nil)
	}
	return err
}

// paired follows the answer to the last message of a pair-setup. If it did not
// leave, the server can be paired again.
func (s *session) paired(left bool) {
	s.server.expel(nil) // one that never knew of its pairing may have been replaced
	err := s.setup.Told(s.ctx, left)
	if err != nil {
		s.server.log.Warn("hap: the controller's pairing is not noted as known to it", "error", err)
	}
	if err != nil || !left {
		s.server.announce()
	}
}

// pairVerify ends in an encrypted connection: M4 goes out in the clear, and what
// follows M3 is already ciphertext.
func (s *session) pairVerify(r message.Request) error {
	if s.peer != nil || string(r.Method) != "POST" {
		s.conn.Discard(r.Size)
		return s.status(400, StatusInvalidValue)
	}
	a, verified := s.verify.Answer(r.Body)
	s.conn.Discard(r.Size)
	if verified != nil {
		if err := pairing.Confirm(s.ctx, store{s.server}, verified.Peer); err != nil {
			s.server.log.Warn("hap: the controller's pairing is not noted as known to it", "error", err)
		}
	}
	if err := s.answer(a.Status, typeTLV, a.Body); err != nil || verified == nil {
		return err
	}
	return s.secure(verified)
}

// pairings answers before it closes the sessions of controllers that are paired
// no more: one that removes itself wants to know that it worked. One that does
// not take the answer keeps nobody else in.
func (s *session) pairings(r message.Request) error {
	defer s.conn.Discard(r.Size)
	switch {
	case s.peer == nil:
		return s.status(470, StatusNoPrivileges)
	case string(r.Method) != "POST":
		return s.status(400, StatusInvalidValue)
	}
	const soon = 500 * time.Millisecond
	asker := pairing.Peer{ID: s.peer.Controller, Key: s.peer.key}
	a := pairing.Change(s.ctx, store{s.server}, asker, r.Body)
	switch a.Event {
	case pairing.Added:
		s.server.tell(NoticePaired, s.remote)
	case pairing.Removed:
		s.server.tell(NoticeUnpaired, s.remote)
		late := time.AfterFunc(soon, func() { s.server.expel(s) })
		defer s.server.expel(s)
		defer late.Stop()
	}
	return s.answer(a.Status, typeTLV, a.Body)
}

// identify makes the accessory show itself to whoever is about to pair it.
func (s *session) identify(r message.Request) error {
	switch {
	case string(r.Method) != "POST":
		return s.status(400, StatusInvalidValue)
	case s.server.Paired():
		return s.status(400, StatusNoPrivileges)
	}
	if c := s.server.database.Load().identify; c != nil && c.OnWrite != nil {
		ctx, cancel := context.WithTimeout(s.ctx, s.server.limits.DeviceWrite)
		defer cancel()
		stranger := &Peer{Number: s.number, Local: s.local, Remote: s.remote, done: s.ctx.Done()}
		_, err := await(ctx, s, bridgeAID, func() (Value, error) { return c.OnWrite(ctx, stranger, Bool(true)) })
		if err != nil {
			return s.status(400, statusOf(err))
		}
	}
	return s.answer(204, "", nil)
}

func (s *session) resource(body []byte) error {
	want, ok := message.ParseSnapshot(body)
	switch {
	case !ok:
		return s.status(400, StatusInvalidValue)
	case s.server.options.Snapshot == nil:
		return s.status(404, StatusNotFound)
	}
	ctx, cancel := context.WithTimeout(s.ctx, s.server.limits.Snapshot)
	defer cancel()
	picture, err := await(ctx, s, want.AID, func() ([]byte, error) {
		return s.server.options.Snapshot(ctx, Picture{want.AID, want.Width, want.Height, Reason(want.Reason), s.peer.Controller})
	})
	switch status := statusOf(err); status {
	case StatusOK:
		return s.answer(200, typeJPEG, picture)
	case StatusNotFound:
		return s.status(404, status)
	default:
		return s.status(207, status)
	}
}

// status answers with nothing but a status.
func (s *session) status(code int, status Status) error {
	s.body = append(s.body[:0], `{"status":`...)
	s.body = strconv.AppendInt(s.body, int64(status), 10)
	s.body = append(s.body, '}')
	return s.answer(code, typeJSON, s.body)
}

// answer writes one answer as one piece, and lets events pass again.
func (s *session) answer(code int, contentType string, body []byte) error {
	s.head = appendHead(s.head[:0], code, contentType, len(body))
	s.writing.Lock()
	defer s.writing.Unlock()
	err := s.conn.Write(s.head, body)
	s.open = false
	switch {
	case err != nil || !s.held:
		return err
	case time.Since(s.heldSince) >= s.server.limits.Window:
		// Now, and not when the emitter has a turn: the next request may be here
		// before that, as it is from a controller that never pauses.
		_, _, err = s.flush(true)
		return err
	}
	select {
	case s.answered <- struct{}{}:
	default:
	}
	return nil
}

func appendHead(b []byte, code int, contentType string, length int) []byte {
	b = append(b, "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(code), 10)
	b = append(b, ' ')
	b = append(b, reason(code)...)
	if code != 204 {
		b = append(b, "\r\nContent-Type: "...)
		b = append(b, contentType...)
		b = append(b, "\r\nContent-Length: "...)
		b = strconv.AppendInt(b, int64(length), 10)
	}
	return append(b, "\r\n\r\n"...)
}

func reason(code int) string {
	switch code {
	case 200:
		return "OK"
	case 204:
		return "No Content"
	case 207:
		return "Multi-Status"
	case 404:
		return "Not Found"
	case 413:
		return "Content Too Large"
	case 422:
		return "Unprocessable Content"
	case 503:
		return "Service Unavailable"
	case 470:
		return "Connection Authorization Required"
	}
	return "Bad Request"
}

// Status is HAP's answer for one characteristic. It is an error, so that
// OnWrite and OnRead can return it; StatusOK is never returned as an error.
type Status int

// The statuses of HAP (HomeKit Accessory Protocol, table 6-11).
const (
	StatusOK              Status = 0
	StatusNoPrivileges    Status = -70401 // not paired, or not an admin
	StatusUnreachable     Status = -70402 // the device does not answer
	StatusBusy            Status = -70403
	StatusReadOnly        Status = -70404
	StatusWriteOnly       Status = -70405
	StatusNoEvents        Status = -70406
	StatusOutOfResources  Status = -70407
	StatusTimeout         Status = -70408
	StatusNotFound        Status = -70409
	StatusInvalidValue    Status = -70410
	StatusNoAuthorization Status = -70411 // wrong or missing authData
	StatusNotAllowed      Status = -70412 // not in the present state: the camera is off
)

// Error says the status as a number with its meaning.
func (s Status) Error() string {
	text := map[Status]string{
		StatusOK: "success", StatusNoPrivileges: "insufficient privileges", StatusUnreachable: "device unreachable",
		StatusBusy: "busy", StatusReadOnly: "read-only", StatusWriteOnly: "write-only", StatusNoEvents: "no notifications",
		StatusOutOfResources: "out of resources", StatusTimeout: "timed out", StatusNotFound: "no such resource",
		StatusInvalidValue: "invalid value", StatusNoAuthorization: "insufficient authorization",
		StatusNotAllowed: "not allowed in the present state",
	}[s]
	return "hap: status " + strconv.Itoa(int(s)) + " " + text
}

// statusOf maps what a device said to what a controller hears.
func statusOf(err error) Status {
	var s Status
	switch {
	case err == nil:
		return StatusOK
	case errors.As(err, &s) && s <= StatusNoPrivileges && s >= StatusNotAllowed:
		return s
	case errors.Is(err, context.DeadlineExceeded):
		return StatusTimeout
	}
	return StatusUnreachable
}
