package servers

import (
	"context"
	"errors"
	"strings"

	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/homekit"
)

// ErrUnknown says that there is no such server.
var ErrUnknown = errors.New("servers: no such server")

// Kind says what a server is for.
type Kind string

// The kinds of server.
const (
	Bridge Kind = "bridge"
	Camera Kind = "camera" // of one accessory alone
)

// Status is what the owner is shown of a server. Setup holds its secret code.
type Status struct {
	Key      string
	Name     string
	Kind     Kind
	Port     int
	DeviceID string
	Setup    hap.Setup
	Paired   bool
}

// Status describes every server, the main bridge first.
func (s *Servers) Status() []Status {
	var list []Status
	for _, r := range s.all() {
		list = append(list, r.status())
	}
	return list
}

func (r *running) status() Status {
	kind := Camera
	if strings.HasPrefix(r.spec.Key, homekit.MainServer) {
		kind = Bridge
	}
	return Status{Key: r.spec.Key, Name: r.spec.Name, Kind: kind, Port: r.port,
		DeviceID: r.server.DeviceID(), Setup: r.server.Setup(), Paired: r.server.Paired()}
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

// Forgive allows pairing again after too many wrong setup codes, on every server.
func (s *Servers) Forgive(ctx context.Context) error {
	var all error
	for _, r := range s.all() {
		all = errors.Join(all, r.server.ResetTries(ctx))
	}
	return all
}
