package servers

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/homekit"
)

// ErrUnknown says that there is no such server.
var ErrUnknown = errors.New("servers: no such server")

// Kind says what a server is for.
type Kind string

// The kinds of server.
const (
	Bridge  Kind = "bridge"
	Camera  Kind = "camera"  // of one accessory alone
	Private Kind = "private" // works only while it is armed
)

// Status is what the owner is shown of a server. Setup holds its secret code. A private server that was
// never armed has only a Key, a Name and a Kind.
type Status struct {
	Key         string
	Name        string
	Kind        Kind
	Port        int
	DeviceID    string
	Setup       hap.Setup
	Paired      bool
	Controllers int       // that are paired
	ArmedUntil  time.Time // zero: it is locked, or not private
}

// Status describes every server, the main bridge first.
func (s *Servers) Status() []Status {
	var list []Status
	for _, r := range s.all() {
		list = append(list, s.describe(r))
	}
	if spec, ok := s.private(); ok && s.find(spec.Key) == nil {
		list = append(list, Status{Key: spec.Key, Name: spec.Name, Kind: Private})
	}
	return list
}

func (s *Servers) describe(r *running) Status {
	status := Status{Key: r.spec.Key, Name: r.spec.Name, Kind: kindOf(r.spec.Key), Port: r.port,
		DeviceID: r.server.DeviceID(), Setup: r.server.Setup(), Paired: r.server.Paired(), Controllers: r.server.Controllers()}
	if status.Kind == Private {
		status.ArmedUntil = s.armedUntil()
	}
	return status
}

// kindOf tells keys of bridges from IDs of accessories.
func kindOf(key string) Kind {
	switch {
	case key == homekit.PrivateServer:
		return Private
	case key == homekit.MainServer, strings.HasPrefix(key, homekit.MainServer+"-"):
		return Bridge
	}
	return Camera
}

// Find finds a server by its key, its device ID or, whatever the case, its name.
func (s *Servers) Find(which string) (Status, error) {
	for _, status := range s.Status() {
		if status.Key == which || strings.EqualFold(status.DeviceID, which) || strings.EqualFold(status.Name, which) {
			return status, nil
		}
	}
	return Status{}, ErrUnknown
}

// specs is what was last shown.
func (s *Servers) specs() []homekit.Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shown
}

// Forgive allows pairing again after too many wrong setup codes, on every server.
func (s *Servers) Forgive(ctx context.Context) error {
	var all error
	for _, r := range s.all() {
		all = errors.Join(all, r.server.ResetTries(ctx))
	}
	s.tellTries()
	return all
}
