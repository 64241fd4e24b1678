package datastream

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"time"
)

// door listens on one address of ours, the one that a HAP session reached, while a ticket for it is
// good: a port that nobody is expected at is closed.
type door struct {
	at       netip.Addr
	listener net.Listener
}

func (d *door) port() uint16 { return uint16(d.listener.Addr().(*net.TCPAddr).Port) }

// doorFor opens a door, or gives the one that is open. Callers hold mu.
func (t *Transport) doorFor(at netip.Addr) (*door, error) {
	if d, open := t.doors[at]; open {
		return d, nil
	}
	if !at.IsValid() {
		return nil, errors.New("datastream: the session has no local address")
	}
	config := net.ListenConfig{KeepAlive: -1} // as HAP's own: keepalives wake phones
	l, err := config.Listen(t.running, "tcp", netip.AddrPortFrom(at, 0).String())
	if err != nil {
		return nil, err
	}
	d := &door{at, l}
	t.doors[at] = d
	ctx := t.running
	t.work.Go(func() { t.open(ctx, d) })
	return d, nil
}

// closeUnused closes a door that no ticket is left for. Callers hold mu.
func (t *Transport) closeUnused(d *door) {
	if !slices.ContainsFunc(t.waiting, func(k *ticket) bool { return k.door == d }) {
		d.listener.Close()
		delete(t.doors, d.at)
	}
}

func (t *Transport) closeDoors() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, d := range t.doors {
		d.listener.Close()
	}
}

// open lets connections in until the door is closed.
func (t *Transport) open(ctx context.Context, d *door) {
	for {
		socket, err := d.listener.Accept()
		switch {
		case err == nil:
			t.admit(socket)
			t.work.Go(func() { t.attend(ctx, d, socket) })
		case errors.Is(err, net.ErrClosed):
			return
		default: // out of files: the next may work
			t.log.Warn("datastream: accept", "error", err)
			pause(ctx, 100*time.Millisecond)
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	<-ctx.Done()
}

// admit makes room for a stranger: strangers must not keep controllers out.
func (t *Transport) admit(socket net.Conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.strangers = append(t.strangers, socket)
	if len(t.strangers) > t.limits.Strangers {
		t.strangers[0].Close()
		t.strangers = slices.Delete(t.strangers, 0, 1)
	}
}

// known takes a connection from among the strangers.
func (t *Transport) known(socket net.Conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.strangers = slices.DeleteFunc(t.strangers, func(s net.Conn) bool { return s == socket })
}

// attend serves a connection to its end, if it is one that was expected.
func (t *Transport) attend(ctx context.Context, d *door, socket net.Conn) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	context.AfterFunc(ctx, func() { socket.Close() }) // wakes a blocked reader or writer
	c := newConn(socket, t.limits.Frame)
	k, hello, err := t.identify(c, d)
	t.known(socket)
	if err == nil {
		err = t.stream(ctx, cancel, c, k, hello)
	}
	t.log.Debug("datastream: connection ends", "remote", socket.RemoteAddr(), "error", err)
}

var errStranger = errors.New("datastream: the first frame is nobody's hello")

// maxHello bounds the first frame, in bytes: it is kept before anyone has proved anything.
const maxHello = 4 << 10

// identify finds the ticket whose keys open the first frame of a connection, which must be hello.
func (t *Transport) identify(c *conn, d *door) (*ticket, message, error) {
	if err := c.next(time.Now().Add(t.limits.Connect), maxHello); err != nil {
		return nil, message{}, err
	}
	for _, k := range t.expected(d) {
		payload, ok := c.try(k.open)
		if !ok {
			continue
		}
		hello, err := parseMessage(payload)
		if good := t.take(k); !good || err != nil || !hello.hello() {
			return nil, message{}, errors.Join(errStranger, err)
		}
		return k, hello, nil
	}
	return nil, message{}, errStranger
}

// expected are the good tickets for a door.
func (t *Transport) expected(d *door) []*ticket {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(t.waiting), func(k *ticket) bool { return k.door != d })
}
