package gallery

import (
	"context"
	"net/http"
	"time"

	"github.com/ingle-home/ingle/app/link"
	"github.com/ingle-home/ingle/app/screen"
	"github.com/ingle-home/ingle/hub/api/wire"
)

// Search finds what the scene wants to be found.
func (h *House) Search(_ context.Context, found func([]link.Found)) {
	h.mu.Lock()
	list := h.found
	h.mu.Unlock()
	if len(list) > 0 {
		found(list)
	}
}

// PairHere takes anybody.
func (h *House) PairHere(context.Context) error {
	h.Turn(link.Unclaimed)
	return nil
}

// Unpair leaves nothing: there is no hub.
func (h *House) Unpair(context.Context) error {
	h.Turn(link.NoHub)
	return nil
}

// Suggest always offers the same: nobody lives here.
func (h *House) Suggest(context.Context, string) (wire.Passphrase, error) {
	return wire.Passphrase{Passphrase: "otter-lantern-violet-harbour-pickle", Bits: 64.6}, nil
}

// Judge counts: 15 characters will do, and a sequence will not.
func (h *House) Judge(_ context.Context, password string) (wire.Verdict, error) {
	switch n := len([]rune(password)); {
	case password == "12345678901234567890":
		return wire.Verdict{Percent: 20, Code: "password.sequence"}, nil
	case n < 15:
		return wire.Verdict{Percent: 100 * n / 15, Code: "password.too_short", Args: map[string]string{"min": "15"}}, nil
	default:
		return wire.Verdict{Percent: 100 + 2*n}, nil
	}
}

// Find sees a camera that asks for its password, and a lamp that asks nothing.
func (h *House) Find(context.Context, time.Duration) ([]wire.Found, error) {
	return []wire.Found{
		{Driver: "onvif", Name: "Drive", Address: "192.168.1.31", Ask: []wire.Question{{Key: "user"}, {Key: "password", Secret: true}, {Key: "doorbell", Optional: true}}},
		{Driver: "lwp3", Name: "Train", Address: "90:84:2B:00:00:01"},
	}, nil
}

// outset are the scenes of a household that sets out.
func outset() []Scene {
	hubs := []link.Found{{Here: true, State: wire.Unclaimed}, {Address: "192.168.1.20:8443", State: wire.Unclaimed}, {Address: "192.168.1.35:8443", State: wire.Claimed}}
	find := func(list []link.Found, then func(s *screen.Screen)) func(*House, *screen.Screen) {
		return func(h *House, s *screen.Screen) {
			h.mu.Lock()
			h.found = list
			h.mu.Unlock()
			h.Turn(link.NoHub)
			s.Show(link.State{Phase: link.NoHub})
			if then != nil {
				then(s)
			}
		}
	}
	choose := func(then func(s *screen.Screen)) func(*House, *screen.Screen) {
		return func(h *House, s *screen.Screen) {
			h.Turn(link.Unclaimed)
			s.Show(link.State{Phase: link.Unclaimed, Known: true})
			then(s)
		}
	}
	return []Scene{
		{"onboard-finding", find(nil, nil)},
		{"onboard-found", find(hubs, nil)},
		{"onboard-code-wrong", find(hubs[1:], func(s *screen.Screen) { s.Guide().Prove("AB12C-DE34F") })},
		{"onboard-password", choose(func(*screen.Screen) {})},
		{"onboard-password-weak", choose(func(s *screen.Screen) { s.Guide().Type("12345678901234567890") })},
		{"onboard-password-good", choose(func(s *screen.Screen) { s.Guide().Type("a kettle sings at four in the morning") })},
		{"onboard-recovery", choose(func(s *screen.Screen) { s.Guide().Next() })},
		{"onboard-home", choose(func(s *screen.Screen) {
			s.Guide().Next()
			s.Guide().Next()
		})},
		{"home-lost", func(h *House, s *screen.Screen) {
			now := h.State()
			now.Lost = true
			s.Show(now)
		}},
		{"locked-shut", func(h *House, s *screen.Screen) {
			h.Turn(link.Locked)
			s.Show(link.State{Phase: link.Locked, Known: true, Shut: wire.Refuse(http.StatusInternalServerError, "hub.damaged")})
		}},
	}
}
