package datastream

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"

	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/hap/datastream/opack"
)

// backlog is how many messages of a controller may wait for their protocol.
const backlog = 16

var errFlooded = errors.New("datastream: the controller sends faster than it is heard")

// Stream is one connection with a controller that has said hello. It is safe for concurrent use.
type Stream struct {
	transport *Transport
	peer      *hap.Peer
	conn      *conn
	ctx       context.Context // ends with the connection
	end       context.CancelFunc
	inbox     chan message // events and requests, in their order

	mu    sync.Mutex
	last  int64 // number of our latest request
	asked map[int64]chan message
}

// Peer is the controller, as its HAP session knows it.
func (s *Stream) Peer() *hap.Peer { return s.peer }

// Done is closed when the stream has ended.
func (s *Stream) Done() <-chan struct{} { return s.ctx.Done() }

// Close ends the stream, and returns without waiting for that.
func (s *Stream) Close() { s.end() }

// Event sends what needs no answer. The message is a dictionary; null is an empty one. It waits while
// the controller takes nothing, for 10 s at most, after which the stream is over.
func (s *Stream) Event(protocol, topic string, message opack.Value) error {
	return s.send(event, protocol, topic, 0, message)
}

// Request asks the controller, and waits for its answer until ctx ends or for 10 s. A Status in the
// error is the controller's; its message comes along.
func (s *Stream) Request(ctx context.Context, protocol, topic string, message opack.Value) (opack.Value, error) {
	ctx, cancel := context.WithTimeout(ctx, s.transport.limits.Answer)
	defer cancel()
	id, answer := s.ask()
	defer s.forget(id)
	if err := s.send(request, protocol, topic, id, message); err != nil {
		return opack.Value{}, err
	}
	select {
	case m := <-answer:
		if m.status != StatusOK {
			return m.body, m.status
		}
		return m.body, nil
	case <-s.ctx.Done():
		return opack.Value{}, fmt.Errorf("datastream: request: %w", net.ErrClosed)
	case <-ctx.Done():
		return opack.Value{}, fmt.Errorf("datastream: request: %w", ctx.Err())
	}
}

func (s *Stream) send(k kind, protocol, topic string, id int64, body opack.Value) error {
	return s.conn.write(message{kind: k, protocol: protocol, topic: topic, id: id, body: body})
}

func (s *Stream) ask() (int64, <-chan message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	answer := make(chan message, 1)
	s.asked[s.last] = answer
	return s.last, answer
}

func (s *Stream) forget(id int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.asked, id)
}

// settle brings an answer to who waits for it; nobody waits for one that comes late.
func (s *Stream) settle(m message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if answer, waiting := s.asked[m.id]; waiting {
		delete(s.asked, m.id)
		answer <- m
	}
}

// stream serves a controller from its hello to the end of the connection.
func (t *Transport) stream(ctx context.Context, end context.CancelFunc, c *conn, k *ticket, hello message) error {
	c.begin(k)
	defer c.forget()
	s := &Stream{
		transport: t, peer: k.peer, conn: c, ctx: ctx, end: end,
		inbox: make(chan message, backlog), asked: map[int64]chan message{},
	}
	t.enter(s)
	defer t.leave(s)
	var tasks sync.WaitGroup
	defer tasks.Wait()
	defer end()
	tasks.Go(s.follow)
	tasks.Go(s.serve)
	if err := s.answer(hello, StatusOK, opack.Value{}); err != nil {
		return err
	}
	for {
		if err := s.receive(); err != nil {
			return err
		}
	}
}

func (t *Transport) enter(s *Stream) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.streams[s] = struct{}{}
}

func (t *Transport) leave(s *Stream) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.streams, s)
}

// follow ends the stream with the HAP session that it belongs to.
func (s *Stream) follow() {
	select {
	case <-s.peer.Done():
		s.end()
	case <-s.ctx.Done():
	}
}

// receive takes the next message. What is no message of its kind is refused or passed over; what has
// no header ends the stream.
func (s *Stream) receive() error {
	m, err := s.conn.read()
	switch {
	case errors.Is(err, errBody) && m.kind == request:
		return s.answer(m, StatusPayload, opack.Value{})
	case errors.Is(err, errBody) && m.kind == response:
		m.status = StatusPayload
	case errors.Is(err, errBody):
		s.transport.log.Debug("datastream: an event is passed over", "topic", m.topic, "error", err)
		return nil
	case err != nil:
		return err
	}
	if m.kind == response {
		s.settle(m)
		return nil
	}
	select {
	case s.inbox <- m:
		return nil
	default:
		return errFlooded
	}
}

// serve gives messages to their protocols, one after another.
func (s *Stream) serve() {
	for {
		select {
		case m := <-s.inbox:
			if err := s.hear(m); err != nil {
				s.transport.log.Debug("datastream: an answer is lost", "topic", m.topic, "error", err)
			}
		case <-s.ctx.Done():
			return
		}
	}
}

func (s *Stream) hear(m message) error {
	protocol, known := s.transport.options.Protocols[m.protocol]
	switch {
	case m.kind == event && known:
		protocol.Event(s.ctx, s, m.topic, m.body)
		return nil
	case m.kind == event:
		return nil
	case m.hello(): // once more
		return s.answer(m, StatusOK, opack.Value{})
	case !known:
		return s.answer(m, StatusMissingProtocol, opack.Value{})
	}
	body, err := protocol.Request(s.ctx, s, m.topic, m.body)
	if err = s.answer(m, statusOf(err), body); errors.Is(err, ErrTooLarge) {
		return s.answer(m, StatusOutOfMemory, opack.Value{})
	}
	return err
}

// statusOf maps what a protocol said to what a controller hears.
func statusOf(err error) Status {
	var s Status
	switch {
	case err == nil:
		return StatusOK
	case errors.As(err, &s) && s != StatusOK:
		return s
	case errors.Is(err, context.DeadlineExceeded):
		return StatusTimeout
	}
	return StatusProtocol
}

func (s *Stream) answer(to message, status Status, body opack.Value) error {
	return s.conn.write(message{kind: response, protocol: to.protocol, topic: to.topic, id: to.id, status: status, body: body})
}
