// Package gallery is a home that is made up: it behaves as a hub does, keeps nothing and has no
// devices. The app shows it with --demo, and every screen of it with --gallery; the pictures in the
// documents come from it too.
package gallery

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/app/link"
	"github.com/ingle-home/ingle/app/model"
	"github.com/ingle-home/ingle/hub/api/wire"
)

// What opens the made home.
const (
	Password     = "otter lantern violet harbour"
	ClaimCode    = "ABCDE-FGHJK"
	RecoveryCode = "0123-4567-89AB-CDEF-GHJK-MNPQ-RSTV"
)

// The things of the made home.
const (
	Porch   = "porch"
	Garden  = "garden"
	Watch   = "watch"
	Rocket  = "rocket"
	Privacy = "privacy"
	StopAll = "stop-all"
)

// House is the home. It is safe for concurrent use.
type House struct {
	now   func() time.Time
	dirty chan struct{}

	mu      sync.Mutex
	phase   link.Phase
	snap    wire.Snapshot
	clips   []wire.Clip
	rules   map[string]wire.ClipRule
	backups wire.BackupStatus
	apps    []wire.App
	page    wire.Page
	release model.Release
	archive archive
	found   []link.Found // hubs, on the way to one
	made    int
	frame   int
}

// New makes the family's home as it is at a time that now gives.
func New(now func() time.Time) *House {
	h := &House{now: now, dirty: make(chan struct{}, 1)}
	h.begin()
	return h
}

// begin puts everything to where it was.
func (h *House) begin() {
	now := h.now()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.phase, h.snap, h.clips = link.Open, family(now), films(now)
	h.archive = newArchive(now)
	h.rules = map[string]wire.ClipRule{Porch: {On: true, Days: 7}}
	h.backups = wire.BackupStatus{Schedule: wire.BackupSchedule{Every: wire.BackupWeek, Folder: "/media/backup", Keep: 7},
		Last: &wire.Backup{Path: "/media/backup/ingle-2026-11-22.ingle-backup", Made: now.Add(-70 * time.Hour), Size: 212_000_000}}
	h.apps = []wire.App{{ID: "a1", Name: "Kitchen laptop", Platform: "linux", Role: wire.RoleOwner, This: true}, {ID: "a2", Name: "Noor's phone", Platform: "android", Role: wire.RoleGuardian, Seen: now.Add(-3 * time.Hour)}}
	h.release = model.Release{Newest: "0.1.1", Signed: "signed", Security: true, Looked: now.Add(-5 * time.Hour),
		Notes: []string{"Cameras come back sooner after a power cut.", "A hole in the reading of camera answers is closed."}}
}

// State is the home as the screens take it.
func (h *House) State() link.State {
	h.mu.Lock()
	defer h.mu.Unlock()
	return link.State{Phase: h.phase, Home: h.snap.Clone()}
}

// Run lets the morning pass, then tells of each change until ctx ends.
func (h *House) Run(ctx context.Context, changed func(link.State)) {
	h.Day(func() { changed(h.State()) })
	for {
		select {
		case <-h.dirty:
			changed(h.State())
		case <-ctx.Done():
			return
		}
	}
}

// Publish makes something happen.
func (h *House) Publish(c wire.Change) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.apply(c)
}

// Report has a thing report.
func (h *House) Report(id string, r trait.Reading) {
	h.Publish(wire.Change{Value: &wire.Reported{Accessory: id, Value: wire.ValueOf(r)}})
}

func (h *House) apply(c wire.Change) {
	h.snap.Apply(c)
	h.Check()
}

// Check has the state told again.
func (h *House) Check() {
	select {
	case h.dirty <- struct{}{}:
	default:
	}
}

// Turn puts the home into another phase.
func (h *House) Turn(p link.Phase) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.phase = p
	h.Check()
}

// Setup claims it.
func (h *House) Setup(_ context.Context, password, _ string) (wire.SetupAnswer, error) {
	if len(password) < 15 {
		return wire.SetupAnswer{}, wire.Refuse(http.StatusUnprocessableEntity, "password.too_short", "min", "15")
	}
	h.Turn(link.Open)
	return wire.SetupAnswer{RecoveryCode: RecoveryCode, Protection: wire.ProtectionTPM, HomeKit: h.State().Home.Status.HomeKit}, nil
}

// Unlock opens it.
func (h *House) Unlock(_ context.Context, password string) error {
	if err := proven(password); err != nil {
		return err
	}
	h.Turn(link.Open)
	return nil
}

func proven(password string) error {
	if password != Password && password != RecoveryCode {
		return wire.Refuse(http.StatusUnauthorized, wire.CodePassword)
	}
	return nil
}

// Pair takes the code of its twin elsewhere.
func (h *House) Pair(_ context.Context, _, code string) error {
	if code != ClaimCode {
		return wire.Refuse(http.StatusForbidden, wire.CodeClaimCode, "left", "9")
	}
	h.Turn(link.Open)
	return nil
}

// Do sets a trait, and what depends on it: Stop everything brings the toy to rest.
func (h *House) Do(_ context.Context, id string, d wire.Do) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	i := slices.IndexFunc(h.snap.Accessories, func(a wire.Accessory) bool { return a.ID == id })
	if i < 0 {
		return wire.Refuse(http.StatusNotFound, wire.CodeUnknown, "id", id)
	}
	v, offered := h.snap.Accessories[i].Value(d.Trait)
	t, known := trait.Lookup(d.Trait)
	if !offered || !known || !v.Settable {
		return wire.Refuse(http.StatusUnprocessableEntity, wire.CodeTrait, "trait", d.Trait)
	}
	if h.on(StopAll, trait.StopAll) && d.Trait == trait.Speed.ID() && string(d.Value) != "0" {
		return wire.Refuse(http.StatusConflict, wire.CodeStopped)
	}
	r, err := t.Reading(append(json.RawMessage{}, d.Value...), h.now())
	if err != nil {
		return wire.Refuse(http.StatusUnprocessableEntity, wire.CodeInvalid)
	}
	h.apply(wire.Change{Value: &wire.Reported{Accessory: id, Value: wire.ValueOf(r)}})
	if h.on(StopAll, trait.StopAll) {
		h.apply(wire.Change{Value: &wire.Reported{Accessory: Rocket, Value: wire.ValueOf(trait.Speed.Of(0, h.now()))}})
	}
	return nil
}

func (h *House) on(id string, t trait.Trait[bool]) bool {
	for _, a := range h.snap.Accessories {
		if v, ok := a.Value(t.ID()); ok && a.ID == id {
			on, _ := wire.Read(v, t)
			return on
		}
	}
	return false
}

// Add adds a thing that offers nothing.
func (h *House) Add(_ context.Context, r wire.AddRequest) (wire.Accessory, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	a := wire.Accessory{ID: h.id("new"), Name: r.Name, Driver: r.Driver, Kind: "camera", Room: r.Room, Condition: wire.Condition{State: "opening"}}
	h.apply(wire.Change{Accessory: &a})
	return a, nil
}

// Remove takes a thing away.
func (h *House) Remove(_ context.Context, id string) error {
	h.Publish(wire.Change{Removed: id})
	return nil
}

// AddPerson adds one to the family.
func (h *House) AddPerson(_ context.Context, p wire.Person) (wire.Person, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p.ID = h.id("person")
	h.apply(wire.Change{Person: &p})
	return p, nil
}

// AddZone adds a place.
func (h *House) AddZone(_ context.Context, z wire.Zone) (wire.Zone, error) {
	if z.Lat < -90 || z.Lat > 90 || z.Lon < -180 || z.Lon > 180 || z.Radius < 20 || z.Radius > 50_000 {
		return z, wire.Refuse(http.StatusUnprocessableEntity, "home.position")
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	z.ID = h.id("zone")
	h.apply(wire.Change{Zone: &z})
	return z, nil
}

func (h *House) id(of string) string {
	h.made++
	return of + "-" + strconv.Itoa(h.made)
}
