package buttplug

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/ingle-home/ingle/accessories/device"
)

const (
	writeTime = 2 * time.Second
	quietTime = 5 * time.Second // how often a server without a ping timer is asked whether it lives
	minSilent = time.Second     // a server is not given up for less
	partTime  = 500 * time.Millisecond
)

// line is one WebSocket to a server. A reader and, after the handshake, a pinger run until it is
// closed; both are waited for by close.
type line struct {
	conn    *websocket.Conn
	raw     net.Conn // ends a read that nothing else would end
	roster  *roster
	version int
	done    chan struct{} // closed when the line is broken; then why says it
	wg      sync.WaitGroup

	mu      sync.Mutex
	why     error
	next    uint32
	waiting map[uint32]chan message
	heard   time.Time
}

func newLine(conn *websocket.Conn, raw net.Conn, version int) *line {
	l := &line{
		conn: conn, raw: raw, version: version, roster: newRoster(),
		done: make(chan struct{}), waiting: map[uint32]chan message{}, heard: time.Now(),
	}
	conn.SetReadLimit(maxFrame)
	l.wg.Go(l.read)
	return l
}

// fail breaks the line. The first reason stays.
func (l *line) fail(why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.why != nil {
		return
	}
	l.why = why
	close(l.done)
	_ = l.raw.Close()
}

func (l *line) reason() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.why
}

// close says goodbye, which makes servers stop what they drive, and waits for the goroutines. It
// takes no longer than partTime, whatever the server does.
func (l *line) close() {
	hangUp := time.AfterFunc(partTime, func() { _ = l.raw.Close() })
	_ = l.conn.Close(websocket.StatusNormalClosure, "")
	hangUp.Stop()
	l.fail(fmt.Errorf("buttplug: %w: closed", device.ErrUnreachable))
	l.wg.Wait()
}

func (l *line) read() {
	for {
		kind, frame, err := l.conn.Read(context.Background())
		if err != nil {
			l.fail(fmt.Errorf("buttplug: %w: line lost: %w", device.ErrUnreachable, err))
			return
		}
		list, err := decode(frame)
		if kind != websocket.MessageText || err != nil {
			l.fail(fmt.Errorf("buttplug: %w: the server speaks something else: %w", device.ErrUnsupported, errors.Join(err, errFrame)))
			return
		}
		for _, m := range list {
			l.take(m)
		}
	}
}

// take hands a message to whoever waits for it, or to the roster.
func (l *line) take(m message) {
	l.mu.Lock()
	l.heard = time.Now()
	waiter := l.waiting[m.id]
	delete(l.waiting, m.id)
	l.mu.Unlock()
	if e, err := as[errorReply](m); m.name == "Error" && err == nil && (m.id == 0 || e.ErrorCode == codePing) {
		l.fail(fmt.Errorf("buttplug: %w: the server gave up with error %d", device.ErrUnreachable, e.ErrorCode))
	}
	l.roster.hear(m, l.version)
	if waiter != nil {
		waiter <- m // has room for one
	}
}

// call is a frame that was written and is not answered yet.
type call struct {
	ids     []uint32
	replies []chan message
}

// post writes requests as one frame. The caller's context has no say: a WebSocket write that is cut
// short breaks the line.
func (l *line) post(list ...request) (call, error) {
	var c call
	l.mu.Lock()
	for _, r := range list {
		l.next++
		if l.next == 0 {
			l.next = 1
		}
		reply := make(chan message, 1)
		r.number(l.next)
		l.waiting[l.next] = reply
		c.ids, c.replies = append(c.ids, l.next), append(c.replies, reply)
	}
	l.mu.Unlock()
	frame, err := encode(list...)
	if err != nil {
		return c, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), writeTime)
	defer cancel()
	if err := l.conn.Write(ctx, websocket.MessageText, frame); err != nil {
		l.fail(fmt.Errorf("buttplug: %w: write: %w", device.ErrUnreachable, err))
		return c, l.reason()
	}
	return c, nil
}

// answers waits until every request of a call is answered and gives the last answer. A refusal by
// the server is an *errorReply.
func (l *line) answers(ctx context.Context, c call) (last message, err error) {
	defer l.forget(c)
	for _, reply := range c.replies {
		select {
		case last = <-reply:
		case <-ctx.Done():
			return last, fmt.Errorf("buttplug: %w: no answer: %w", device.ErrUnreachable, ctx.Err())
		case <-l.done:
			return last, l.reason()
		}
		if last.name == "Error" {
			e, bad := as[errorReply](last)
			err = errors.Join(err, bad, &e)
		}
	}
	return last, err
}

func (l *line) forget(c call) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range c.ids {
		delete(l.waiting, id)
	}
}

func (l *line) ask(ctx context.Context, list ...request) (message, error) {
	c, err := l.post(list...)
	if err != nil {
		l.forget(c)
		return message{}, err
	}
	return l.answers(ctx, c)
}

// Error gives the code only: servers put device names into the text.
func (e *errorReply) Error() string {
	return fmt.Sprintf("buttplug: the server answered error %d", e.ErrorCode)
}

// keepAlive pings at a third of the server's limit. A server without a limit answers Ping with an
// error that some peers do not survive, so it gets pings of the WebSocket instead.
func (l *line) keepAlive(limit time.Duration) {
	beat := quietTime
	if limit > 0 {
		beat = max(limit/3, time.Millisecond)
		l.wg.Go(func() { l.ping(limit) }) // the first is due within the limit: do not wait for a tick
	}
	l.wg.Go(func() {
		tick := time.NewTicker(beat)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				l.ping(limit)
			case <-l.done:
				return
			}
		}
	})
}

func (l *line) ping(limit time.Duration) {
	if limit <= 0 {
		ctx, cancel := context.WithTimeout(context.Background(), quietTime)
		defer cancel()
		if err := l.conn.Ping(ctx); err != nil {
			l.fail(fmt.Errorf("buttplug: %w: the server is silent: %w", device.ErrUnreachable, err))
		}
		return
	}
	l.mu.Lock()
	silent := time.Since(l.heard)
	l.mu.Unlock()
	if silent > max(limit, minSilent) {
		l.fail(fmt.Errorf("buttplug: %w: the server is silent for %v", device.ErrUnreachable, silent.Round(time.Millisecond)))
		return
	}
	// Nobody waits for the answer: a slow one must not delay the next ping.
	if c, err := l.post(&ping{}); err == nil {
		l.forget(c)
	}
}
