package apitest

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/ingle-home/ingle/hub/api/wire"
)

// What NewCode sets, and what the private server has from its first arming on.
const (
	NewSetupCode = "703-18-254"
	NewSetupURI  = "X-HM://0024MSQ0EINGL"
	PrivateCode  = "643-36-218"
	PrivateURI   = "X-HM://0024J8I8QPXHF"
)

// bridge is the HomeKit server that every hub has.
func bridge() wire.HomeKit {
	return wire.HomeKit{ID: "bridge", Name: "Ingle", Kind: "bridge", Port: 51826, DeviceID: "AA:BB:CC:DD:EE:01",
		SetupCode: "482-61-937", SetupURI: SetupURI}
}

// Bridge has the hub serve HomeKit from more servers, or others in the place of those with the same IDs.
func (h *Home) Bridge(list ...wire.HomeKit) {
	h.mu.Lock()
	defer h.mu.Unlock()
	servers := slices.Clone(h.snap.Status.HomeKit)
	for _, s := range list {
		if i := find(servers, s.ID); i >= 0 {
			servers[i] = s
			continue
		}
		servers = append(servers, s)
	}
	h.serve(servers)
}

// HomeKit lists the servers.
func (h *Home) HomeKit(ctx context.Context) ([]wire.HomeKit, error) {
	return h.Status(ctx).HomeKit, nil
}

// NewCode sets NewSetupCode.
func (h *Home) NewCode(_ context.Context, id string) (wire.HomeKit, error) {
	return h.alter(id, func(s *wire.HomeKit) error {
		if s.SetupCode == "" {
			return wire.Refuse(http.StatusNotFound, wire.CodeNoServer, "name", id)
		}
		s.SetupCode, s.SetupURI = NewSetupCode, NewSetupURI
		return nil
	})
}

// Unpair forgets all controllers.
func (h *Home) Unpair(_ context.Context, id string) error {
	_, err := h.alter(id, func(s *wire.HomeKit) error {
		s.Paired, s.Controllers = false, 0
		return nil
	})
	return err
}

// Arm takes private servers only.
func (h *Home) Arm(_ context.Context, id string, d time.Duration) (wire.HomeKit, error) {
	until := time.Now().Add(d).UTC()
	return h.alter(id, func(s *wire.HomeKit) error { return arm(s, &until) })
}

// Disarm takes private servers only.
func (h *Home) Disarm(_ context.Context, id string) error {
	_, err := h.alter(id, func(s *wire.HomeKit) error { return arm(s, nil) })
	return err
}

func arm(s *wire.HomeKit, until *time.Time) error {
	if s.Kind != "private" {
		return wire.Refuse(http.StatusConflict, wire.CodeNotPrivate, "name", s.Name)
	}
	s.ArmedUntil = until
	if until != nil && s.SetupCode == "" {
		s.Port, s.DeviceID, s.SetupCode, s.SetupURI = 40002, "AA:BB:CC:DD:EE:03", PrivateCode, PrivateURI
	}
	return nil
}

func (h *Home) alter(id string, change func(*wire.HomeKit) error) (wire.HomeKit, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	servers := slices.Clone(h.snap.Status.HomeKit)
	i := find(servers, id)
	if i < 0 {
		return wire.HomeKit{}, wire.Refuse(http.StatusNotFound, wire.CodeNoServer, "name", id)
	}
	if err := change(&servers[i]); err != nil {
		return wire.HomeKit{}, err
	}
	h.serve(servers)
	return servers[i], nil
}

// serve puts servers in the place of the old ones, which others may still read.
func (h *Home) serve(servers []wire.HomeKit) {
	status := h.snap.Status
	status.HomeKit = servers
	h.apply(wire.Change{Status: &status})
}

func find(servers []wire.HomeKit, id string) int {
	return slices.IndexFunc(servers, func(s wire.HomeKit) bool { return s.ID == id })
}
