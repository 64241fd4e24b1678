// Package apitest is a hub in memory: it behaves as a hub does, stores nothing and has no devices. It
// is for tests of those who call the API and for looking at the app without a house.
package apitest

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/api/server"
	"github.com/ingle-home/ingle/hub/api/wire"
)

// The family's hub as New makes it.
const (
	Password     = "correct horse battery staple"
	RecoveryCode = "ABCDE-FGHJK-MNPQR-STVWX"
	SetupURI     = "X-HM://0023ISYWYINGL"
	Camera       = "cam-porch"
	Watch        = "watch-mia"
	AtHome       = "mia-at-home"
	Toy          = "toy-rocket"
)

// Home is the hub. It is safe for concurrent use.
type Home struct {
	Feed *server.Feed

	mu       sync.Mutex
	password string
	made     int
	done     []Order
	snap     wire.Snapshot
	frame    int
	backups  wire.BackupStatus
	apps     []wire.App
	clips    *clips
	labels   *labels
	paired   func(pin string) (hub, api string)
	past     []wire.Reported
	tokens   []wire.Token
	page     wire.Page
	seenTo   bool // somebody has seen to the alert
	privacy  privacy
}

// Order is a command that reached an accessory.
type Order struct {
	Accessory string
	wire.Do
}

// New gives a hub in the given state with the family's things in it.
func New(state wire.State) *Home {
	h := &Home{Feed: server.NewFeed(), password: Password}
	h.clips = newClips(h)
	h.privacy.home = h
	h.labels = &labels{h, map[string]time.Time{}}
	if state == wire.Unclaimed {
		h.password = ""
	}
	h.snap = wire.Snapshot{
		Status:      wire.Status{Ready: true, State: state, Version: "0.1", HomeKit: []wire.HomeKit{bridge()}},
		Accessories: things(time.Now()),
		People:      []wire.Person{{ID: "mia", Name: "Mia", Role: "member"}, {ID: "sam", Name: "Sam", Role: "owner"}},
		Zones:       []wire.Zone{{ID: "home", Name: "Home", Lat: 52.52, Lon: 13.405, Radius: 100}},
		Troubles:    []wire.Trouble{},
	}
	return h
}

func things(now time.Time) []wire.Accessory {
	open := wire.Condition{State: "open"}
	return []wire.Accessory{
		{ID: Camera, Name: "Porch", Driver: "rtsp", Kind: "camera", Room: "Outside", Condition: open,
			Traits: []wire.Value{wire.ValueOf(trait.Live.Of(true, now)), wire.ValueOf(trait.Motion.Of(false, now))}},
		{ID: Watch, Name: "Mia's watch", Driver: "setracker", Kind: "watch", Person: "mia", Condition: open,
			Traits: []wire.Value{wire.ValueOf(trait.Battery.Of(71, now)), settable(trait.Find.Of(false, now)),
				wire.ValueOf(trait.Where.Of(trait.Place{Lat: 52.52, Lon: 13.405, Accuracy: 20, Fixed: true}, now)),
				settable(trait.Emergency.Of(false, now))}},
		{ID: AtHome, Name: "Mia at Home", Kind: "presence", Person: "mia", Zone: "home", Condition: open,
			Traits: []wire.Value{wire.ValueOf(trait.Occupied.Of(true, now))}},
		{ID: Toy, Name: "Rocket", Driver: "buttplug", Kind: "toy", Room: "Children", Condition: open,
			Traits: []wire.Value{settable(trait.Speed.Of(0, now))}},
		{ID: "privacy", Name: "Privacy", Kind: "switch", Condition: open, Traits: []wire.Value{settable(trait.Privacy.Of(false, now))}},
		{ID: "stop-all", Name: "Stop everything", Kind: "switch", Condition: open, Traits: []wire.Value{settable(trait.StopAll.Of(false, now))}},
	}
}

func settable(r trait.Reading) wire.Value {
	v := wire.ValueOf(r)
	v.Settable = true
	return v
}

// Publish makes something happen: the state and all streams change.
func (h *Home) Publish(c wire.Change) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.apply(c)
}

// Report has an accessory report.
func (h *Home) Report(id string, r trait.Reading) {
	h.Publish(wire.Change{Value: &wire.Reported{Accessory: id, Value: wire.ValueOf(r)}})
}

// Orders lists the commands that reached an accessory.
func (h *Home) Orders() []Order {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.done)
}

func (h *Home) apply(c wire.Change) {
	if c.Value != nil && len(h.past) < wire.MaxPoints {
		h.past = append(h.past, *c.Value)
	}
	h.snap.Apply(c)
	h.Feed.Publish(c)
}

// Status is the hub's state.
func (h *Home) Status(context.Context) wire.Status {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.snap.Status
}

// Setup takes any password of at least 15 characters.
func (h *Home) Setup(_ context.Context, r wire.SetupRequest) (wire.SetupAnswer, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(r.Password) < 15 {
		return wire.SetupAnswer{}, wire.Refuse(http.StatusUnprocessableEntity, "password.too_short", "min", "15")
	}
	h.password = r.Password
	h.snap.Status.State = wire.Open
	h.snap.Status.Protection, h.snap.Status.Language = wire.ProtectionSameDisk, r.Language
	if r.StartLocked {
		h.snap.Status.Protection = wire.ProtectionManual
	}
	return wire.SetupAnswer{RecoveryCode: RecoveryCode, Protection: h.snap.Status.Protection, HomeKit: h.snap.Status.HomeKit}, nil
}

// Unlock compares the password.
func (h *Home) Unlock(_ context.Context, r wire.UnlockRequest) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if r.Password != h.password {
		return wire.Refuse(http.StatusUnauthorized, wire.CodePassword)
	}
	h.snap.Status.State = wire.Open
	return nil
}

// Snapshot is the whole state.
func (h *Home) Snapshot(context.Context) (wire.Snapshot, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.snap.Clone(), nil
}

// Accessories lists the things.
func (h *Home) Accessories(ctx context.Context) ([]wire.Accessory, error) {
	s, err := h.Snapshot(ctx)
	return s.Accessories, err
}

// Add adds a thing that offers nothing.
func (h *Home) Add(_ context.Context, r wire.AddRequest) (wire.Accessory, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, a := range h.snap.Accessories {
		if a.Name == r.Name {
			return wire.Accessory{}, wire.Refuse(http.StatusConflict, wire.CodeName, "name", r.Name)
		}
	}
	a := wire.Accessory{ID: h.id("new"), Name: r.Name, Driver: r.Driver, Kind: "camera", Room: r.Room, Condition: wire.Condition{State: "opening"}}
	h.apply(wire.Change{Accessory: &a})
	return a, nil
}

// Remove takes a thing away.
func (h *Home) Remove(_ context.Context, id string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, ok := h.find(id); !ok {
		return wire.Refuse(http.StatusNotFound, wire.CodeUnknown, "id", id)
	}
	h.apply(wire.Change{Removed: id})
	return nil
}

// Change takes over what is new of a thing.
func (h *Home) Change(_ context.Context, id string, r wire.ChangeRequest) (wire.Accessory, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	a, ok := h.find(id)
	if !ok {
		return wire.Accessory{}, wire.Refuse(http.StatusNotFound, wire.CodeUnknown, "id", id)
	}
	a.Name, a.Room = cmp.Or(r.Name, a.Name), cmp.Or(r.Room, a.Room)
	h.apply(wire.Change{Accessory: &a})
	return a, nil
}

// Place notes which HomeKit server shows a thing; only toys are private.
func (h *Home) Place(_ context.Context, id string, p wire.Placement) (wire.Accessory, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	a, ok := h.find(id)
	switch {
	case !ok:
		return wire.Accessory{}, wire.Refuse(http.StatusNotFound, wire.CodeUnknown, "id", id)
	case p.Private && a.Kind != "toy":
		return wire.Accessory{}, wire.Refuse(http.StatusUnprocessableEntity, wire.CodePublic)
	}
	a.Alone, a.Private = p.Alone, p.Private
	h.apply(wire.Change{Accessory: &a})
	return a, nil
}

// Do sets a settable trait and reports it.
func (h *Home) Do(_ context.Context, id string, d wire.Do) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	a, ok := h.find(id)
	if !ok {
		return wire.Refuse(http.StatusNotFound, wire.CodeUnknown, "id", id)
	}
	v, offered := a.Value(d.Trait)
	t, known := trait.Lookup(d.Trait)
	if !offered || !known || !v.Settable {
		return wire.Refuse(http.StatusUnprocessableEntity, wire.CodeTrait, "trait", d.Trait)
	}
	r, err := t.Reading(d.Value, time.Now())
	if err != nil {
		return wire.Refuse(http.StatusUnprocessableEntity, wire.CodeInvalid)
	}
	h.done = append(h.done, Order{id, wire.Do{Trait: d.Trait, Value: append(json.RawMessage{}, d.Value...)}})
	h.apply(wire.Change{Value: &wire.Reported{Accessory: id, Value: wire.ValueOf(r)}})
	return nil
}

// History knows what was published since the hub was made, of what has a value at all.
func (h *Home) History(_ context.Context, id, of string, from, to time.Time, points int) (wire.History, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, ok := h.find(id); !ok {
		return wire.History{}, wire.Refuse(http.StatusNotFound, wire.CodeUnknown, "id", id)
	}
	past := wire.History{Accessory: id, Trait: of, From: from, To: to}
	for _, r := range h.past {
		if r.Accessory == id && r.Trait == of && r.At != nil && !r.At.Before(from) && r.At.Before(to) {
			past.Points = append(past.Points, wire.Point{At: *r.At, Value: r.Value.Value, Count: 1})
		}
	}
	return past.Join(points), nil
}

// People lists the family.
func (h *Home) People(ctx context.Context) ([]wire.Person, error) {
	s, err := h.Snapshot(ctx)
	return s.People, err
}

// AddPerson adds one to the family.
func (h *Home) AddPerson(_ context.Context, p wire.Person) (wire.Person, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p.ID = h.id("person")
	h.apply(wire.Change{Person: &p})
	return p, nil
}

// Zones lists the places.
func (h *Home) Zones(ctx context.Context) ([]wire.Zone, error) {
	s, err := h.Snapshot(ctx)
	return s.Zones, err
}

// AddZone adds a place.
func (h *Home) AddZone(_ context.Context, z wire.Zone) (wire.Zone, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	z.ID = h.id("zone")
	h.apply(wire.Change{Zone: &z})
	return z, nil
}

// Troubles lists what is wrong.
func (h *Home) Troubles(ctx context.Context) ([]wire.Trouble, error) {
	s, err := h.Snapshot(ctx)
	return s.Troubles, err
}

func (h *Home) find(id string) (wire.Accessory, bool) {
	for _, a := range h.snap.Accessories {
		if a.ID == id {
			return a, true
		}
	}
	return wire.Accessory{}, false
}

func (h *Home) id(of string) string {
	h.made++
	return of + "-" + strconv.Itoa(h.made)
}

// Proof implements server.Hub.
func (h *Home) Proof() server.Proof { return proof{h} }

// proof is what the family's hub can prove: that Noor looked at the porch, and that an app is new.
type proof struct{ *Home }

func (p proof) Looks(_ context.Context, q wire.LedgerQuery, caller server.Access, _ string) ([]wire.Viewing, error) {
	end := wire.Viewing{ID: 1, Begin: began(), End: moment(), Times: 3, Act: "still", Via: "app", Who: "Noor", Role: wire.RoleGuardian, Thing: "Porch", Device: Camera}
	if caller < server.Guardian || q.Device != "" && q.Device != Camera && q.Device != "Porch" {
		return nil, nil
	}
	return []wire.Viewing{end}, nil
}

func (p proof) VerifyLooks(context.Context) (wire.ChainCheck, error) {
	return wire.ChainCheck{Whole: true, Entries: 1, First: 1, Last: 1, Since: began(), Flaws: []wire.Flaw{}}, nil
}

func (p proof) Security(context.Context) (wire.Security, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	alert := wire.SecurityAlert{ID: "alert-1", Rule: "new-app", Severity: "warning", First: began(), Last: began(), Times: 1}
	if p.seenTo {
		alert.Acknowledged = moment()
	}
	return wire.Security{
		Events: []wire.SecurityEvent{{ID: 1, At: began(), Times: 1, Kind: "new-app", Severity: "warning"}},
		Alerts: []wire.SecurityAlert{alert},
	}, nil
}

func (p proof) VerifySecurity(ctx context.Context) (wire.ChainCheck, error) {
	return p.VerifyLooks(ctx)
}

func (p proof) Acknowledge(_ context.Context, id string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if id != "alert-1" {
		return wire.Refuse(http.StatusNotFound, wire.CodeUnknown, "id", id)
	}
	p.seenTo = true
	return nil
}

// began is when all of that was.
func began() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

func moment() *time.Time { return new(began()) }
