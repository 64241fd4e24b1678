// Package setracker speaks the protocol of children's watches of the SeTracker family (3G, SG, CS
// and ZJ dialects). The watch calls the hub: all sessions share the door "watch".
package setracker

import (
	"context"
	"fmt"
	"sync"

	"github.com/ingle-home/ingle/accessories/device"
)

// Driver opens watches; see New.
type Driver struct {
	mu   sync.Mutex
	door *door
}

// New makes the driver. Its door is open while a session is.
func New() *Driver { return &Driver{} }

// About describes the driver. No model has been tried yet, so none is named.
func (*Driver) About() device.About {
	return device.About{ID: "setracker", Kinds: []device.Kind{device.Watch}}
}

// Discover cannot be: a watch calls the hub, and its ID proves nothing.
func (*Driver) Discover(context.Context, func(device.Candidate)) error {
	return fmt.Errorf("setracker: discovery: %w", device.ErrUnsupported)
}

// Open expects the watch whose ID (10 or 15 digits) is the address. It succeeds once the door is
// open, whether or not the watch has called.
func (d *Driver) Open(ctx context.Context, c device.Config) (device.Session, error) {
	if !validID(c.Address) {
		return nil, fmt.Errorf("setracker: an ID has 10 or 15 digits: %w", device.ErrRefused)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.door == nil {
		ln, err := c.Net.Listen(ctx, "watch")
		if err != nil {
			return nil, fmt.Errorf("setracker: listen: %w", err)
		}
		d.door = openDoor(ln, c.Log, c.Now)
	}
	s := &Session{driver: d, door: d.door, id: c.Address, log: c.Log, now: c.Now, seen: map[[32]byte]bool{}}
	if !d.door.expect(s) {
		return nil, fmt.Errorf("setracker: this watch is open already: %w", device.ErrRefused)
	}
	return s, nil
}

// leave ends a session's use of the door; the last one closes it.
func (d *Driver) leave(s *Session) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if s.door.forget(s) && d.door == s.door {
		d.door = nil
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
