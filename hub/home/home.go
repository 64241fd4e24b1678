// Package home is the domain: who lives here, which rooms and zones there are, which accessories, and
// whose they are. It is one small aggregate, kept in memory, changed through its methods and stored
// through the Store port before a change becomes visible.
//
// IDs are random and say nothing: they appear in logs, where names must not.
package home

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/ingle-home/ingle/accessories/trait"
)

// What can be wrong with a change. Each is also the i18n code of its message.
var (
	ErrUnknown  = errors.New("home.unknown")   // no such person, zone or accessory
	ErrTaken    = errors.New("home.taken")     // another thing has that name
	ErrName     = errors.New("home.name")      // not a name that can be spoken
	ErrPublic   = errors.New("homekit.public") // only a toy can be private
	ErrPosition = errors.New("home.position")  // not a place on earth, or not a sensible radius
)

// Role says what a person may do in this home.
type Role string

// The roles, from the one that may do everything.
const (
	Owner    Role = "owner"
	Guardian Role = "guardian"
	Member   Role = "member"
	Guest    Role = "guest"
)

// Person is somebody of the household.
type Person struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Role Role   `json:"role"`
}

// Zone is a circle on earth with a name: degrees WGS84 and metres.
type Zone struct {
	ID     string  `json:"id"`
	Name   string  `json:"name"`
	Lat    float64 `json:"lat"`
	Lon    float64 `json:"lon"`
	Radius float64 `json:"radius"`
}

// Accessory is a thing that the household added.
type Accessory struct {
	ID      string            `json:"id"`
	Name    string            `json:"name"`
	Driver  string            `json:"driver"`
	Kind    string            `json:"kind"` // "camera", "watch", "toy"
	Address string            `json:"address"`
	Fields  map[string]string `json:"fields,omitempty"`
	Room    string            `json:"room,omitempty"`
	Person  string            `json:"person,omitempty"`  // whose it is, where it is one person's
	Alone   bool              `json:"alone,omitempty"`   // a HomeKit server of its own
	Private bool              `json:"private,omitempty"` // on the private HomeKit server, under a neutral name
}

// Store keeps the home. Each call is durable when it returns.
type Store interface {
	Load(ctx context.Context) (Contents, error)
	SavePerson(ctx context.Context, p Person) error
	SaveZone(ctx context.Context, z Zone) error
	// DropPerson destroys a person's key, and with it all that is kept under it.
	DropPerson(ctx context.Context, id string) error
	DropZone(ctx context.Context, id string) error
	// SaveAccessory keeps an accessory and, where secrets is not nil, the secrets of its fields.
	SaveAccessory(ctx context.Context, a Accessory, secrets map[string]string) error
	DropAccessory(ctx context.Context, id string) error
	Secrets(ctx context.Context, accessory string) (map[string]string, error)
}

// Contents is everything that a Store keeps, without secrets.
type Contents struct {
	People      []Person
	Zones       []Zone
	Accessories []Accessory
}

// Home is safe for concurrent use.
type Home struct {
	store Store
	mu    sync.Mutex
	has   Contents
}

// Open loads the home from its store.
func Open(ctx context.Context, store Store) (*Home, error) {
	has, err := store.Load(ctx)
	if err != nil {
		return nil, fmt.Errorf("home: load: %w", err)
	}
	return &Home{store: store, has: has}, nil
}

// Contents is a copy of what there is.
func (h *Home) Contents() Contents {
	h.mu.Lock()
	defer h.mu.Unlock()
	return Contents{slices.Clone(h.has.People), slices.Clone(h.has.Zones), slices.Clone(h.has.Accessories)}
}

// AddPerson adds somebody; ErrName or ErrTaken when the name will not do.
func (h *Home) AddPerson(ctx context.Context, name string, role Role) (Person, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	name, err := h.free(name)
	if err != nil {
		return Person{}, err
	}
	if !slices.Contains([]Role{Owner, Guardian, Member, Guest}, role) {
		return Person{}, fmt.Errorf("%w: role %q", ErrUnknown, role)
	}
	p := Person{ID: newID("p"), Name: name, Role: role}
	if err := h.store.SavePerson(ctx, p); err != nil {
		return Person{}, err
	}
	h.has.People = append(h.has.People, p)
	return p, nil
}

// AddZone adds a circle of radius metres around a point in degrees.
func (h *Home) AddZone(ctx context.Context, z Zone) (Zone, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	name, err := h.free(z.Name)
	if err != nil {
		return Zone{}, err
	}
	if !(z.Lat >= -90 && z.Lat <= 90 && z.Lon >= -180 && z.Lon <= 180 && z.Radius >= 20 && z.Radius <= 50_000) {
		return Zone{}, ErrPosition
	}
	z.ID, z.Name = newID("z"), name
	if err := h.store.SaveZone(ctx, z); err != nil {
		return Zone{}, err
	}
	h.has.Zones = append(h.has.Zones, z)
	return z, nil
}

// AddAccessory adds a thing with the secrets that its driver asked for. An empty name becomes the
// kind's; a taken one is told apart by a number.
func (h *Home) AddAccessory(ctx context.Context, a Accessory, secrets map[string]string) (Accessory, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if a.Person != "" && h.person(a.Person) == nil {
		return Accessory{}, fmt.Errorf("%w: person %s", ErrUnknown, a.Person)
	}
	name, err := h.speakable(a.Name)
	if err != nil {
		return Accessory{}, err
	}
	if a.Private && !MayBePrivate(a.Kind) {
		return Accessory{}, ErrPublic
	}
	a.ID, a.Name = newID("a"), h.unique(name)
	if secrets == nil {
		secrets = map[string]string{}
	}
	if err := h.store.SaveAccessory(ctx, a, secrets); err != nil {
		return Accessory{}, err
	}
	h.has.Accessories = append(h.has.Accessories, a)
	return a, nil
}

// MoveAccessory changes where an accessory is reached and, where secrets is not nil, its secrets; its
// identity stays.
func (h *Home) MoveAccessory(ctx context.Context, id, address string, secrets map[string]string) (Accessory, error) {
	return h.changeAccessory(ctx, id, secrets, func(a *Accessory) error {
		a.Address = address
		return nil
	})
}

// Changes are what ChangeAccessory changes; what is empty stays.
type Changes struct {
	Name, Room, Address string
	Fields, Secrets     map[string]string // those that change; an empty one goes
}

// ChangeAccessory gives an accessory another name, room, address or login; its identity stays. ErrTaken
// where something else has the name.
func (h *Home) ChangeAccessory(ctx context.Context, id string, to Changes) (Accessory, error) {
	var secrets map[string]string
	if len(to.Secrets) > 0 {
		all, err := h.store.Secrets(ctx, id)
		if err != nil {
			return Accessory{}, err
		}
		secrets = merged(all, to.Secrets)
	}
	return h.changeAccessory(ctx, id, secrets, func(a *Accessory) error {
		if to.Name != "" {
			name, err := h.speakable(to.Name)
			if err != nil {
				return err
			}
			if !strings.EqualFold(name, a.Name) && h.taken(name) {
				return ErrTaken
			}
			a.Name = name
		}
		a.Room, a.Address = cmp.Or(to.Room, a.Room), cmp.Or(to.Address, a.Address)
		if len(to.Fields) > 0 {
			a.Fields = merged(a.Fields, to.Fields)
		}
		return nil
	})
}

// RekeyAccessory changes some of an accessory's fields and secrets; those that are not named stay, and an
// empty one goes. When it returns they are kept.
func (h *Home) RekeyAccessory(ctx context.Context, id string, fields, secrets map[string]string) (Accessory, error) {
	all, err := h.store.Secrets(ctx, id)
	if err != nil {
		return Accessory{}, err
	}
	return h.changeAccessory(ctx, id, merged(all, secrets), func(a *Accessory) error {
		a.Fields = merged(a.Fields, fields)
		return nil
	})
}

// merged is a copy with some values changed; an empty one goes.
func merged(old, changed map[string]string) map[string]string {
	all := map[string]string{}
	maps.Copy(all, old)
	for key, v := range changed {
		all[key] = v
		if v == "" {
			delete(all, key)
		}
	}
	return all
}

// MayBePrivate says whether things of a kind can be private: of a camera or a watch a household must know.
func MayBePrivate(kind string) bool { return kind == "toy" }

// PlaceAccessory says which HomeKit server shows an accessory; ErrPublic where it cannot be private.
func (h *Home) PlaceAccessory(ctx context.Context, id string, alone, private bool) (Accessory, error) {
	return h.changeAccessory(ctx, id, nil, func(a *Accessory) error {
		if private && !MayBePrivate(a.Kind) {
			return ErrPublic
		}
		a.Alone, a.Private = alone, private
		return nil
	})
}

// changeAccessory makes a change visible once it is kept.
func (h *Home) changeAccessory(ctx context.Context, id string, secrets map[string]string, change func(*Accessory) error) (Accessory, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	i := slices.IndexFunc(h.has.Accessories, func(a Accessory) bool { return a.ID == id })
	if i < 0 {
		return Accessory{}, fmt.Errorf("%w: %s", ErrUnknown, id)
	}
	a := h.has.Accessories[i]
	if err := change(&a); err != nil {
		return Accessory{}, err
	}
	if err := h.store.SaveAccessory(ctx, a, secrets); err != nil {
		return Accessory{}, err
	}
	h.has.Accessories[i] = a
	return a, nil
}

// RemoveAccessory takes a thing away, by ID.
func (h *Home) RemoveAccessory(ctx context.Context, id string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	i := slices.IndexFunc(h.has.Accessories, func(a Accessory) bool { return a.ID == id })
	if i < 0 {
		return fmt.Errorf("%w: %s", ErrUnknown, id)
	}
	if err := h.store.DropAccessory(ctx, id); err != nil {
		return err
	}
	h.has.Accessories = slices.Delete(h.has.Accessories, i, i+1)
	return nil
}

// Secrets gives the secrets of an accessory's fields.
func (h *Home) Secrets(ctx context.Context, accessory string) (map[string]string, error) {
	return h.store.Secrets(ctx, accessory)
}

// Accessory finds a thing by its ID or, whatever the case, by its name.
func (c Contents) Accessory(which string) (Accessory, error) {
	for _, a := range c.Accessories {
		if a.ID == which || strings.EqualFold(a.Name, which) {
			return a, nil
		}
	}
	return Accessory{}, fmt.Errorf("%w: %s", ErrUnknown, which)
}

// Person finds somebody by ID or, whatever the case, by name.
func (c Contents) Person(which string) (Person, error) {
	for _, p := range c.People {
		if p.ID == which || strings.EqualFold(p.Name, which) {
			return p, nil
		}
	}
	return Person{}, fmt.Errorf("%w: %s", ErrUnknown, which)
}

func (h *Home) person(id string) *Person {
	i := slices.IndexFunc(h.has.People, func(p Person) bool { return p.ID == id })
	if i < 0 {
		return nil
	}
	return &h.has.People[i]
}

func newID(kind string) string { return kind + "-" + strings.ToLower(rand.Text()[:10]) }

// Derived accessories: they have no driver, the hub makes them.
const (
	PrivacySwitch = "hub-privacy"    // every camera and history off
	StopSwitch    = "hub-stop"       // every motor at rest
	QuietSwitch   = "hub-quiet-time" // children's toys rest
)

// How the derived accessories are called, in Apple Home, in the app and by the commands.
const (
	PrivacyName   = "Privacy"
	StopName      = "Stop everything"
	QuietName     = "Quiet time"
	EmergencyWord = " SOS" // behind the person's name
)

// PresenceName is what is asked about a person and a zone: "Mia at Home".
func PresenceName(p Person, z Zone) string { return p.Name + " at " + z.Name }

// PresenceID is the derived accessory that says whether a person is in a zone.
func PresenceID(person, zone string) string { return person + "@" + zone }

// EmergencyID is the derived accessory that holds a person's alarm until it is answered.
func EmergencyID(person string) string { return person + "@sos" }

// IsAlarm says whether a trait is a call for help or a fall: an event that must be stored first and
// that latches the person's emergency.
func IsAlarm(t trait.Any) bool {
	return t == trait.SOS.Any() || t == trait.Fall.Any() || t == trait.Alarm.Any()
}
