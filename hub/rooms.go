package main

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/archive"
	"github.com/ingle-home/ingle/hub/health"
	"github.com/ingle-home/ingle/hub/home"
	"github.com/ingle-home/ingle/hub/keeper"
)

func isNone(err error) bool { return errors.Is(err, archive.ErrNone) }

// Snapshot implements server.Hub.
func (d *daemon) Snapshot(ctx context.Context) (wire.Snapshot, error) {
	h := d.inside()
	has := h.home.Contents()
	s := wire.Snapshot{Status: d.Status(ctx), Accessories: h.accessories(), Troubles: troublesOf(h.health)}
	for _, p := range has.People {
		s.People = append(s.People, personOf(p))
	}
	for _, z := range has.Zones {
		s.Zones = append(s.Zones, wire.Zone(z))
	}
	return s, nil
}

// Accessories implements server.Rooms.
func (d *daemon) Accessories(context.Context) ([]wire.Accessory, error) {
	return d.inside().accessories(), nil
}

// accessories are all things, then what the hub derives from them.
func (h *house) accessories() []wire.Accessory {
	has := h.home.Contents()
	var list []wire.Accessory
	for _, a := range has.Accessories {
		list = append(list, h.accessory(a))
	}
	for _, p := range has.People {
		if !slices.ContainsFunc(has.Accessories, func(a home.Accessory) bool { return a.Person == p.ID }) {
			continue
		}
		for _, z := range has.Zones {
			list = append(list, h.derived(home.PresenceID(p.ID, z.ID), home.PresenceName(p, z), "presence", p.ID, z.ID, trait.Occupied.Any()))
		}
		list = append(list, h.derived(home.EmergencyID(p.ID), p.Name+home.EmergencyWord, "emergency", p.ID, "", trait.Emergency.Any()))
	}
	return append(list,
		h.derived(home.PrivacySwitch, home.PrivacyName, "switch", "", "", trait.Privacy.Any()),
		h.derived(home.StopSwitch, home.StopName, "switch", "", "", trait.StopAll.Any()))
}

func (h *house) accessory(a home.Accessory) wire.Accessory {
	w := wire.Accessory{ID: a.ID, Name: a.Name, Driver: a.Driver, Kind: a.Kind, Room: a.Room, Person: a.Person, Alone: a.Alone, Private: a.Private}
	k := h.find(a.ID)
	if k == nil {
		w.Condition = wire.Condition{State: string(keeper.Unsupported), Code: "driver-missing"}
		return w
	}
	w.Condition = conditionOf(k.stands())
	if k.camera != nil {
		s := k.camera.Settings()
		w.Camera = &wire.Camera{Sound: s.Sound, Motion: s.Motion}
	}
	offer, _ := k.keeper.Offer()
	for _, o := range k.complete(offer).Traits {
		v := h.value(a.ID, o.Trait)
		v.Settable, v.Steps = o.Settable, o.Steps
		w.Traits = append(w.Traits, v)
	}
	return w
}

func (h *house) derived(id, name, kind, person, zone string, t trait.Any) wire.Accessory {
	v := h.value(id, t)
	v.Settable = kind == "switch" || kind == "emergency"
	return wire.Accessory{ID: id, Name: name, Kind: kind, Person: person, Zone: zone,
		Condition: wire.Condition{State: string(keeper.Open)}, Traits: []wire.Value{v}}
}

// tellDerived tells the apps what the house derives now: "Mia at Home" is there as soon as Mia has a
// watch and Home is a zone, and gone when one of them is.
func (h *house) tellDerived() {
	h.telling.Lock()
	defer h.telling.Unlock()
	now := map[string]bool{}
	for _, a := range h.accessories() {
		if a.Driver != "" {
			continue
		}
		now[a.ID] = true
		h.feed.Publish(wire.Change{Accessory: &a})
	}
	for id := range h.told {
		if !now[id] {
			h.feed.Publish(wire.Change{Removed: id})
		}
	}
	h.told = now
}

func (h *house) value(accessory string, t trait.Any) wire.Value {
	if r, ok := h.bus.Last(accessory, t); ok {
		return wire.ValueOf(r)
	}
	return wire.Value{Trait: t.ID()}
}

func conditionOf(c keeper.Condition) wire.Condition {
	w := wire.Condition{State: string(c.State), Code: c.Code}
	if !c.Since.IsZero() {
		w.Since = &c.Since
	}
	return w
}

// Add implements server.Rooms: it tries the thing first and keeps it only when it answers.
func (d *daemon) Add(ctx context.Context, r wire.AddRequest) (wire.Accessory, error) {
	h := d.inside()
	driver, ok := h.drivers[r.Driver]
	if !ok {
		return wire.Accessory{}, wire.Refuse(http.StatusUnprocessableEntity, wire.CodeDriver,
			"driver", r.Driver, "known", strings.Join(slices.Sorted(maps.Keys(h.drivers)), ", "))
	}
	about := driver.About()
	if err := answered(about, r); err != nil {
		return wire.Accessory{}, err
	}
	a := home.Accessory{Name: r.Name, Driver: r.Driver, Kind: string(about.Kinds[0]), Address: r.Address, Fields: r.Fields, Room: r.Room, Alone: r.Alone, Private: r.Private}
	if r.Person != "" {
		p, err := h.home.Contents().Person(r.Person)
		if err != nil {
			return wire.Accessory{}, problem(err)
		}
		a.Person = p.ID
	}
	if a.Private && !home.MayBePrivate(a.Kind) {
		return wire.Accessory{}, problem(home.ErrPublic) // before anybody waits for the thing
	}
	tried, err := h.try(ctx, driver, a, r.Secret)
	if err != nil {
		return wire.Accessory{}, err
	}
	a, err = h.admit(&tried, func() (home.Accessory, error) { return h.home.AddAccessory(ctx, a, r.Secret) })
	if err != nil {
		return wire.Accessory{}, h.refused(err)
	}
	h.welcome(ctx, a.ID, r.Check)
	w := h.accessory(a)
	h.feed.Publish(wire.Change{Accessory: &w})
	return w, nil
}

// answered checks the answers to a driver's questions.
func answered(about device.About, r wire.AddRequest) error {
	if r.Address == "" {
		return wire.Refuse(http.StatusUnprocessableEntity, "hub.address", "driver", about.ID)
	}
	for _, f := range about.Fields {
		given := r.Fields[f.Key]
		if f.Secret {
			given = r.Secret[f.Key]
		}
		if given == "" && !f.Optional {
			return wire.Refuse(http.StatusUnprocessableEntity, "hub.field", "field", f.Key, "driver", about.ID)
		}
	}
	for key := range r.Fields {
		if !slices.ContainsFunc(about.Fields, func(f device.Field) bool { return f.Key == key && !f.Secret }) {
			return wire.Refuse(http.StatusUnprocessableEntity, "hub.field.unknown", "field", key, "driver", about.ID)
		}
	}
	return nil
}

// Remove implements server.Rooms.
func (d *daemon) Remove(ctx context.Context, which string) error {
	h := d.inside()
	a, err := h.home.Contents().Accessory(which)
	if err != nil {
		return problem(err)
	}
	if err := h.guard.Remove(ctx, a.ID); err != nil {
		h.log.Warn("a motor was not stopped before it was removed", "accessory", a.ID, "err", err)
	}
	if err := h.clips.Forget(ctx, a.ID); err != nil {
		return problem(err)
	}
	h.labels.Forget(a.ID)
	if err := h.home.RemoveAccessory(ctx, a.ID); err != nil {
		return h.refused(err)
	}
	h.leave(a.ID)
	h.forgetCamera(ctx, a.ID)
	h.guard.Left(a.ID)
	h.show()
	h.feed.Publish(wire.Change{Removed: a.ID})
	return nil
}

// Change implements server.Rooms: a new address or login is tried first, and kept only when the thing
// answers.
func (d *daemon) Change(ctx context.Context, which string, r wire.ChangeRequest) (wire.Accessory, error) {
	h := d.inside()
	a, err := h.home.Contents().Accessory(which)
	if err != nil {
		return wire.Accessory{}, problem(err)
	}
	named := r.Name != "" || r.Room != ""
	again := !named || r.Address != "" || len(r.Fields)+len(r.Secret) > 0
	if again {
		if err := h.retry(ctx, a, r); err != nil {
			return wire.Accessory{}, problem(err)
		}
	}
	to := home.Changes{Name: r.Name, Room: r.Room, Address: r.Address, Fields: r.Fields, Secrets: r.Secret}
	if a, err = h.home.ChangeAccessory(ctx, a.ID, to); err != nil {
		return wire.Accessory{}, h.refused(err)
	}
	if again {
		if err := h.reopen(ctx, a.ID); err != nil {
			return wire.Accessory{}, problem(err)
		}
	}
	h.show()
	w := h.accessory(a)
	h.feed.Publish(wire.Change{Accessory: &w})
	return w, nil
}

// retry tries a thing with what shall be new of it, once what it does now has ended.
func (h *house) retry(ctx context.Context, a home.Accessory, r wire.ChangeRequest) error {
	driver, ok := h.drivers[a.Driver]
	if !ok {
		return wire.Refuse(http.StatusUnprocessableEntity, wire.CodeDriver, "driver", a.Driver, "known", strings.Join(slices.Sorted(maps.Keys(h.drivers)), ", "))
	}
	secrets, err := h.home.Secrets(ctx, a.ID)
	if err != nil {
		return err
	}
	all := wire.AddRequest{Address: cmp.Or(r.Address, a.Address), Fields: merged(a.Fields, r.Fields), Secret: merged(secrets, r.Secret)}
	if err := answered(driver.About(), all); err != nil {
		return err
	}
	if a.Kind == string(device.Toy) {
		h.calm(ctx, a.ID)
	}
	a.Address, a.Fields = all.Address, all.Fields
	_, err = h.try(ctx, driver, a, all.Secret)
	return err
}

func merged(old, changed map[string]string) map[string]string {
	all := map[string]string{}
	maps.Copy(all, old)
	maps.Copy(all, changed)
	return all
}

// Place implements server.Rooms.
func (d *daemon) Place(ctx context.Context, which string, p wire.Placement) (wire.Accessory, error) {
	h := d.inside()
	a, err := h.home.Contents().Accessory(which)
	if err != nil {
		return wire.Accessory{}, problem(err)
	}
	if a, err = h.home.PlaceAccessory(ctx, a.ID, p.Alone, p.Private); err != nil {
		return wire.Accessory{}, h.refused(err)
	}
	if a.Private {
		h.calm(ctx, a.ID)
	}
	h.show()
	w := h.accessory(a)
	h.feed.Publish(wire.Change{Accessory: &w})
	return w, nil
}

// calm stops what is shown as at rest from now on. Whether it turns may not have been told yet.
func (h *house) calm(ctx context.Context, id string) {
	last, _ := h.bus.Last(id, trait.Reachable.Any())
	if there, _ := trait.Reachable.In(last); !there {
		return
	}
	if err := h.do(ctx, id, trait.Speed.Set(0)); err != nil {
		h.log.Warn("what became private was not stopped", "accessory", id, "err", err)
	}
}

// Do implements server.Rooms. Which is an ID or a name.
func (d *daemon) Do(ctx context.Context, which string, r wire.Do) error {
	h := d.inside()
	all := h.accessories()
	i := slices.IndexFunc(all, func(a wire.Accessory) bool { return a.ID == which || strings.EqualFold(a.Name, which) })
	if i < 0 {
		return problem(home.ErrUnknown)
	}
	t, ok := trait.Lookup(r.Trait)
	if !ok {
		return wire.Refuse(http.StatusUnprocessableEntity, wire.CodeTrait, "trait", r.Trait)
	}
	cmd, err := t.Command(r.Value)
	if err != nil {
		return wire.Refuse(http.StatusUnprocessableEntity, wire.CodeTrait, "trait", r.Trait)
	}
	return problem(h.do(ctx, all[i].ID, cmd))
}

// Troubles implements server.Hub.
func (d *daemon) Troubles(context.Context) ([]wire.Trouble, error) {
	return troublesOf(d.inside().health), nil
}

func troublesOf(l *health.List) []wire.Trouble {
	list := []wire.Trouble{}
	for _, t := range l.All() {
		severity := [...]string{"notice", "warning", "alarm"}[min(t.Severity, health.Alarm)]
		list = append(list, wire.Trouble{Code: t.Code, Subject: t.Subject, Args: t.Args, Severity: severity, Since: t.Since})
	}
	return list
}

func personOf(p home.Person) wire.Person {
	return wire.Person{ID: p.ID, Name: p.Name, Role: string(p.Role)}
}

// People implements server.Family.
func (d *daemon) People(context.Context) ([]wire.Person, error) {
	var list []wire.Person
	for _, p := range d.inside().home.Contents().People {
		list = append(list, personOf(p))
	}
	return list, nil
}

// AddPerson implements server.Family.
func (d *daemon) AddPerson(ctx context.Context, w wire.Person) (wire.Person, error) {
	h := d.inside()
	role := home.Role(w.Role)
	if role == "" {
		role = home.Member
	}
	p, err := h.home.AddPerson(ctx, w.Name, role)
	if err != nil {
		return wire.Person{}, h.refused(err)
	}
	h.show()
	w = personOf(p)
	h.feed.Publish(wire.Change{Person: &w})
	return w, nil
}

// Zones implements server.Family.
func (d *daemon) Zones(context.Context) ([]wire.Zone, error) {
	var list []wire.Zone
	for _, z := range d.inside().home.Contents().Zones {
		list = append(list, wire.Zone(z))
	}
	return list, nil
}

// AddZone implements server.Family.
func (d *daemon) AddZone(ctx context.Context, w wire.Zone) (wire.Zone, error) {
	h := d.inside()
	z, err := h.home.AddZone(ctx, home.Zone(w))
	if err != nil {
		return wire.Zone{}, h.refused(err)
	}
	h.show()
	w = wire.Zone(z)
	h.feed.Publish(wire.Change{Zone: &w})
	return w, nil
}

// Names implements keys.Home: the words of this home that make a password easy to guess.
func (h *house) Names() []string {
	has := h.home.Contents()
	var names []string
	for _, p := range has.People {
		names = append(names, p.Name)
	}
	for _, z := range has.Zones {
		names = append(names, z.Name)
	}
	for _, a := range has.Accessories {
		names = append(names, a.Name, a.Room)
	}
	return names
}
