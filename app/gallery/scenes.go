package gallery

import (
	"slices"
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/app/link"
	"github.com/ingle-home/ingle/app/model"
	"github.com/ingle-home/ingle/app/screen"
	"github.com/ingle-home/ingle/hub/api/wire"
)

// Scene is one screen of the app with what makes it worth a look.
type Scene struct {
	Name string
	set  func(h *House, s *screen.Screen)
}

// Scenes are all screens.
func Scenes() []Scene {
	to := func(p model.Place, id string) func(*House, *screen.Screen) {
		return func(h *House, s *screen.Screen) {
			s.Show(h.State())
			s.Go(model.Route{Place: p, ID: id})
		}
	}
	phase := func(p link.Phase) func(*House, *screen.Screen) {
		return func(h *House, s *screen.Screen) {
			h.Turn(p)
			s.Show(link.State{Phase: p})
		}
	}
	return slices.Concat([]Scene{
		{"home", to(model.AtHome, "")},
		{"home-care", care(model.AtHome)},
		{"devices", to(model.AtDevices, "")},
		{"device-toy", to(model.AtDevice, Rocket)},
		{"device-watch", to(model.AtDevice, Watch)},
		{"device-camera", to(model.AtDevice, Porch)},
		{"cameras", to(model.AtCameras, "")},
		{"camera", to(model.AtCamera, Porch)},
		{"people", to(model.AtPeople, "")},
		{"privacy", to(model.AtPrivacy, "")},
		{"kept", to(model.AtKept, "")},
		{"forget", to(model.AtForget, "person:mia")},
		{"receipts", to(model.AtReceipts, "")},
		{"receipt", to(model.AtReceipt, "r-device")},
		{"rules", to(model.AtRules, "")},
		{"labels", to(model.AtLabels, "")},
		{"label", to(model.AtLabel, Porch)},
		{"label-hub", to(model.AtLabel, wire.HubLabel)},
		{"looks", to(model.AtLooks, "")},
		{"security", to(model.AtSecurity, "")},
		{"updates", to(model.AtUpdates, "")},
		{"settings", to(model.AtSettings, "")},
		{"health", care(model.AtHealth)},
		{"health-well", to(model.AtHealth, "")},
		{"pairing", to(model.AtPairing, "")},
		{"more", to(model.AtMore, "")},
		{"searching", phase(link.Searching)},
		{"lost", func(h *House, s *screen.Screen) {
			h.Turn(link.NoHub)
			s.Show(link.State{Phase: link.NoHub, Known: true})
		}},
		{"locked", phase(link.Locked)},
	}, outset())
}

// Show lets the morning pass and shows the scene; whatever was done to the home is undone.
func (c Scene) Show(h *House, s *screen.Screen) {
	h.begin()
	h.Day(func() { s.Show(h.State()) })
	c.set(h, s)
	seen := map[string]link.Picture{}
	for _, id := range []string{Porch, Garden} {
		seen[id] = link.Picture{Image: Scenery(id, 640, 360, 60), At: h.now()}
	}
	s.Pictures(seen)
}

// care is a home where somebody calls for help and four things are wrong.
func care(p model.Place) func(*House, *screen.Screen) {
	return func(h *House, s *screen.Screen) {
		at := h.now().Add(-6 * time.Minute)
		list := []wire.Trouble{
			{Code: "motor-rest-unknown", Subject: Rocket, Severity: "alarm", Since: at},
			{Code: "camera-unsafe", Subject: Garden, Severity: "warning", Since: at},
			{Code: "backup-old", Severity: "warning", Since: at, Args: map[string]string{"date": "01.11.2026"}},
			{Code: "recovery-unseen", Severity: "notice", Since: at},
		}
		h.Publish(wire.Change{Troubles: &list})
		h.Publish(wire.Change{Condition: &wire.Standing{Accessory: Rocket, Condition: wire.Condition{State: "waiting", Code: "accessory-unreachable", Since: &at}}})
		h.Report(Watch, trait.Battery.Of(9, at))
		h.Report(Watch, trait.SOS.Of(true, at))
		h.Report(Watch, trait.Emergency.Of(true, at))
		s.Show(h.State())
		s.Go(model.Route{Place: p})
	}
}
