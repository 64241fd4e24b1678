// Package setracker speaks the protocol of children's watches of the SeTracker family (3G, SG, CS
// and ZJ dialects). The watch calls the hub: all sessions share the door "watch".
package setracker

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
)

// unusedLimit ends a session that nobody runs: it would keep the door open for ever.
const unusedLimit = time.Minute

// Driver opens watches; see New.
type Driver struct {
	mu   sync.Mutex // never held while something is waited for
	door *door
}

// New makes the driver. Its door is open while a session is.
func New() *Driver { return &Driver{} }

// About describes the driver. No model has been tried yet, so none is named.
func (*Driver) About() device.About {
	return device.About{ID: "setracker", Kinds: []device.Kind{device.Watch}}
}

// Discover cannot be: a watch calls the hub, and its ID proves nothing.
func (*Driver) Discover(context.Context, device.Net, func(device.Candidate)) error {
	return fmt.Errorf("setracker: discovery: %w", device.ErrUnsupported)
}

// Open expects the watch whose ID (10 or 15 digits) is the address. It succeeds once the door is
// open, whether or not the watch has called. A session that is not run within a minute ends by
// itself.
func (d *Driver) Open(ctx context.Context, c device.Config) (device.Session, error) {
	if !validID(c.Address) {
		return nil, fmt.Errorf("setracker: an ID has 10 or 15 digits: %w", device.ErrRefused)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.door == nil || d.door.broken() {
		ln, err := c.Net.Listen(ctx, "watch")
		if err != nil {
			return nil, fmt.Errorf("setracker: listen: %w", err)
		}
		d.door = openDoor(ln, c.Log)
	}
	s := newSession(d, c)
	if !d.door.expect(s) {
		return nil, fmt.Errorf("setracker: this watch is open already: %w", device.ErrRefused)
	}
	s.unused = time.AfterFunc(unusedLimit, s.close)
	return s, nil
}

// leave ends a session's use of the door; the last one closes it and waits for its connections.
func (d *Driver) leave(s *Session) {
	d.mu.Lock()
	last := s.door.forget(s)
	if last && d.door == s.door {
		d.door = nil
	}
	d.mu.Unlock()
	if last {
		s.door.wait()
	}
}

func validID(id string) bool {
	for _, c := range id {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(id) == 10 || len(id) == 15
}
