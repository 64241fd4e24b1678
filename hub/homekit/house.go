// Package homekit shows the home as HomeKit accessories: it turns traits into characteristics and
// writes into commands. A House knows which accessories each HAP server publishes, keeps their
// numbers for ever, and carries what the bus reports to them. It is cleared for household facts
// only, so a coordinate or a heart rate cannot reach it.
//
// The picture of a camera is not its concern: a Camera brings its own services.
package homekit

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/bus"
	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/home"
)

// The keys of servers, next to those that are the ID of the one accessory that they hold.
const (
	MainServer    = "bridge"  // holds everything without a server of its own; "bridge-2" what has no room there
	PrivateServer = "private" // what is private
)

// Options are what a House is built from. Bus, Do and IDs are needed.
type Options struct {
	Name  string // of the bridge; "Ingle" when empty
	Words Words  // the home's language; English when empty
	Bus   *bus.Bus

	// Do carries a command to an accessory, derived ones (home.PrivacySwitch) included, and
	// returns when it is done. A hap.Status in its error goes to the controller as it is; an
	// error that is a timeout becomes hap.StatusTimeout, any other hap.StatusUnreachable.
	Do func(ctx context.Context, accessory string, cmd trait.Command) error

	// Camera makes the HomeKit side of a camera, once for as long as it is shown and reached at
	// the same address; see Renew. Speaks says whether the unit has a loudspeaker. After an error or a
	// panic, or where it is nil, the accessory is shown without pictures, so that it keeps its room, and
	// the next Show tries again.
	Camera func(a home.Accessory, speaks bool) (Camera, error)

	// Snapped hears that a controller was given a picture of a camera. It must answer at once. Nil: nobody.
	Snapped func(accessory, controller string)

	IDs    IDs
	Faults Faults       // may be nil
	Log    *slog.Logger // nil means silence; IDs are logged, names never
}

// Faults is where people are told what is wrong with an accessory, by its ID. It answers at once and
// calls nobody back.
type Faults interface {
	Raise(code, subject string, args map[string]string)
	Clear(code, subject string)
}

// unheard is where faults go that nobody wants to know.
type unheard struct{}

func (unheard) Raise(string, string, map[string]string) {}
func (unheard) Clear(string, string)                    {}

// Camera is what makes an accessory a camera.
type Camera struct {
	// Services are complete but for their IIDs, which the House gives; the order is kept.
	Services []*hap.Service
	// Snapshot gives a JPEG of about that size in pixels.
	Snapshot func(ctx context.Context, width, height int) ([]byte, error)
	// Close ends its streams when the camera is no longer shown; may be nil.
	Close func()
}

// Offer is what a unit said about itself when it was last open. The House remembers it, so that a
// restart shows a thing as it was before the thing answers.
type Offer struct {
	Maker    string   `json:"maker,omitempty"`
	Model    string   `json:"model,omitempty"`
	Firmware string   `json:"firmware,omitempty"`
	Steps    int      `json:"steps,omitempty"`  // of trait.Speed between rest and full; 0 is continuous
	Speaks   bool     `json:"speaks,omitempty"` // it has a loudspeaker
	Traits   []string `json:"traits,omitempty"` // IDs of the traits that it offers
}

// Server is what one hap.Server shall publish.
type Server struct {
	Key         string // MainServer, "bridge-2", PrivateServer, or the ID of the accessory that has this server for itself
	Name        string // for hap.Options
	Model       string // for hap.Options
	Category    uint8  // for hap.Options: 2 bridge, 17 camera, …
	Accessories []*hap.Accessory

	ids map[uint64]string
}

// ID is the accessory that this server shows under a HomeKit number; "" where there is none.
func (s Server) ID(aid uint64) string { return s.ids[aid] }

// Spare reports a bridge that holds nothing but itself.
func (s Server) Spare() bool {
	const bridges = 2
	return s.Key != MainServer && s.Category == bridges && len(s.Accessories) == 1
}

// House is safe for concurrent use.
type House struct {
	options Options
	log     *slog.Logger
	rang    chan *hap.Characteristic // bells that have rung, to be shown as off again

	showing sync.Mutex // one Show at a time
	cameras map[string]installed
	dark    map[string]bool // cameras without pictures, of which people were told

	saving   sync.Mutex
	register Register

	mu      sync.Mutex // never held across a call to the outside
	shown   map[string]*thing
	owners  map[string]string          // accessory → person
	misfits map[string]map[string]bool // accessory → types whose newest reading did not fit
	armed   bool                       // what is private shows what it is and obeys
	facts   map[fact]trait.Reading
	asked   map[string]time.Time // when an accessory that was asked which one it is last left a line in the log
}

// fact names one state of one accessory.
type fact struct {
	accessory string
	trait     trait.Any
}

// Open loads the numbers of a house.
func Open(ctx context.Context, o Options) (*House, error) {
	register, err := o.IDs.Load(ctx)
	if err != nil {
		return nil, fmt.Errorf("homekit: numbers: %w", err)
	}
	o.Name, o.Words = cmp.Or(o.Name, "Ingle"), cmp.Or(o.Words, english())
	log := o.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	if o.Faults == nil {
		o.Faults = unheard{}
	}
	return &House{
		options: o, log: log, rang: make(chan *hap.Characteristic, maxBells), cameras: map[string]installed{}, dark: map[string]bool{},
		register: register.clone(), shown: map[string]*thing{}, misfits: map[string]map[string]bool{}, facts: map[fact]trait.Reading{},
		asked: map[string]time.Time{},
	}, nil
}

// Speak gives the hub's own words anew; the next Show says them.
func (h *House) Speak(w Words) {
	h.showing.Lock()
	defer h.showing.Unlock()
	h.options.Words = cmp.Or(w, english())
}

// Show brings what is published in step with the home and gives every server with all its
// accessories, the main one first. Accessories that did not change stay the same pointers. Offers
// are by accessory ID; a missing one means what was last known. New numbers are saved before they
// are shown: an error leaves everything as it was.
func (h *House) Show(ctx context.Context, contents home.Contents, offers map[string]Offer) ([]Server, error) {
	h.showing.Lock()
	defer h.showing.Unlock()
	var things []*thing
	err := h.record(ctx, func(r *Register) {
		r.remember(contents, offers)
		for _, p := range plans(h.options, contents, r) {
			things = append(things, h.thing(p, r))
		}
	})
	if err != nil {
		return nil, err
	}
	h.replace(contents, things)
	h.removeCameras(contents)
	return servers(things), nil
}

// Snapshot is the picture of a camera on the server with this key. Errors: hap.StatusNotFound,
// hap.StatusNotAllowed where the household wants no such pictures, or the camera's own.
func (h *House) Snapshot(ctx context.Context, server string, p hap.Picture) ([]byte, error) {
	h.mu.Lock()
	var found []*thing
	for _, t := range h.shown {
		if t.plan.server == server && t.snapshot != nil && (p.AID == 0 || t.accessory.AID == p.AID) {
			found = append(found, t)
		}
	}
	there := len(found) == 1 && h.reachable(found[0].plan.key)
	h.mu.Unlock()
	switch {
	case len(found) != 1:
		return nil, hap.StatusNotFound
	case !there:
		return nil, hap.StatusUnreachable
	}
	return found[0].snapshot(ctx, p)
}

// replace makes things the ones that hear from the bus.
func (h *House) replace(contents home.Contents, things []*thing) {
	h.mu.Lock()
	defer h.mu.Unlock()
	fresh := map[string]*thing{}
	for _, t := range things {
		fresh[t.plan.key] = t
	}
	was := h.shown
	h.shown, h.owners = fresh, map[string]string{}
	for _, a := range contents.Accessories {
		if a.Person != "" {
			h.owners[a.ID] = a.Person
		}
	}
	maps.DeleteFunc(h.facts, func(f fact, _ trait.Reading) bool {
		return was[f.accessory] != nil && fresh[f.accessory] == nil
	})
	for key := range h.misfits {
		if fresh[key] == nil {
			h.mended(key)
		}
	}
	for _, t := range things {
		if was[t.plan.key] != t {
			h.tell(t)
		}
	}
	for person := range h.people() {
		h.tellWearing(person)
	}
}

func servers(things []*thing) []Server {
	var all []Server
	for _, t := range things {
		i := slices.IndexFunc(all, func(s Server) bool { return s.Key == t.plan.server })
		if i < 0 {
			i = len(all)
			all = append(all, Server{Key: t.plan.server, Name: t.plan.name, Model: plain(t.plan.offer.Model, t.plan.model()), Category: t.plan.category(), ids: map[uint64]string{}})
		}
		all[i].Accessories = append(all[i].Accessories, t.accessory)
		all[i].ids[t.accessory.AID] = t.plan.key
	}
	return all
}
